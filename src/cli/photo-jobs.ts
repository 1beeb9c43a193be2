/** What `fcn predict` has to do: photos, the names of their results, and what of these is there already. */
import { readdir, readFile, stat } from "node:fs/promises";
import { dirname, join, parse, resolve } from "node:path";
import { isPhoto } from "../data/file-names.js";
import { InputError } from "../tensor/errors.js";
import { UsageError } from "./io.js";

export interface Job {
  readonly photo: string;
  /** Of its files, without what they end in. */
  readonly name: string;
}

/** Photos in the order given, those of a folder by name. */
export async function jobsOf(photos: readonly string[], out: string): Promise<readonly Job[]> {
  const files: string[] = [];
  for (const path of photos) {
    const found = await stat(path).catch((cause: unknown) => {
      throw new InputError(`${path}: there is no such file or folder: check the path`, { cause });
    });
    const folder = found.isDirectory() ? path : dirname(path);
    if (resolve(folder) === resolve(out))
      throw new UsageError(`--out is the folder of the photos, ${folder}: give another, or the results are photos the next time`);
    if (!found.isDirectory()) {
      files.push(path);
      continue;
    }
    const inside = await photosIn(path);
    if (inside.length === 0) throw new InputError(`${path}: there are no photos in the folder (JPEG, PNG, WebP, TIFF, AVIF)`);
    files.push(...inside.map((name) => join(path, name)));
  }
  // By the whole name where two would share one: a.jpg and a.png.
  const count = new Map<string, number>();
  for (const file of files) count.set(parse(file).name, (count.get(parse(file).name) ?? 0) + 1);
  const jobs = files.map((photo) => ({
    photo,
    name: count.get(parse(photo).name) === 1 ? parse(photo).name : parse(photo).base,
  }));
  const twice = jobs.find(({ name }, i) => jobs.findIndex((job) => job.name === name) !== i);
  if (twice)
    throw new UsageError(
      `two photos are called ${twice.name}: their results would overwrite each other; label them one after the other, into two folders`,
    );
  return jobs;
}

/** By their names, sorted. */
async function photosIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory() && isPhoto(entry.name))
    .map(({ name }) => name)
    .sort();
}

/** What becomes of results that are there already. */
export interface Existing {
  readonly force: boolean;
  readonly onlyNew: boolean;
}

export interface Planned {
  /** Still to be labelled. */
  readonly jobs: readonly Job[];
  /** Of these, whose results will be replaced. */
  readonly replaced: number;
  /** Left as they are. */
  readonly kept: number;
}

/** Throws InputError where there are results of the photos, and nothing says what is to become of them. */
export async function plannedOf(
  jobs: readonly Job[],
  out: string,
  endings: readonly string[],
  { force, onlyNew }: Existing,
): Promise<Planned> {
  const there = new Set(await readdir(out).catch(() => []));
  const begun = jobs.filter(({ name }) => endings.some((ending) => there.has(name + ending)));
  if (begun.length > 0 && !force && !onlyNew)
    throw new InputError(
      `${out}: ${begun.length} of the ${jobs.length} photos have results there already, ${begun[0]!.photo} the first: give another folder, --only-new to label the others, or --force to replace them`,
    );
  const done = new Set(onlyNew ? begun.filter(({ name }) => endings.every((ending) => there.has(name + ending))) : []);
  return { jobs: jobs.filter((job) => !done.has(job)), replaced: begun.length - done.size, kept: done.size };
}

/** Throws InputError where one of the texts is there with other words: a data set's class list, or another net's. */
export async function expectSameTexts(out: string, texts: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(texts)) {
    const there = await readFile(join(out, name), "utf8").catch(() => null);
    if (there !== null && there !== text)
      throw new InputError(
        `${join(out, name)} is there already, with other classes: give another folder, or --force to replace it`,
      );
  }
}
