/**
 * Slices with steps: y[p] = x[start + p * step] along every axis, and the gradient, which places dy in zeros. Any dtype, any rank up to 6.
 * Size: as asked for; first and last positions must lie in x.
 */
import { ShapeError } from "../tensor/errors.js";
import { logicalStrides } from "../tensor/layout.js";
import { checkShape, formatShape, sameShape, type Shape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { gatherVariants } from "./gather.js";
import { apply, type Op } from "./op.js";

/** One entry per axis of x. */
export interface SliceAttrs {
  readonly starts: readonly number[];
  /** Extents of the output. */
  readonly sizes: readonly number[];
  /** Not 0; a negative step walks backwards from its start. */
  readonly steps: readonly number[];
}

export interface SliceGradAttrs {
  readonly starts: readonly number[];
  readonly steps: readonly number[];
  /** x's shape. */
  readonly shape: Shape;
}

/**
 * y[p] = x[starts + p * steps], of shape `sizes`. x: any shape and dtype; one start, size and step (default 1) per axis; steps may be
 * negative. Throws ShapeError where a position lies outside x.
 */
export function slice(
  x: Tensor,
  attrs: { readonly starts: readonly number[]; readonly sizes: readonly number[]; readonly steps?: readonly number[] },
): Tensor {
  const { starts, sizes, steps = starts.map(() => 1) } = attrs;
  return apply(sliceOp, [x], { starts: [...starts], sizes: [...sizes], steps: [...steps] });
}

export const sliceOp: Op<SliceAttrs> = {
  name: "slice",
  infer([x], { starts, sizes, steps }) {
    const { shape, dtype } = x!;
    if ([starts, sizes, steps].some((v) => v.length !== shape.length)) {
      throw new ShapeError(
        `slice: ${starts.length} starts, ${sizes.length} sizes and ${steps.length} steps for x ${formatShape(shape)}: give one of each per axis`,
      );
    }
    checkShape("slice", sizes);
    shape.forEach((extent, axis) => {
      const [start, size, step] = [starts[axis]!, sizes[axis]!, steps[axis]!];
      if (!Number.isInteger(start) || !Number.isInteger(step) || step === 0) {
        throw new ShapeError(`slice: axis ${axis} has start ${start} and step ${step}: use integers, and a step that is not 0`);
      }
      const last = start + (size - 1) * step;
      if (Math.min(start, last) < 0 || Math.max(start, last) >= extent) {
        throw new ShapeError(
          `slice: axis ${axis} takes positions ${start} to ${last} but x ${formatShape(shape)} has 0 to ${extent - 1}: change starts, sizes or steps`,
        );
      }
    });
    return { shape: sizes, dtype };
  },
  variants([x], output, { starts, steps }) {
    const strides = logicalStrides(x!.shape);
    const axes = strides.map((stride, axis) => ({ stride, extent: x!.shape[axis]!, shift: starts[axis]!, mul: steps[axis]! }));
    return gatherVariants(x!.shape, output.shape, axes);
  },
  flops: () => 0,
  grad: (dy, [x], _y, { starts, steps }) => [apply(sliceGradOp, [dy], { starts, steps, shape: x!.shape })],
};

/** dx of `shape`: dy where the slice took its values, else 0. */
export const sliceGradOp: Op<SliceGradAttrs> = {
  name: "sliceGrad",
  infer([dy], { starts, steps, shape }) {
    const taken = sliceOp.infer([{ shape, dtype: dy!.dtype }], { starts, steps, sizes: dy!.shape });
    if (!sameShape(taken.shape, dy!.shape))
      throw new ShapeError(
        `sliceGrad: dy is ${formatShape(dy!.shape)} but the slice ${formatShape(taken.shape)}: they must be equal`,
      );
    return { shape, dtype: dy!.dtype };
  },
  variants([dy], output, { starts, steps }) {
    // Position p of x holds dy at (p - start) / step, where step divides.
    const axes = logicalStrides(dy!.shape).map((stride, axis) => {
      const direction = Math.sign(steps[axis]!);
      return { stride, extent: dy!.shape[axis]!, mul: direction, shift: -direction * starts[axis]!, div: Math.abs(steps[axis]!) };
    });
    return gatherVariants(dy!.shape, output.shape, axes);
  },
  flops: () => 0,
  grad: (ddx, [dy], _y, { starts, steps }) => [apply(sliceOp, [ddx], { starts, steps, sizes: dy!.shape })],
};
