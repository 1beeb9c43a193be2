/**
 * How pixels become a net's input, and how weights trained on one convention are brought to another: the first layer is linear, so channel order
 * and factors go into its weights, and a difference of means into its bias.
 */
import { WeightsError } from "../tensor/errors.js";
import { formatShape, type Shape } from "../tensor/shape.js";
import type { Weights } from "../tensor/weights.js";

/** input = (byte - mean) * scale by channel, in that order; bytes are 0 to 255. As `imageToTensor` takes it. */
export interface Pixels {
  readonly order: "rgb" | "bgr";
  readonly mean: readonly number[];
  /** One factor, or one a channel. */
  readonly scale: number | readonly number[];
}

const IMAGENET_MEAN = [0.485, 0.456, 0.406];
const IMAGENET_DEVIATION = [0.229, 0.224, 0.225];

/** Conventions by who uses them. */
export const PIXELS = {
  /** The authors' nets and most of Caffe's. */
  caffe: { order: "bgr", mean: [104.00699, 116.66877, 122.67892], scale: 1 },
  /** torchvision and timm: 0 to 1, less ImageNet's mean, by its standard deviation. */
  torchvision: { order: "rgb", mean: IMAGENET_MEAN.map((m) => 255 * m), scale: IMAGENET_DEVIATION.map((d) => 1 / (255 * d)) },
  /** -1 to 1: torchvision's GoogLeNet, TensorFlow's nets. */
  centred: { order: "rgb", mean: [127.5, 127.5, 127.5], scale: 1 / 127.5 },
} as const satisfies Record<string, Pixels>;

export interface ConvertedPixels {
  readonly weights: Weights;
  /**
   * How far an output of the first layer can be from what it was where its window holds padding: 0 where the means are the same or, with
   * no padding, of no account. Padding is 0 behind the mean: it stands for the mean's colour, which is another with another mean.
   */
  readonly atBorder: number;
}

/**
 * Weights for inputs made by `to` that give what `weights` give for inputs made by `from`. `layer`: the convolution of the image, weight [O, C, Kh, Kw],
 * with its bias, which is added where there is none. Exact up to rounding wherever its window lies inside the image; `atBorder` bounds the rest. To be
 * exact there too, keep the mean: convert to `{ ...to, mean: from's, in to's order }` and pass that to `openFcn` as `pixels`. Throws WeightsError where the
 * layer is missing or has other channels than the conventions.
 */
export function convertPixels(
  weights: Weights,
  { layer, from, to }: { readonly layer: string; readonly from: Pixels; readonly to: Pixels },
): ConvertedPixels {
  const weight = weights.get(`${layer}.weight`);
  if (!weight) throw new WeightsError(`convertPixels: there is no ${layer}.weight: name the convolution of the image`);
  const [outputs, channels] = weight.shape as [number, number];
  if (weight.shape.length !== 4 || from.mean.length !== channels || to.mean.length !== channels)
    throw new WeightsError(
      `convertPixels: ${layer}.weight is ${formatShape(weight.shape)} but the means have ${from.mean.length} and ${to.mean.length} channels: give one for each of its channels`,
    );
  const taps = weight.data.length / (outputs * channels);
  const data = new Float32Array(weight.data.length);
  const bias = Float32Array.from({ length: outputs }, (_, o) => weights.get(`${layer}.bias`)?.data[o] ?? 0);
  let atBorder = 0;
  for (let o = 0; o < outputs; o++) {
    let [shift, bound] = [0, 0];
    for (let c = 0; c < channels; c++) {
      const source = from.order === to.order ? c : channels - 1 - c;
      const scale = scaleOf(from, source);
      const between = to.mean[c]! - from.mean[source]!;
      for (let tap = 0; tap < taps; tap++) {
        const w = weight.data[(o * channels + source) * taps + tap]! * scale;
        data[(o * channels + c) * taps + tap] = w / scaleOf(to, c);
        shift += w * between;
        bound += Math.abs(w * between);
      }
    }
    bias[o] = bias[o]! + shift;
    atBorder = Math.max(atBorder, bound);
  }
  const converted = new Map(weights);
  converted.set(`${layer}.weight`, { shape: weight.shape, data });
  converted.set(`${layer}.bias`, { shape: [outputs] satisfies Shape, data: bias });
  return { weights: converted, atBorder };
}

function scaleOf({ scale }: Pixels, channel: number): number {
  return typeof scale === "number" ? scale : scale[channel]!;
}
