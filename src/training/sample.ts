/** What training and evaluation read: images with a label for each pixel. Platform-free; fcn-webgpu/data reads folders into it. */
import type { Rgb } from "../fcn/legend.js";

/** The label of pixels that count for nothing, in samples of every set. */
export const VOID = 255;

/** One image with its labels. */
export interface Sample {
  /** For messages: the file, as a rule. */
  readonly name: string;
  readonly height: number;
  readonly width: number;
  /** RGBA packed into one u32 a pixel, red in the lowest byte, row by row (`packRgba`). */
  readonly pixels: Uint32Array;
  /** The class of each pixel, or {@link VOID}. */
  readonly labels: Uint8Array;
}

/** Samples by index, loaded when asked for: the same index gives the same sample. */
export interface SampleSource {
  /** The classes' names; their indices are the labels. At most 255. */
  readonly classes: readonly string[];
  /** Colours of the classes, and behind them perhaps of what is void; where the set has some, weights trained on it keep them. */
  readonly colours?: readonly Rgb[] | null;
  readonly length: number;
  /**
   * What the samples are called, by index, where the source knows: their files, as seen from the set's folder. A run notes them, and goes on only with the same ones in the
   * same order. What the files hold it does not note.
   */
  readonly names?: readonly string[];
  /** How pixels and labels are made of them, as far as there is a choice: plain JSON, noted and compared likewise. */
  readonly decoding?: Readonly<Record<string, unknown>>;
  /** Rejects with InputError where a sample cannot be read, naming its file. */
  load(index: number): Promise<Sample>;
}

/** Pixels that count. */
export function validPixels({ labels }: Pick<Sample, "labels">): number {
  let valid = 0;
  for (const label of labels) if (label !== VOID) valid++;
  return valid;
}

/** A source over samples at hand, for tests and pages. */
export function samplesOf(classes: readonly string[], samples: readonly Sample[]): SampleSource {
  const names = samples.map(({ name }) => name);
  return { classes, names, length: samples.length, load: (index) => Promise.resolve(samples[index]!) };
}

/** Loads in order, `ahead` of them under way at a time, so that decoding goes on while the GPU works. */
export async function* prefetched<T>(loads: Iterator<() => Promise<T>>, ahead: number): AsyncGenerator<T, void, void> {
  const waiting: Promise<T>[] = [];
  try {
    for (;;) {
      while (waiting.length <= ahead) {
        const next = loads.next();
        if (next.done) break;
        const load = next.value();
        // It is awaited later; until then a failure is nobody's but ours.
        load.catch(() => undefined);
        waiting.push(load);
      }
      const first = waiting.shift();
      if (!first) return;
      yield await first;
    }
  } finally {
    loads.return?.();
  }
}
