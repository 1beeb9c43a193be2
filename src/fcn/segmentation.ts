/** What segmenting an image gives: a class for each pixel, and what the classes are called and look like. */
import { InputError } from "../tensor/errors.js";
import { MOST_CLASSES, paletteOf, type LegendEntry } from "./legend.js";

/** A class of the net, and how much of the image it takes. */
export interface LabelledClass extends LegendEntry {
  readonly pixels: number;
}

export interface Segmentation {
  readonly width: number;
  readonly height: number;
  /** Class of each pixel, row by row. */
  readonly labels: Uint8Array;
  /** All classes of the net by index: names and colours, and how many pixels each has here. */
  readonly legend: readonly LabelledClass[];
  /** [classes, height, width], where they were asked for. */
  readonly scores?: Float32Array;
  /**
   * The labels in colour, opaque. `palette`: RGB triples by label, the legend's by default. In Node, where there is no ImageData, a plain object of the same fields.
   * Throws InputError for a label beyond the palette.
   */
  toImageData(palette?: Uint8Array): ImageData;
}

export function segmentationOf(
  labels: Uint8Array,
  of: {
    readonly width: number;
    readonly height: number;
    readonly legend: readonly LegendEntry[];
    readonly scores?: Float32Array;
  },
): Segmentation {
  const { width, height, legend } = of;
  const counts = new Uint32Array(MOST_CLASSES);
  for (const label of labels) counts[label]!++;
  return {
    ...of,
    labels,
    legend: legend.map((entry) => ({ ...entry, pixels: counts[entry.label]! })),
    toImageData: (palette = paletteOf(legend)) => colourise(labels, width, height, palette),
  };
}

function colourise(labels: Uint8Array, width: number, height: number, palette: Uint8Array): ImageData {
  const data = new Uint8ClampedArray(4 * labels.length);
  labels.forEach((label, i) => {
    if (3 * label + 3 > palette.length)
      throw new InputError(
        `toImageData: label ${label} has no colour among the ${Math.floor(palette.length / 3)} of the palette: give 3 bytes for each class`,
      );
    data.set(palette.subarray(3 * label, 3 * label + 3), 4 * i);
    data[4 * i + 3] = 255;
  });
  // In Node a stand-in of the same fields.
  return typeof ImageData === "undefined" ? { data, width, height, colorSpace: "srgb" } : new ImageData(data, width, height);
}
