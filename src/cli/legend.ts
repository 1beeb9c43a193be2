/** The classes of a net as the command line writes them: a class list, a page. */
import { readClassList } from "../data/class-list.js";
import type { ClassFacts, LegendEntry } from "../fcn/legend.js";
import { InputError } from "../tensor/errors.js";

/** Names, and colours where they are given, from a class list. Throws InputError where it is of another number of classes. */
export async function classFactsOf(list: string, classes: number): Promise<ClassFacts> {
  const { names, colours } = await readClassList(list);
  if (names.length !== classes)
    throw new InputError(
      `${list}: it has ${names.length} classes, but the net has ${classes}: give the list that it was trained with`,
    );
  // The colour behind the classes' is that of what counts for nothing.
  return { labels: names, ...(colours ? { colours: colours.slice(0, classes) } : {}) };
}

/** As a data set's classes.txt: index, name and colour by tabs. */
export function classListText(legend: readonly LegendEntry[]): string {
  return legend.map(({ label, name, colour }) => `${label}\t${name.replace(/\s+/g, " ")}\t${colour.join(",")}\n`).join("");
}

const ESCAPES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** A page of its own, for a browser. */
export function legendPage(legend: readonly LegendEntry[]): string {
  const escaped = (text: string): string => text.replace(/[&<>"]/g, (c) => ESCAPES[c]!);
  const rows = legend.map(
    ({ label, name, colour }) =>
      `<tr><td style="background: rgb(${colour.join(", ")})"></td><td>${label}</td><td>${escaped(name)}</td></tr>`,
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
