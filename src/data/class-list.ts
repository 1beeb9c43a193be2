/** The classes of a set: a text file of one class a line, `index name colour` by tabs, or names alone. */
import { readFile } from "node:fs/promises";
import { VOC_CLASSES, type Rgb } from "../fcn/legend.js";
import { vocPalette } from "../fcn/palette.js";
import { fileError, reasonOf } from "./errors.js";

export interface ClassList {
  readonly names: readonly string[];
  /** By index, the ignored one's last where it has one; null where the list gives no colours. */
  readonly colours: readonly Rgb[] | null;
  /** The index of the class that counts for nothing, where the list names one. */
  readonly ignore: number | null;
}

/** What lists call the pixels that count for nothing. */
const IGNORED = /\b(un-?label+ed|void|ignored?)\b/i;

/** Throws InputError naming file and line. The last class counts for nothing where it is called void, unlabelled or ignored. */
export async function readClassList(file: string): Promise<ClassList> {
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    throw fileError(
      file,
      `the class list cannot be read (${reasonOf(error)}): make one with a class a line, in the order of their indices`,
      error,
    );
  });
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== "");
  const classes = lines.map((line, i) => {
    const fields = line.split("\t").map((field) => field.trim());
    if (fields.length === 1) return { name: fields[0]!, colour: null };
    const [index, name, colour] = fields;
    if (index !== String(i) || !name)
      throw fileError(
        file,
        `line ${i + 1} is ${JSON.stringify(line)}: expected index ${i}, a name and perhaps a colour (128,0,0), by tabs`,
      );
    return { name, colour: colour === undefined ? null : colourOf(file, i, colour) };
  });
  const colours = classes.map((c) => c.colour);
  const coloured = colours.filter((c) => c !== null);
  if (coloured.length !== 0 && coloured.length !== classes.length)
    throw fileError(file, `${coloured.length} of ${classes.length} classes have a colour: give it to all, or to none`);
  const hasIgnored = classes.length > 1 && IGNORED.test(classes.at(-1)!.name);
  const names = classes.map((c) => c.name);
  if (names.length === 0) throw fileError(file, "the class list is empty");
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw fileError(file, `two classes are called ${twice}: give each a name of its own`);
  return {
    names: hasIgnored ? names.slice(0, -1) : names,
    colours: coloured.length > 0 ? coloured : null,
    ignore: hasIgnored ? names.length - 1 : null,
  };
}

function colourOf(file: string, line: number, text: string): Rgb {
  const values = text.split(",").map(Number);
  if (values.length !== 3 || !values.every((v) => Number.isInteger(v) && v >= 0 && v <= 255))
    throw fileError(file, `line ${line + 1}: the colour is ${text}: use red,green,blue from 0 to 255`);
  return values as unknown as Rgb;
}

/** PASCAL VOC's 20 classes behind the background, with VOC's palette; 255 is void. */
export function vocClasses(): ClassList {
  const palette = vocPalette();
  const colour = (index: number): Rgb => [palette[3 * index]!, palette[3 * index + 1]!, palette[3 * index + 2]!];
  return { names: VOC_CLASSES, colours: [...VOC_CLASSES.map((_, i) => colour(i)), colour(255)], ignore: 255 };
}
