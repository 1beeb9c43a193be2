/**
 * Which image a step sees, and how: drawn with replacement, as the reference does (voc_layers.py), each draw a function of the seed and its number alone. So there is
 * no sampler state to save: a resumed run draws what the whole run would have.
 */
import { hashString, uniform } from "../tensor/random.js";
import { VOID, type Sample } from "./sample.js";

export interface Augmentation {
  /** Half of the images are mirrored left to right (paper, 4.3: no noticeable gain). */
  readonly mirror?: boolean;
  /** Images are moved by up to so many pixels each way (the paper: 32, the coarsest stride). What comes in is void, of the mean colour. */
  readonly jitter?: number;
  /**
   * Loss sampling (paper, 3.4): each cell of the coarsest scores counts with this probability p. The paper takes 1 / p times the images a step with it, so that as many
   * pixels count: `recipe` and `stagesOf` do so where they are told of it too. A stage's `accumulate` is taken as it stands.
   */
  readonly keepCells?: number;
}

/** Cells of the coarsest scores: cell i is centred at image coordinate stride i + offset. */
export interface CellGrid {
  readonly stride: readonly [h: number, w: number];
  readonly offset: readonly [h: number, w: number];
}

/** Draw number `n` of a set of `length` images: a random source of its own. */
export function drawSource(seed: number, stream: string, n: number): () => number {
  return uniform(hashString(`${seed}/${stream}/${n}`));
}

/** The index that a draw takes from its source first. */
export function drawIndex(random: () => number, length: number): number {
  return Math.floor(random() * length);
}

/** The sample as the draw wants it; `meanPixel` is the packed colour that becomes zeros. The sample itself is left as it is. */
export function augment(
  sample: Sample,
  { mirror = false, jitter = 0, keepCells = 1 }: Augmentation,
  random: () => number,
  meanPixel: number,
  cells: CellGrid | null,
): Sample {
  // Each takes its numbers whether it is used or not: switching one on leaves the others' draws as they were.
  const [flip, y, x] = [random(), random(), random()];
  const along = (u: number): number => Math.floor(u * (2 * jitter + 1)) - jitter;
  let result = sample;
  if (mirror && flip < 0.5) result = moved(result, (row, column) => [row, result.width - 1 - column], meanPixel);
  if (jitter > 0) {
    const [dy, dx] = [along(y), along(x)];
    if (dy !== 0 || dx !== 0) result = moved(result, (row, column) => [row - dy, column - dx], meanPixel);
  }
  if (keepCells < 1 && cells) result = { ...result, labels: keptLabels(result, keepCells, cells, random) };
  return result;
}

function moved(sample: Sample, from: (row: number, column: number) => readonly [number, number], meanPixel: number): Sample {
  const { height, width } = sample;
  const pixels = new Uint32Array(height * width).fill(meanPixel);
  const labels = new Uint8Array(height * width).fill(VOID);
  let at = 0;
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++, at++) {
      const [y, x] = from(row, column);
      if (y < 0 || y >= height || x < 0 || x >= width) continue;
      pixels[at] = sample.pixels[y * width + x]!;
      labels[at] = sample.labels[y * width + x]!;
    }
  }
  return { ...sample, pixels, labels };
}

/** Labels with whole cells made void: a mask on the loss, and the mean is over what is left. */
function keptLabels({ height, width, labels }: Sample, keep: number, cells: CellGrid, random: () => number): Uint8Array {
  const cellsAlong = (size: number, axis: 0 | 1): { readonly first: number; readonly of: number[] } => {
    const of = Array.from({ length: size }, (_, i) => Math.round((i - cells.offset[axis]) / cells.stride[axis]));
    return { first: of[0]!, of };
  };
  const [rows, columns] = [cellsAlong(height, 0), cellsAlong(width, 1)];
  const across = columns.of.at(-1)! - columns.first + 1;
  const kept = Array.from({ length: across * (rows.of.at(-1)! - rows.first + 1) }, () => random() < keep);
  return labels.map((label, i) => {
    const [row, column] = [rows.of[Math.floor(i / width)]!, columns.of[i % width]!];
    return kept[(row - rows.first) * across + column - columns.first] ? label : VOID;
  });
}
