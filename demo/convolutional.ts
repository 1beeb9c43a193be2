/**
 * Step 2: the trained classifier as convolutions. On its own 28 x 28 pixels it must give the classifier's scores; on a larger image a map of them,
 * whose size follows from the layers: kernel 5, pool 2, kernel 5, pool 2 (Caffe's pools round up), kernel 4.
 */
import { convolutionalClassifier, transplant, type Gpu, type Weights } from "../src/index.js";
import type { Digit } from "./digits.js";
import { digitScores } from "./evaluate.js";
import type { Size } from "./scenes.js";

export interface ConvolutionalReport {
  /** Largest difference of a score from the classifier's, over the held-out digits. */
  readonly difference: number;
  /** Score maps of larger images. */
  readonly maps: readonly { readonly image: Size; readonly map: Size; readonly derived: Size }[];
  readonly reshaped: readonly string[];
}

const SIZES: readonly Size[] = [
  [28, 28],
  [40, 40],
  [45, 62],
  [57, 71],
  [80, 80],
];

export async function convolutionalise(
  gpu: Gpu,
  width: number,
  weights: Weights,
  digits: readonly Digit[],
  expected: Float32Array,
  signal: AbortSignal,
): Promise<ConvolutionalReport> {
  const net = convolutionalClassifier({ trunk: "lenet", width, size: [28, 28] });
  const { weights: reshaped, report } = transplant(weights, net);
  using program = await gpu.compile(net, { signal });
  await program.load(reshaped);
  const scores = await digitScores(async ({ image }) => (await program.run({ image })).scores, digits, signal);
  const difference = scores.reduce((most, score, i) => Math.max(most, Math.abs(score - expected[i]!)), 0);

  const maps: { image: Size; map: Size; derived: Size }[] = [];
  for (const image of SIZES) {
    signal.throwIfAborted();
    const { scores: map } = await program.run({
      image: { data: new Float32Array(image[0] * image[1]), shape: [1, 1, ...image] },
    });
    const [, , height, width] = net.resize({ image: [1, 1, ...image] }).outputs.scores.shape as [number, number, number, number];
    if (map.length !== 10 * height * width)
      throw new Error(`the score map of ${image.join("x")} has ${map.length} values, not 10 x ${height} x ${width}`);
    maps.push({ image, map: [height, width], derived: [mapExtent(image[0]), mapExtent(image[1])] });
  }
  return {
    difference,
    maps,
    reshaped: report.reshaped.map((layer) => `${layer.name} [${layer.from.join(", ")}] -> [${layer.to.join(", ")}]`),
  };
}

/** Score-map rows for an image of so many, by Caffe's size rules (fcn.md 1.0). */
export function mapExtent(pixels: number): number {
  const pool1 = Math.ceil((pixels - 4) / 2);
  const pool2 = Math.ceil((pool1 - 4) / 2);
  return pool2 - 3;
}
