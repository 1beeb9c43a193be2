/** Data sets in folders, as training and evaluation read them. */
import { relative, sep } from "node:path";
import type { Rgb } from "../fcn/legend.js";
import { InputError } from "../tensor/errors.js";
import type { Sample, SampleSource } from "../training/sample.js";
import type { DecodeJob } from "./decode.js";
import { Decoder } from "./decoder.js";
import { LEAST_LABEL, MOST_LABEL, type LabelRules } from "./label-map.js";
import { readLayout, type Format, type LayoutOptions, type Listing, type Pair } from "./layouts.js";

export interface DataSetOptions extends LayoutOptions {
  /** Default: by the folders that are there. */
  readonly format?: Format | "auto";
  /** Scale images to so many rows and columns: photos by Lanczos, labels by their nearest pixel. Default: as they are, as in the paper. */
  readonly size?: readonly [h: number, w: number];
  /** The label that counts for nothing, as the files have it, or several; null for none. Default: what the class list calls void, unlabelled or ignored, else 255. */
  readonly ignore?: number | readonly number[] | null;
  /** The label that the first class has in the files, the others behind it. Default 0; 1 where 0 is void, as in NYUDv2 and SIFT Flow (with `ignore: 0`). */
  readonly firstLabel?: number;
  /**
   * Which variable of .mat files has the labels, as "S", or which field of a struct, as "GTcls.Segmentation". Default: the only numeric matrix that a file has; where it has
   * none, that field, which is SBD's.
   */
  readonly labelVariable?: string;
  /** Threads that decode. Default: one less than there are cores, at most 4. */
  readonly threads?: number;
}

export interface DataSet extends SampleSource, Disposable {
  /** An image and its labels, by their paths in the set's folder. */
  readonly names: readonly string[];
  /** Size and rules of labels. */
  readonly decoding: Readonly<Record<string, unknown>>;
  /** Files by index. */
  readonly files: readonly Pair[];
  readonly colours: readonly Rgb[] | null;
  /** The file that names the images; null where the folder has no list at all, and everything in it is taken. */
  readonly list: string | null;
  /** Images of the list that `exclude` left out. */
  readonly excluded: number;
}

/**
 * Opens a split of a set: VOC2011 or 2012, SBD, or `images`, `labels` and `classes.txt` with lists (CamVid and Oxford Pets are laid out so). Lists are read and files looked
 * for now, and decoded in threads when they are asked for. Throws InputError for a folder of no known layout, a missing file, and later for one that does not decode, an
 * image of another size than its labels, and a label that is no class, naming file, pixel and value.
 *
 * @example
 * using train = await openDataSet("camvid", { split: "train", size: [120, 160] });
 */
export async function openDataSet(root: string, options: DataSetOptions): Promise<DataSet> {
  const { jobs, classes, list, excluded, names, decoding } = await listDataSet(root, options);
  const decoder = new Decoder(options.threads);
  return {
    classes: classes.names,
    colours: classes.colours,
    list,
    excluded,
    length: jobs.length,
    names,
    decoding,
    files: jobs.map(({ image, labels }) => ({ image, labels })),
    load(index): Promise<Sample> {
      const job = jobs[index];
      return job
        ? decoder.decode(job)
        : Promise.reject(new InputError(`load: there is no sample ${index}: the set has ${jobs.length}`));
    },
    [Symbol.dispose]: () => decoder[Symbol.dispose](),
  };
}

interface DataListing extends Omit<Listing, "pairs">, Pick<DataSet, "names" | "decoding"> {
  readonly jobs: readonly DecodeJob[];
}

/** What is to be decoded, and how. */
export async function listDataSet(root: string, options: DataSetOptions): Promise<DataListing> {
  const { format = "auto", size = null, firstLabel = 0, labelVariable } = options;
  if (size && !size.every((n) => Number.isInteger(n) && n > 0))
    throw new InputError(`openDataSet: size is ${size.join(" x ")}: use positive integers`);
  const { pairs, ...listing } = await readLayout(root, format, options);
  const { names, colours, ignore: listed } = listing.classes;
  const { ignore: asked = listed === null ? MOST_LABEL : firstLabel + listed } = options;
  const ignore = asked === null ? [] : typeof asked === "number" ? [asked] : asked;
  const wrong = ignore.find((label) => !Number.isInteger(label) || label < LEAST_LABEL || label > MOST_LABEL);
  if (wrong !== undefined)
    throw new InputError(`openDataSet: ignore is ${wrong}: use labels from ${LEAST_LABEL} to ${MOST_LABEL}, or null for none`);
  if (!Number.isInteger(firstLabel) || firstLabel < 0 || firstLabel + names.length > 256)
    throw new InputError(
      `openDataSet: firstLabel is ${firstLabel} for ${names.length} classes: use a label from 0 to ${256 - names.length}`,
    );
  const rules: LabelRules = { classes: names.length, firstLabel, ignore, colours };
  const variable = labelVariable ?? null;
  return {
    ...listing,
    jobs: pairs.map((pair) => ({ ...pair, rules, size, variable })),
    names: pairs.map((pair) => [pair.image, pair.labels].map((file) => within(listing.root, file)).join(" ")),
    // What the labels of files are is the rules'; colours are labels too, where files have these.
    decoding: { size, firstLabel, ignore, variable, colours: colours && colours.map((colour) => colour.join(",")).join(" ") },
  };
}

/** The same on every platform. */
function within(root: string, file: string): string {
  return relative(root, file).split(sep).join("/");
}

/** Keeps decoded samples, so that a small set is decoded once: `bytes` of pixels and labels at most (default 512 MiB), the rest is decoded each time. */
export function cached(source: SampleSource, bytes = 512 * 2 ** 20): SampleSource {
  const kept = new Map<number, Promise<Sample>>();
  let left = bytes;
  return {
    classes: source.classes,
    ...(source.colours ? { colours: source.colours } : {}),
    ...(source.names ? { names: source.names } : {}),
    ...(source.decoding ? { decoding: source.decoding } : {}),
    length: source.length,
    load(index) {
      const known = kept.get(index);
      if (known) return known;
      const loading = source.load(index);
      if (left > 0) {
        kept.set(index, loading);
        loading.then(
          ({ pixels, labels }) => {
            left -= pixels.byteLength + labels.byteLength;
          },
          () => kept.delete(index),
        );
      }
      return loading;
    },
  };
}
