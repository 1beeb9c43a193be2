/** Classes with their names and colours, and what is made of them: a palette, a class list, a page. */
import type { NetFacts } from "../fcn/net-metadata.js";
import { vocPalette } from "../fcn/palette.js";
import { readClassList, vocClasses } from "../data/class-list.js";
import type { Rgb } from "../data/label-map.js";
import { InputError } from "../tensor/errors.js";

export interface Legend {
  readonly names: readonly string[];
  /** One for each name. */
  readonly colours: readonly Rgb[];
}

/** From a class list, else the weights' file, else PASCAL VOC's for its 21 classes, else numbers. Colours that nothing gives are VOC's palette. */
export async function legendOf(
  classes: number,
  { list, facts }: { readonly list?: string; readonly facts: NetFacts },
): Promise<Legend> {
  const palette = vocPalette();
  const colourOf = (i: number): Rgb => [palette[3 * i]!, palette[3 * i + 1]!, palette[3 * i + 2]!];
  if (list !== undefined) {
    const { names, colours } = await readClassList(list);
    if (names.length !== classes)
      throw new InputError(
        `${list}: it has ${names.length} classes, but the net has ${classes}: give the list that it was trained with`,
      );
    return { names, colours: names.map((_, i) => colours?.[i] ?? colourOf(i)) };
  }
  const known = facts.labels ?? (classes === vocClasses().names.length ? vocClasses().names : []);
  const names = Array.from({ length: classes }, (_, i) => known[i] ?? `class ${i}`);
  return { names, colours: names.map((_, i) => facts.colours?.[i] ?? colourOf(i)) };
}

/** RGB triples one behind the other. */
export function paletteOf({ colours }: Legend): Uint8Array {
  return Uint8Array.from(colours.flat());
}

/** As a data set's classes.txt: index, name and colour by tabs. */
export function classListText({ names, colours }: Legend): string {
  return names.map((name, i) => `${i}\t${name.replace(/\s+/g, " ")}\t${colours[i]!.join(",")}\n`).join("");
}

const ESCAPES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** A page of its own, for a browser. */
export function legendPage({ names, colours }: Legend): string {
  const escaped = (text: string): string => text.replace(/[&<>"]/g, (c) => ESCAPES[c]!);
  const rows = names.map(
    (name, i) => `<tr><td style="background: rgb(${colours[i]!.join(", ")})"></td><td>${i}</td><td>${escaped(name)}</td></tr>`,
  );
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Legend</title>
<style>body { font: 16px sans-serif; margin: 2em } td { padding: 0.2em 0.6em } td:first-child { width: 3em; border: 1px solid #888 } td:nth-child(2) { text-align: right }</style>
<table>
${rows.join("\n")}
</table>
</html>
`;
}
