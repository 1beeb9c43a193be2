/**
 * Local response normalisation across channels: with b_c = bias + alpha / size * (sum of x_k^2 over the size channels round c),
 *   y_c  = x_c b_c^-beta
 *   dx_c = dy_c b_c^-beta - 2 alpha beta / size * x_c * (sum of dy_k x_k b_k^(-beta - 1) over the k whose window holds c).
 *
 * x, y: [N, C, H, W] (NHWC4). The window of c is c - floor((size - 1) / 2) to c + ceil((size - 1) / 2), clipped to the channels
 * (ONNX; Caffe's lrn_layer.cpp for its odd sizes, with its k as bias). AlexNet and GoogLeNet: size 5, alpha 1e-4, beta 0.75, bias
 * 1.
 */
import { ShapeError } from "../tensor/errors.js";
import { byteLength, physicalSize } from "../tensor/layout.js";
import { formatShape, numel, sameShape, type Shape, type TensorSpec } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { apply, dispatch, grid, inputRef, scratchRef, type Op } from "./op.js";

export interface LrnAttrs {
  readonly size: number;
  readonly alpha: number;
  readonly beta: number;
  readonly bias: number;
}

/**
 * x / (bias + alpha / size * sum of squares)^beta across `size` channels. x: f32 [N, C, H, W]; returns the same shape. Defaults
 * are AlexNet's: size 5, alpha 1e-4, beta 0.75, bias 1. Throws ShapeError for another rank or dtype, a size that is not a
 * positive integer, a bias that is not positive or a negative alpha (the power needs a positive base).
 */
export function lrn(x: Tensor, attrs: Partial<LrnAttrs> = {}): Tensor {
  const { size = 5, alpha = 1e-4, beta = 0.75, bias = 1 } = attrs;
  return apply(lrnOp, [x], { size, alpha, beta, bias });
}

export const lrnOp: Op<LrnAttrs> = {
  name: "lrn",
  infer([x], attrs) {
    checkLrn("lrn", x!, attrs);
    return { shape: x!.shape, dtype: "f32" };
  },
  variants([x], _y, attrs) {
    const count = physicalSize(x!.shape) / 4;
    const params = lrnParams(count, x!.shape, attrs);
    return [
      {
        name: "direct",
        dispatches: [dispatch("lrn.direct", { params, buffers: { x: inputRef(0), y: "output" }, workgroups: grid(count) })],
      },
    ];
  },
  flops: (_inputs, y, { size }) => numel(y.shape) * (2 * size + 4),
  grad: (dy, [x], _y, attrs) => [apply(lrnGradOp, [dy, x!], attrs)],
};

/**
 * Inputs dy, x; output dx. Two passes: the terms dy_k x_k b_k^(-beta - 1) into scratch, then their sums over the mirrored
 * windows.
 */
export const lrnGradOp: Op<LrnAttrs> = {
  name: "lrnGrad",
  infer([dy, x], attrs) {
    checkLrn("lrnGrad", x!, attrs);
    if (!sameShape(dy!.shape, x!.shape))
      throw new ShapeError(`lrnGrad: dy is ${formatShape(dy!.shape)} but x is ${formatShape(x!.shape)}: they must be equal`);
    return { shape: x!.shape, dtype: "f32" };
  },
  variants([, x], _dx, attrs) {
    const count = physicalSize(x!.shape) / 4;
    const params = lrnParams(count, x!.shape, attrs);
    const [dy, at, terms] = [inputRef(0), inputRef(1), scratchRef(0)];
    return [
      {
        name: "direct",
        scratchBytes: [byteLength(x!.shape)],
        dispatches: [
          dispatch("lrn-grad-terms.direct", { params, buffers: { dy, x: at, terms }, workgroups: grid(count) }),
          dispatch("lrn-grad.direct", { params, buffers: { dy, x: at, terms, dx: "output" }, workgroups: grid(count) }),
        ],
      },
    ];
  },
  flops: (_inputs, dx, { size }) => numel(dx.shape) * (5 * size + 12),
  grad() {
    throw new Error("lrnGrad has no gradient: second derivatives are not supported");
  },
};

function checkLrn(op: string, x: TensorSpec, { size, alpha, beta, bias }: LrnAttrs): void {
  if (x.shape.length !== 4 || x.dtype !== "f32")
    throw new ShapeError(`${op}: x is ${x.dtype} ${formatShape(x.shape)}: it takes f32 images [N, C, H, W]`);
  if (!Number.isInteger(size) || size < 1) throw new ShapeError(`${op}: size is ${size}: use an integer of at least 1`);
  if (!(alpha >= 0) || !(bias > 0) || !Number.isFinite(alpha + beta + bias)) {
    throw new ShapeError(
      `${op}: alpha is ${alpha}, beta is ${beta}, bias is ${bias}: use finite numbers, alpha at least 0 and bias above 0`,
    );
  }
}

function lrnParams(count: number, x: Shape, { size, alpha, beta, bias }: LrnAttrs) {
  const channels = x[1]!;
  return {
    count,
    channels,
    channels_padded: Math.ceil(channels / 4) * 4,
    before: Math.min(Math.floor((size - 1) / 2), channels),
    after: Math.min(Math.ceil((size - 1) / 2), channels),
    alpha_over_size: alpha / size,
    beta,
    bias,
  };
}
