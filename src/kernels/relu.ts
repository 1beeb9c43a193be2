/**
 * ReLU: y = max(x, 0), any shape; its gradient passes where x > 0 and is 0 at x = 0 (Caffe's rule, fcn.md 1.0).
 */
import { ShapeError } from "../tensor/errors.js";
import { physicalSize } from "../tensor/layout.js";
import { formatShape, numel, sameShape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { apply, dispatch, grid, inputRef, type Op } from "./op.js";

export interface ReluAttrs {}

/** max(x, 0), element by element. x: any shape, f32. Throws ShapeError for another dtype. */
export function relu(x: Tensor): Tensor {
  return apply(reluOp, [x], {});
}

export const reluOp: Op<ReluAttrs> = {
  name: "relu",
  infer([x]) {
    if (x!.dtype !== "f32") throw new ShapeError(`relu: x is ${x!.dtype} ${formatShape(x!.shape)}: only f32 has a ReLU`);
    return { shape: x!.shape, dtype: "f32" };
  },
  variants(_inputs, output) {
    const count = Math.ceil(physicalSize(output.shape) / 4);
    return [
      {
        name: "direct",
        dispatches: [
          dispatch("relu.direct", { params: { count }, buffers: { x: inputRef(0), y: "output" }, workgroups: grid(count) }),
        ],
      },
    ];
  },
  flops: (_inputs, output) => numel(output.shape),
  // By the sign of y, which equals that of x: so a ReLU fused into the kernel before it leaves no x behind.
  grad: (dy, _inputs, y) => [apply(reluGradOp, [dy, y], {})],
};

/** Inputs dy, x (or y: the sign test is the same); output dx = dy where x > 0. */
export const reluGradOp: Op<ReluAttrs> = {
  name: "reluGrad",
  infer([dy, x]) {
    if (!sameShape(dy!.shape, x!.shape))
      throw new ShapeError(`reluGrad: dy is ${formatShape(dy!.shape)} but x is ${formatShape(x!.shape)}: they must be equal`);
    return { shape: x!.shape, dtype: "f32" };
  },
  variants(_inputs, output) {
    const count = Math.ceil(physicalSize(output.shape) / 4);
    return [
      {
        name: "direct",
        dispatches: [
          dispatch("relu-grad.direct", {
            params: { count },
            buffers: { dy: inputRef(0), x: inputRef(1), dx: "output" },
            workgroups: grid(count),
          }),
        ],
      },
    ];
  },
  flops: (_inputs, output) => numel(output.shape),
  decidedBy: () => [1],
  // Linear in dy; x only switches, so its own gradient is zero almost everywhere.
  grad: (ddx, [, x]) => [apply(reluGradOp, [ddx, x!], {}), null],
};
