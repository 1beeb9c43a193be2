/**
 * Sums over axes and their adjoint, repetition: y[kept] = sum over reduced of x[kept, reduced], and y[kept, repeated] = x[kept].
 * f32, any layout. Size of a sum: x's shape where reduced axes are dropped or stay as 1; of a repetition: as asked for.
 *
 * A sum runs in stages: one invocation adds a strip of the reduced axis in fixed order, the next stage adds the strips. Neighbouring
 * reduced axes count as one; [N, C, H, W] -> [C] reduces one axis of N * H * W.
 */
import { ShapeError } from "../tensor/errors.js";
import { layoutOf, logicalStrides } from "../tensor/layout.js";
import { checkShape, formatShape, normalizeAxis, numel, sameShape, type Shape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { gatherVariants, type Source } from "./gather.js";
import { apply, type Op } from "./op.js";
import { sumStages } from "./reduce-stages.js";

export interface ReduceSumAttrs {
  /** Axes summed over, ascending. */
  readonly axes: readonly number[];
  /** Those of them that stay in the shape as 1. */
  readonly keep: readonly number[];
}

export interface BroadcastToAttrs {
  readonly shape: Shape;
  /** The axis of `shape` that each axis of x becomes, ascending. */
  readonly axes: readonly number[];
}

/**
 * Sum of x over `axes` (negative: from the back; absent: all of them). Reduced axes are dropped, or stay as 1 with `keepDims`. f32.
 * Throws ShapeError for an axis outside x or named twice.
 */
export function reduceSum(
  x: Tensor,
  axes: readonly number[] = x.shape.map((_, i) => i),
  options: { readonly keepDims?: boolean } = {},
): Tensor {
  const sorted = axes.map((a) => normalizeAxis("reduceSum", a, x.shape.length)).sort((a, b) => a - b);
  return apply(reduceSumOp, [x], { axes: sorted, keep: options.keepDims ? sorted : [] });
}

/**
 * The adjoint of numpy broadcasting: sums x down to `shape`, over the axes that broadcasting to x's shape would repeat. x itself where the
 * shapes are equal. Throws ShapeError where `shape` does not broadcast to x's.
 */
export function sumTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const missing = x.shape.length - shape.length;
  requireBroadcast("sumTo", shape, x.shape);
  const axes = x.shape.map((_, i) => i).filter((i) => i < missing || (shape[i - missing] === 1 && x.shape[i] !== 1));
  return apply(reduceSumOp, [x], { axes, keep: axes.filter((i) => i >= missing) });
}

/** x repeated to `shape` by numpy broadcasting. Any dtype. x itself where the shapes are equal. Throws ShapeError where it does not broadcast. */
export function broadcastTo(x: Tensor, shape: Shape): Tensor {
  checkShape("broadcastTo", shape);
  if (sameShape(x.shape, shape)) return x;
  requireBroadcast("broadcastTo", x.shape, shape);
  return apply(broadcastToOp, [x], { shape: [...shape], axes: x.shape.map((_, i) => i + shape.length - x.shape.length) });
}

function requireBroadcast(op: string, from: Shape, to: Shape): void {
  const missing = to.length - from.length;
  if (missing < 0 || from.some((d, i) => d !== 1 && d !== to[i + missing])) {
    throw new ShapeError(
      `${op}: ${formatShape(from)} does not broadcast to ${formatShape(to)}: axes, counted from the back, must be equal or 1`,
    );
  }
}

export const reduceSumOp: Op<ReduceSumAttrs> = {
  name: "reduceSum",
  infer([x], { axes, keep }) {
    if (x!.dtype !== "f32") throw new ShapeError(`reduceSum: x is ${x!.dtype} ${formatShape(x!.shape)}: only f32 is summed`);
    if (axes.some((a, i) => a < 0 || a >= x!.shape.length || a <= (axes[i - 1] ?? -1))) {
      throw new ShapeError(
        `reduceSum: axes [${axes.join(", ")}] of x ${formatShape(x!.shape)}: name each axis of x at most once`,
      );
    }
    const shape = x!.shape.map((d, i) => (axes.includes(i) ? 1 : d)).filter((_, i) => !axes.includes(i) || keep.includes(i));
    return { shape, dtype: "f32" };
  },
  variants([x], output, { axes, keep }, device) {
    const remaining = remainingAxes(x!.shape, axes, keep);
    const strides = logicalStrides(x!.shape);
    const problem = {
      output: output.shape,
      keptStrides: remaining.map((axis) => (axes.includes(axis) ? 0 : strides[axis]!)),
      reduced: reducedAxes(x!.shape, axes),
    };
    const direct = { name: "direct", ...sumStages(problem, "direct") };
    const strips = { name: "strips", ...sumStages(problem, "strips") };
    const workgroup = { name: "workgroup", ...sumStages(problem, "workgroup") };
    // Barriers are slow where one core plays all invocations of a workgroup; on a GPU a tree keeps more of them busy than serial strips do.
    return device.software ? [direct, workgroup, strips] : [direct, strips, workgroup];
  },
  flops: ([x]) => numel(x!.shape),
  grad(dy, [x], _y, { axes, keep }) {
    return [apply(broadcastToOp, [dy], { shape: x!.shape, axes: remainingAxes(x!.shape, axes, keep) })];
  },
};

/** The axis of x behind each axis of the sum. */
function remainingAxes(x: Shape, axes: readonly number[], keep: readonly number[]): number[] {
  return x.map((_, i) => i).filter((i) => !axes.includes(i) || keep.includes(i));
}

/** Extent and stride in x of what is summed over, in memory order. Padding lanes count as terms (they are 0) where that merges axes. */
function reducedAxes(x: Shape, axes: readonly number[]): { extent: number; strides: [number] }[] {
  const layout = layoutOf(x);
  return layout.axes.flatMap((axis, k) => {
    if (!axes.includes(axis)) return [];
    const withPadding = axes.length > 1 && layout.dims[k]! > 2;
    return [{ extent: withPadding ? layout.padded[k]! : layout.dims[k]!, strides: [layout.strides[k]!] as [number] }];
  });
}

export const broadcastToOp: Op<BroadcastToAttrs> = {
  name: "broadcastTo",
  infer([x], { shape, axes }) {
    checkShape("broadcastTo", shape);
    axes.forEach((axis, i) => {
      if (x!.shape[i] !== 1 && x!.shape[i] !== shape[axis]) {
        throw new ShapeError(
          `broadcastTo: axis ${i} of x ${formatShape(x!.shape)} is ${x!.shape[i]} but axis ${axis} of ${formatShape(shape)} is ${shape[axis]}: it must be equal or 1`,
        );
      }
    });
    return { shape, dtype: x!.dtype };
  },
  variants([x], output, { axes }) {
    const strides = logicalStrides(x!.shape);
    const sources = output.shape.map((extent, axis): Source => {
      const from = axes.indexOf(axis);
      return from < 0 || x!.shape[from] === 1 ? { stride: 0, extent } : { stride: strides[from]!, extent };
    });
    return gatherVariants(x!.shape, output.shape, sources);
  },
  flops: () => 0,
  grad(dy, [x], _y, { shape, axes }) {
    const reduced = shape
      .map((_, i) => i)
      .filter((i) => !axes.includes(i) || (x!.shape[axes.indexOf(i)] === 1 && shape[i] !== 1));
    const dx =
      reduced.length === 0 ? dy : apply(reduceSumOp, [dy], { axes: reduced, keep: reduced.filter((i) => axes.includes(i)) });
    return [dx];
  },
};
