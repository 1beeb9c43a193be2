/** Batch normalisation of a trained net is linear: it goes into the convolution in front of it. */
import { WeightsError } from "../tensor/errors.js";
import { formatShape, type Shape } from "../tensor/shape.js";

/** A weight: row-major values under a shape. */
export interface TensorValues {
  readonly shape: Shape;
  readonly data: Float32Array;
}

export interface BatchNormalization {
  /** Factor and summand by channel (gamma, beta). */
  readonly weight: TensorValues;
  readonly bias: TensorValues;
  readonly mean: TensorValues;
  readonly variance: TensorValues;
  readonly epsilon: number;
}

/**
 * The convolution [O, C, Kh, Kw] that equals a convolution with batch normalisation of its outputs behind it: w gamma / sqrt(variance + epsilon), and
 * (bias - mean) gamma / sqrt(variance + epsilon) + beta. Throws WeightsError where the channels differ or a variance is negative.
 */
export function foldBatchNorm(
  weight: TensorValues,
  bias: TensorValues | undefined,
  norm: BatchNormalization,
): { readonly weight: TensorValues; readonly bias: TensorValues } {
  const [outputs] = weight.shape as [number];
  for (const [name, { data }] of Object.entries({
    weight: norm.weight,
    bias: norm.bias,
    mean: norm.mean,
    variance: norm.variance,
  }))
    if (data.length !== outputs)
      throw new WeightsError(
        `foldBatchNorm: ${name} has ${data.length} values but the convolution ${formatShape(weight.shape)} has ${outputs} outputs`,
      );
  const inner = weight.data.length / outputs;
  const data = new Float32Array(weight.data.length);
  const shifted = new Float32Array(outputs);
  for (let o = 0; o < outputs; o++) {
    const factor = norm.weight.data[o]! / Math.sqrt(norm.variance.data[o]! + norm.epsilon);
    if (!Number.isFinite(factor))
      throw new WeightsError(`foldBatchNorm: the variance of channel ${o} is ${norm.variance.data[o]}: the weights are damaged`);
    for (let i = 0; i < inner; i++) data[o * inner + i] = weight.data[o * inner + i]! * factor;
    shifted[o] = ((bias?.data[o] ?? 0) - norm.mean.data[o]!) * factor + norm.bias.data[o]!;
  }
  return { weight: { shape: weight.shape, data }, bias: { shape: [outputs], data: shifted } };
}
