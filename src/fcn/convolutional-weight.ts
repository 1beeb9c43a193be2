/**
 * The weight of a fully connected layer as that of a convolution (paper section 3.1; fcn.md 1.0): on a map of C x H x W the layer is a convolution whose
 * kernel covers all of it. Its weight is the same numbers under another shape, its bias is unchanged.
 */
import { WeightsError } from "../tensor/errors.js";
import { formatShape, numel, type Shape } from "../tensor/shape.js";

/** How the map was flattened in front of the layer: (c, y, x) in Caffe and PyTorch, (y, x, c) in TensorFlow. */
export type FlattenOrder = "channel-first" | "channel-last";

/**
 * The weight [O, C, H, W] of the convolution that equals a fully connected layer of weight [O, C * H * W] on maps of `map` = [C, H, W]. Throws
 * WeightsError where the sizes do not fit.
 *
 * @example convolutionalWeight(ip1, [50, 4, 4])   // LeNet: [500, 800] -> [500, 50, 4, 4]
 */
export function convolutionalWeight(
  weight: { readonly shape: Shape; readonly data: Float32Array },
  map: readonly [c: number, h: number, w: number],
  order: FlattenOrder = "channel-first",
): { readonly shape: Shape; readonly data: Float32Array } {
  const [outputs, inputs] = weight.shape;
  if (weight.shape.length !== 2 || inputs !== numel(map)) {
    throw new WeightsError(
      `convolutionalWeight: the weight is ${formatShape(weight.shape)} but a map ${formatShape(map)} has ${numel(map)} elements: it must be [O, ${numel(map)}]`,
    );
  }
  const shape = [outputs!, ...map];
  if (order === "channel-first") return { shape, data: weight.data.slice() };
  const [channels, height, width] = map;
  const data = new Float32Array(numel(shape));
  let to = 0;
  for (let o = 0; o < outputs!; o++) {
    for (let c = 0; c < channels; c++) {
      for (let place = 0; place < height * width; place++) data[to++] = weight.data[(o * height * width + place) * channels + c]!;
    }
  }
  return { shape, data };
}
