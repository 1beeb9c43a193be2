/**
 * Batch normalisation with fixed statistics (inference): y = (x - mean) scale / sqrt(variance + epsilon) + bias, per channel
 * (axis 1).
 *
 * x, y: [N, C, ...], rank 2 to 6; scale, bias, mean, variance: [C]. The gradients need no kernel of their own: dx is the same op
 * without mean and bias, and dscale sums dy times the normalised x, which is the same op with scale 1 and bias 0. The statistics
 * are constants: they get no gradient.
 */
import { ShapeError } from "../tensor/errors.js";
import { layoutOf, physicalSize } from "../tensor/layout.js";
import { formatShape, numel, type TensorSpec } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { fill, multiply } from "./elementwise.js";
import { apply, dispatch, grid, inputRef, type Op, type Variant } from "./op.js";
import { reduceSum } from "./reduce.js";

export interface BatchNormAttrs {
  readonly epsilon: number;
}

/**
 * Normalises the channels of x [N, C, ...] (rank 2 to 6) by given statistics: f32 [C] each; `epsilon` (default 1e-5) is added to
 * the variance. Returns f32 of x's shape. Mean and variance are constants, as in PyTorch: their gradient is zero. Throws ShapeError for other shapes and dtypes or a negative epsilon.
 */
export function batchNorm(
  x: Tensor,
  scale: Tensor,
  bias: Tensor,
  mean: Tensor,
  variance: Tensor,
  attrs: { readonly epsilon?: number } = {},
): Tensor {
  return apply(batchNormOp, [x, scale, bias, mean, variance], { epsilon: attrs.epsilon ?? 1e-5 });
}

export const batchNormOp: Op<BatchNormAttrs> = {
  name: "batchNorm",
  infer([x, ...channels], { epsilon }) {
    if (x!.dtype !== "f32" || x!.shape.length < 2 || x!.shape.length > 6) {
      throw new ShapeError(`batchNorm: x is ${x!.dtype} ${formatShape(x!.shape)}: it takes f32 [N, C, ...] of rank 2 to 6`);
    }
    ["scale", "bias", "mean", "variance"].forEach((name, i) => checkChannels(name, channels[i]!, x!));
    if (!Number.isFinite(epsilon) || epsilon < 0)
      throw new ShapeError(`batchNorm: epsilon is ${epsilon}: use a number of at least 0`);
    return { shape: x!.shape, dtype: "f32" };
  },
  variants([x], y, { epsilon }) {
    const count = Math.ceil(physicalSize(y.shape) / 4);
    const { axes, padded, strides } = layoutOf(x!.shape);
    const at = axes.indexOf(1);
    const channels = x!.shape[1]!;
    const params = { count, channels, channels_padded: padded[at]!, channel_stride: strides[at]!, epsilon };
    const buffers = {
      x: inputRef(0),
      scale: inputRef(1),
      bias: inputRef(2),
      mean: inputRef(3),
      variance: inputRef(4),
      y: "output",
    } as const;
    const direct: Variant = {
      name: "direct",
      dispatches: [dispatch("batch-norm.direct", { params, buffers, workgroups: grid(count) })],
    };
    if (x!.shape.length !== 4) return [direct];
    // The four lanes of an image's vec4 are four channels in a row: one division finds them, not four.
    const vec4Params = { count, channels, channel_vec4s: padded[at]! / 4, epsilon };
    return [
      direct,
      { name: "vec4", dispatches: [dispatch("batch-norm.vec4", { params: vec4Params, buffers, workgroups: grid(count) })] },
    ];
  },
  flops: (_inputs, y) => 4 * numel(y.shape),
  grad(dy, [x, scale, _bias, mean, variance], _y, { epsilon }) {
    const zero = fill(scale!.shape, 0);
    const normalized = batchNorm(x!, fill(scale!.shape, 1), zero, mean!, variance!, { epsilon });
    const axes = x!.shape.map((_, axis) => axis).filter((axis) => axis !== 1);
    return [
      batchNorm(dy, scale!, zero, zero, variance!, { epsilon }),
      reduceSum(multiply(dy, normalized), axes),
      reduceSum(dy, axes),
      null,
      null,
    ];
  },
};

function checkChannels(name: string, spec: TensorSpec, x: TensorSpec): void {
  if (spec.dtype !== "f32" || spec.shape.length !== 1 || spec.shape[0] !== x.shape[1]) {
    throw new ShapeError(
      `batchNorm: ${name} is ${spec.dtype} ${formatShape(spec.shape)} but x ${formatShape(x.shape)} has ${x.shape[1]} channels: use f32 [${x.shape[1]}]`,
    );
  }
}
