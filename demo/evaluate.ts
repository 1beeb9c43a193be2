/** What a trained net reaches on digits and scenes it has never seen. */
import {
  segmentationMetrics,
  type Data,
  type Program,
  type SegmentationMetrics,
  type Tensor,
  type TypedArray,
} from "../src/index.js";
import type { Digit } from "./digits.js";
import type { Progress } from "./progress.js";
import { CLASSES, type SceneBatch } from "./scenes.js";
import { digitBatch, sceneInputs } from "./train.js";

const DIGITS_AT_ONCE = 100;

type Inputs = { readonly image: Tensor; readonly labels: Tensor };

/** The scores of the digits, ten each, in order; `scoresOf` runs a net on a batch of them. */
export async function digitScores(
  scoresOf: (batch: { readonly image: Data; readonly labels: Data }) => Promise<TypedArray>,
  digits: readonly Digit[],
  signal: AbortSignal,
): Promise<Float32Array> {
  const scores = new Float32Array(10 * digits.length);
  for (let start = 0; start < digits.length; start += DIGITS_AT_ONCE) {
    signal.throwIfAborted();
    scores.set(await scoresOf(digitBatch(digits.slice(start, start + DIGITS_AT_ONCE))), 10 * start);
  }
  return scores;
}

/** Share of the digits whose largest score is their own. */
export function accuracy(scores: Float32Array, digits: readonly Digit[]): number {
  const right = digits.filter((digit, n) => {
    const own = scores.subarray(10 * n, 10 * n + 10);
    return own.indexOf(Math.max(...own)) === digit.value;
  });
  return right.length / digits.length;
}

/** The paper's four metrics over all scenes; pixels are counted on the GPU. */
export async function sceneMetrics(
  name: string,
  program: Program<Inputs, { readonly counts: Tensor }>,
  scenes: readonly SceneBatch[],
  progress: Progress,
  signal: AbortSignal,
): Promise<SegmentationMetrics> {
  const counts = new Float64Array(CLASSES * CLASSES);
  await progress.step(`evaluate ${name}`, scenes.length, async (advance) => {
    for (const [i, batch] of scenes.entries()) {
      signal.throwIfAborted();
      const result = await program.run(sceneInputs(batch), { outputs: ["counts"] });
      result.counts.forEach((n, cell) => (counts[cell]! += n));
      advance(i + 1, `mean IU ${(100 * segmentationMetrics(counts).meanIU).toFixed(1)} %`);
    }
    return counts;
  });
  return segmentationMetrics(counts);
}

/** The labels of one scene: the first of the batch. */
export async function firstScene(
  program: Program<Inputs, { readonly prediction: Tensor }>,
  { size, image, labels }: SceneBatch,
): Promise<Int32Array> {
  const pixels = size[0] * size[1];
  const one = sceneInputs({ size, count: 1, image: image.slice(0, pixels), labels: labels.slice(0, pixels) });
  const { prediction } = await program.run(one, { outputs: ["prediction"] });
  return prediction as Int32Array;
}
