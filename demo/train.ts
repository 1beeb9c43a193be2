/** Trains one net of the demo for one stage and keeps its losses. */
import { sgd, type Data, type Program, type Tensor } from "../src/index.js";
import { composeBatch, drawSize, type SceneBatch, type Size } from "./scenes.js";
import type { Digit } from "./digits.js";
import type { Progress } from "./progress.js";
import { seededRandom, shuffled } from "./random.js";
import type { StageSettings } from "./settings.js";

/** Mean loss of the steps up to `step`, since the point before. */
export interface LossPoint {
  readonly step: number;
  readonly loss: number;
}

export interface Curve {
  readonly name: string;
  readonly points: readonly LossPoint[];
}

type TrainedInputs = { readonly image: Tensor; readonly labels: Tensor };
type Batch = { readonly image: Data; readonly labels: Data };

/** Loss points of a curve. */
const POINTS = 60;
/** The engine keeps as many training plans: scenes of a stage come in so many sizes, of up to this side. Smaller canvases hold more digits a pixel. */
const SIZES = 8;
const LARGEST_SIDE = 60;
/** Caffe's LeNet: momentum and weight decay (fcn.md 1.1). */
const MOMENTUM = 0.9;
const WEIGHT_DECAY = 5e-4;

export async function trainStage<O extends { readonly loss: Tensor }>(
  name: string,
  program: Program<TrainedInputs, O>,
  batches: Iterable<Batch>,
  { steps, learningRate }: StageSettings,
  progress: Progress,
  signal: AbortSignal,
): Promise<Curve> {
  const optimizer = sgd({
    learningRate: (step) => learningRate * rise(step, steps) * fall(step, steps),
    momentum: MOMENTUM,
    weightDecay: WEIGHT_DECAY,
  });
  const points: LossPoint[] = [];
  const perPoint = Math.max(1, Math.floor(steps / POINTS));
  let losses: number[] = [];
  await progress.step(`train ${name}`, steps, async (advance) => {
    for await (const { step, loss } of program.train(batches, { loss: "loss", optimizer, steps, signal })) {
      if (loss !== null) losses.push(loss);
      if (step % perPoint === 0) {
        points.push({ step, loss: losses.reduce((sum, l) => sum + l, 0) / losses.length });
        losses = [];
      }
      advance(step, points.length > 0 ? `loss ${points.at(-1)!.loss.toFixed(4)}` : undefined);
    }
    signal.throwIfAborted();
  });
  return { name, points };
}

/** Over the first tenth: from a zero score layer the first steps must not be large. */
function rise(step: number, steps: number): number {
  return Math.min(1, (10 * (step + 1)) / steps);
}

/** Over the second half, to 0. */
function fall(step: number, steps: number): number {
  return Math.min(1, 2 * (1 - step / steps));
}

/** Batches of single digits without end, each epoch in a new order. */
export function* digitBatches(digits: readonly Digit[], seed: number, batch: number): Generator<Batch> {
  const random = seededRandom(seed, "digit batches");
  for (;;) {
    const order = shuffled(digits, random);
    for (let start = 0; start + batch <= order.length; start += batch) yield digitBatch(order.slice(start, start + batch));
  }
}

/** image [N, 1, 28, 28], labels [N]. */
export function digitBatch(digits: readonly Digit[]): {
  readonly image: { data: Float32Array; shape: number[] };
  readonly labels: { data: Int32Array; shape: number[] };
} {
  const image = new Float32Array(digits.length * 28 * 28);
  digits.forEach((digit, n) => image.set(digit.ink, n * 28 * 28));
  return {
    image: { data: image, shape: [digits.length, 1, 28, 28] },
    labels: { data: Int32Array.from(digits, (d) => d.value), shape: [digits.length] },
  };
}

/** Batches of new scenes without end, each of one of eight sizes. */
export function* sceneBatches(digits: readonly Digit[], seed: number, stream: string, batch: number): Generator<Batch> {
  const random = seededRandom(seed, stream);
  const sizes: Size[] = Array.from({ length: SIZES }, () => drawSize(random, LARGEST_SIDE));
  for (;;) yield sceneInputs(composeBatch(digits, random, sizes[random(0, SIZES - 1)]!, batch));
}

/** As the nets take them. */
export function sceneInputs({ size, count, image, labels }: SceneBatch): {
  readonly image: { data: Float32Array; shape: number[] };
  readonly labels: { data: Int32Array; shape: number[] };
} {
  return { image: { data: image, shape: [count, 1, ...size] }, labels: { data: labels, shape: [count, ...size] } };
}
