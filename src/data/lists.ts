/** Lists of names: which images of a set a split has, and which are left out of it. */
import { access, readdir, readFile } from "node:fs/promises";
import { join, parse, resolve } from "node:path";
import { fileError, reasonOf } from "./errors.js";
import { nameOf, pathsOf } from "./file-names.js";

export interface ListOptions {
  readonly split: string;
  /** A file of names that replaces the split's own list: seg11valid.txt. */
  readonly list?: string;
  /** Files of names to leave out: SBD's train.txt, for a validation set that nothing was trained on. */
  readonly exclude?: readonly string[];
}

/** What a split takes, in the order of its list. */
export interface Listed {
  /** Names, or an image and its labels by their paths. */
  readonly lines: readonly string[];
  /** The file that they are from; null where the folder has no list and everything is taken. */
  readonly list: string | null;
  /** Lines that `exclude` left out. */
  readonly excluded: number;
}

/** Where the lists of a layout lie. */
export interface ListFolder {
  readonly folder: string;
  /** Of the .txt files there, which are lists. */
  readonly isList: (file: string) => Promise<boolean>;
  /** All names, for a folder without lists; null where the layout has always some. Rejects where the images are not there either. */
  readonly all: (() => Promise<readonly string[]>) | null;
}

/** Throws InputError where the split has no list but others have, naming these, and for a list that cannot be read. */
export async function splitLines(options: ListOptions, { folder, isList, all }: ListFolder): Promise<Listed> {
  const { split, list = join(folder, `${split}.txt`) } = options;
  if (options.list !== undefined || (await exists(list))) return without(await linesOf(list), list, options);
  // What is left out is no split of its own: with the training list alone, everything else may be the rest.
  const left = new Set((options.exclude ?? []).map((file) => resolve(file)));
  const others = await listsIn(folder, async (file) => !left.has(resolve(file)) && (await isList(file)));
  if (others.length > 0)
    throw fileError(
      list,
      `split ${split} has no list, but there is one for ${others.join(", ")}: name one of these, or give a list of its own`,
    );
  if (!all) throw fileError(list, "the split's list is missing, and there is none beside it: check the folder, or give a list");
  return without(await all(), null, options);
}

/** Splits by the lists that are there. */
async function listsIn(folder: string, isList: ListFolder["isList"]): Promise<readonly string[]> {
  const files = (await readdir(folder).catch(() => [])).filter((file) => /\.txt$/i.test(file)).sort();
  const are = await Promise.all(files.map((file) => isList(join(folder, file))));
  return files.filter((_, i) => are[i]).map((file) => parse(file).name);
}

async function without(lines: readonly string[], list: string | null, { exclude = [] }: ListOptions): Promise<Listed> {
  const out = (await Promise.all(exclude.map(linesOf))).flat();
  const same = new Set(out);
  // A list of names leaves out what another lists by its paths, and the other way round. Two paths must be the same: splits have folders, and names within these.
  const [names, ofPaths] = [new Set(out.filter((line) => !pathsOf(line)).map(nameOf)), new Set(out.map(nameOf))];
  const isOut = (line: string): boolean => same.has(line) || (pathsOf(line) ? names : ofPaths).has(nameOf(line));
  const kept = lines.filter((line) => !isOut(line));
  return { lines: kept, list, excluded: lines.length - kept.length };
}

/** Lines that are not empty. Throws InputError where the file cannot be read. */
export async function linesOf(file: string): Promise<string[]> {
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    throw fileError(file, `the list of names cannot be read (${reasonOf(error)})`, error);
  });
  return text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

export async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
