/**
 * How many elements of x are infinite or NaN, i32 [1]; by bit pattern, since WGSL compilers may assume that there are none. x: f32 of any shape. What finds
 * the first layer of a training step that went wrong (src/graph/diagnose.ts). Not differentiable.
 */
import { ShapeError } from "../tensor/errors.js";
import { physicalSize } from "../tensor/layout.js";
import { formatShape, numel } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { apply, dispatch, grid, inputRef, type Op } from "./op.js";

export interface NonFiniteAttrs {}

/** i32 [1]: infinities and NaNs of x. Throws ShapeError where x is not f32. */
export function nonFinite(x: Tensor): Tensor {
  return apply(nonFiniteOp, [x], {});
}

export const nonFiniteOp: Op<NonFiniteAttrs> = {
  name: "nonFinite",
  infer([x]) {
    const { shape, dtype } = x!;
    if (dtype !== "f32") throw new ShapeError(`nonFinite: x is ${dtype} ${formatShape(shape)}: it must be f32`);
    return { shape: [1], dtype: "i32" };
  },
  variants([x]) {
    // Padding lanes hold zeros; what lies behind a row-major tensor's last element is unspecified.
    const count = physicalSize(x!.shape);
    return [
      {
        name: "direct",
        dispatches: [
          dispatch("confusion-zero.direct", { params: { count: 1 }, buffers: { counts: "output" }, workgroups: grid(1) }),
          dispatch("non-finite.direct", {
            params: { count },
            buffers: { x: inputRef(0), found: "output" },
            workgroups: grid(count),
          }),
        ],
      },
    ];
  },
  flops: ([x]) => numel(x!.shape),
  grad: () => [null],
};
