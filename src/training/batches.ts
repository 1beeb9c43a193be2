/** Batches of a run: drawn, loaded ahead, augmented, as the net takes them. */
import type { Inputs } from "../graph/inputs.js";
import { inputsOf } from "./evaluate.js";
import { cellGrid, meanPixel, type TrainingInputs } from "./net.js";
import { prefetched, validPixels, type Sample, type SampleSource } from "./sample.js";
import { augment, drawIndex, drawSource, type Augmentation, type CellGrid } from "./sampler.js";
import type { Stage } from "./stages.js";

/** What went into one pass. */
export interface StepPixels {
  /** Pixels that count. */
  readonly valid: number;
  readonly pixels: number;
}

export interface DrawnBatches extends Augmentation {
  readonly train: SampleSource;
  readonly stage: Stage;
  readonly seed: number;
  /** Number of the first draw: steps done times images a step. */
  readonly firstDraw: number;
  /** Images loaded ahead. */
  readonly ahead: number;
  /** Told of each batch as it is taken. */
  readonly seen: StepPixels[];
}

/** Batches without end, one image each. */
export async function* drawnBatches(options: DrawnBatches): AsyncGenerator<Inputs<TrainingInputs>, void, void> {
  const { stage, seen } = options;
  const { classWeights } = stage.net;
  const constant = classWeights ? { classWeights: Float32Array.from(classWeights) } : {};
  for await (const sample of prefetched(draws(options), options.ahead)) {
    seen.push({ valid: validPixels(sample), pixels: sample.height * sample.width });
    yield { ...inputsOf(sample), ...constant };
  }
}

function* draws({ train, stage, seed, firstDraw, ...augmentation }: DrawnBatches): Generator<() => Promise<Sample>> {
  const fill = meanPixel(stage.net);
  const grids = new Map<string, CellGrid>();
  const cellsFor = ({ height, width }: Sample): CellGrid | null => {
    if ((augmentation.keepCells ?? 1) === 1) return null;
    const key = `${height} ${width}`;
    if (!grids.has(key)) grids.set(key, cellGrid(stage.net, [height, width]));
    return grids.get(key)!;
  };
  for (let n = firstDraw; ; n++) {
    yield async () => {
      const random = drawSource(seed, stage.name, n);
      const sample = await train.load(drawIndex(random, train.length));
      return augment(sample, augmentation, random, fill, cellsFor(sample));
    };
  }
}
