/** From what a label file holds to classes: indices as they are, colours by a strict table. */
import type { Rgb } from "../fcn/legend.js";
import { VOID } from "../training/sample.js";
import { fileError } from "./errors.js";

/** How labels are read. Plain data: it goes to the decoding threads. */
export interface LabelRules {
  /** Number of classes. */
  readonly classes: number;
  /** The label of the first class in files of indices. */
  readonly firstLabel: number;
  /** The labels that count for nothing, as the files have them. */
  readonly ignore: readonly number[];
  /** Colours of the classes by index, then where there is one the colour of what is ignored: for label images in colour. */
  readonly colours: readonly Rgb[] | null;
}

interface Extent {
  readonly width: number;
  readonly height: number;
}

/** The labels of the file, {@link LEAST_LABEL} to {@link MOST_LABEL}. */
interface IndexImage extends Extent {
  readonly kind: "index";
  readonly data: Uint8Array | Int16Array;
}

/** RGB, three bytes a pixel. */
interface ColourImage extends Extent {
  readonly kind: "colour";
  readonly data: Uint8Array;
}

export type LabelImage = IndexImage | ColourImage;

/** What labels in files may be. Below 0 are those of .mat files that stand for nothing. */
export const [LEAST_LABEL, MOST_LABEL] = [-128, 255];

/** The class of each pixel, or VOID. Throws InputError naming file, pixel and value where one is neither a class nor ignored. */
export function classesOf(file: string, image: LabelImage, rules: LabelRules): Uint8Array {
  return image.kind === "index" ? fromIndices(file, image, rules) : fromColours(file, image, rules);
}

function fromIndices(file: string, { data, width }: IndexImage, { classes, firstLabel, ignore }: LabelRules): Uint8Array {
  const map = new Int16Array(MOST_LABEL - LEAST_LABEL + 1).fill(-1);
  for (let i = 0; i < classes; i++) map[firstLabel + i - LEAST_LABEL] = i;
  for (const label of ignore) map[label - LEAST_LABEL] = VOID;
  const out = new Uint8Array(data.length);
  for (let p = 0; p < data.length; p++) {
    const label = map[data[p]! - LEAST_LABEL]!;
    if (label < 0) {
      const ignored = ignore.length === 0 ? "no label is" : `${ignore.join(" and ")} ${ignore.length > 1 ? "are" : "is"}`;
      throw fileError(
        file,
        `pixel (${p % width}, ${Math.floor(p / width)}) has label ${data[p]}, which is outside ${firstLabel} to ${firstLabel + classes - 1}, and ${ignored} ignored: correct the labels, the class list, the label to ignore, or that of the first class`,
      );
    }
    out[p] = label;
  }
  return out;
}

function fromColours(file: string, { data, width }: ColourImage, { classes, colours }: LabelRules): Uint8Array {
  if (!colours)
    throw fileError(
      file,
      "the labels are colours, and the class list has none: use PNGs of indices, or give each class its colour",
    );
  const byColour = new Map(colours.map(([r, g, b], i) => [(r << 16) | (g << 8) | b, i < classes ? i : VOID]));
  const out = new Uint8Array(data.length / 3);
  for (let p = 0; p < out.length; p++) {
    const colour = (data[3 * p]! << 16) | (data[3 * p + 1]! << 8) | data[3 * p + 2]!;
    const label = byColour.get(colour);
    if (label === undefined) {
      const hex = `#${colour.toString(16).padStart(6, "0")}`;
      throw fileError(
        file,
        `pixel (${p % width}, ${Math.floor(p / width)}) has colour ${hex}, which is none of the ${colours.length} of the class list: colours must be exact; a JPEG or a resized image is no label image`,
      );
    }
    out[p] = label;
  }
  return out;
}

type Size = readonly [h: number, w: number];

/** Labels in another size: of each pixel that under its centre. */
export function scaledLabels(labels: Uint8Array, [height, width]: Size, [toHeight, toWidth]: Size): Uint8Array {
  const out = new Uint8Array(toHeight * toWidth);
  for (let y = 0; y < toHeight; y++) {
    const row = Math.floor(((y + 0.5) * height) / toHeight) * width;
    for (let x = 0; x < toWidth; x++) out[y * toWidth + x] = labels[row + Math.floor(((x + 0.5) * width) / toWidth)]!;
  }
  return out;
}
