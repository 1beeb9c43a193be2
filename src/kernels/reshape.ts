/**
 * The same elements under another shape: reshape and flatten keep the row-major order, transpose permutes axes. Any dtype, any rank up to 6.
 * Rank-4 tensors lie in memory as N-H-W-C, so a reshape from or to rank 4 moves elements; between other ranks the bytes stay as they are.
 */
import { ShapeError } from "../tensor/errors.js";
import { layoutOf, logicalStrides } from "../tensor/layout.js";
import { checkShape, formatShape, numel, rowMajorStrides, sameShape, type Shape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { gatherVariants } from "./gather.js";
import { apply, dispatch, grid, inputRef, type Op } from "./op.js";
import { axisTable, coalesce, table, walk } from "./strided.js";

export interface ReshapeAttrs {
  readonly shape: Shape;
}

export interface TransposeAttrs {
  /** Axis of x behind each axis of the output. */
  readonly permutation: readonly number[];
}

/** x's elements in row-major order under `shape`, one extent of which may be -1: what is left. Throws ShapeError where the counts differ. */
export function reshape(x: Tensor, shape: Shape): Tensor {
  const unknown = shape.filter((d) => d === -1).length;
  if (unknown > 1) throw new ShapeError(`reshape: ${formatShape(shape)} leaves ${unknown} extents open: use -1 once at most`);
  const known = numel(shape.filter((d) => d !== -1));
  return apply(reshapeOp, [x], { shape: shape.map((d) => (d === -1 ? numel(x.shape) / known : d)) });
}

/** x as a matrix: axes before `axis` make the rows, the others the columns (ONNX's Flatten; `axis` 0 gives one row). Throws ShapeError for an axis outside x. */
export function flatten(x: Tensor, axis = 1): Tensor {
  const rank = x.shape.length;
  const at = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(axis) || at < 0 || at > rank)
    throw new ShapeError(`flatten: axis ${axis} is outside x ${formatShape(x.shape)}: use ${-rank} to ${rank}`);
  return reshape(x, [numel(x.shape.slice(0, at)), numel(x.shape.slice(at))]);
}

/** y's axis i is x's axis permutation[i]; without a permutation the axes are reversed. Throws ShapeError where it is not a permutation of x's axes. */
export function transpose(x: Tensor, permutation: readonly number[] = x.shape.map((_, i) => x.shape.length - 1 - i)): Tensor {
  return apply(transposeOp, [x], { permutation: [...permutation] });
}

export const reshapeOp: Op<ReshapeAttrs> = {
  name: "reshape",
  infer([x], { shape }) {
    if (numel(shape) !== numel(x!.shape) || shape.some((d) => !Number.isInteger(d))) {
      throw new ShapeError(
        `reshape: x ${formatShape(x!.shape)} has ${numel(x!.shape)} elements but ${formatShape(shape)} holds ${numel(shape)}: they must be equal`,
      );
    }
    checkShape("reshape", shape);
    return { shape, dtype: x!.dtype };
  },
  alias: ([x], output) => sharesMemory(x!.shape, output.shape),
  variants([x], output) {
    // An element's place in memory -> its row-major number -> its place in x's memory.
    const { axes, lanes } = walk(output.shape, [rowMajorStrides(output.shape)]);
    const strides = logicalStrides(x!.shape);
    const source = coalesce(x!.shape.map((extent, axis) => ({ extent, strides: [strides[axis]!] })));
    const count = layoutOf(output.shape).size;
    const params = {
      count,
      rank: axes.length,
      lanes,
      axes: axisTable(axes),
      x_rank: source.length,
      x_axes: table(source.map((a) => [a.extent, a.strides[0]!])),
    };
    return [
      {
        name: "direct",
        dispatches: [dispatch("reshape.direct", { params, buffers: { x: inputRef(0), y: "output" }, workgroups: grid(count) })],
      },
    ];
  },
  flops: () => 0,
  grad: (dy, [x]) => [apply(reshapeOp, [dy], { shape: x!.shape })],
};

/** Every element lies at the same place under both shapes, and padding lanes of `to` are ones of `from`. */
function sharesMemory(from: Shape, to: Shape): boolean {
  if (sameShape(from, to)) return true;
  const [isRank4, becomesRank4] = [from.length === 4, to.length === 4];
  if (!isRank4 && !becomesRank4) return true;
  // One pixel per image: channels are all there is, row by row where no padding follows them.
  if ((isRank4 && from[2]! * from[3]! !== 1) || (becomesRank4 && to[2]! * to[3]! !== 1)) return false;
  const isDense = (shape: Shape): boolean => shape.length !== 4 || shape[1]! % 4 === 0;
  return (isDense(from) && isDense(to)) || (from[0] === 1 && isRank4 && !becomesRank4);
}

export const transposeOp: Op<TransposeAttrs> = {
  name: "transpose",
  infer([x], { permutation }) {
    const { shape, dtype } = x!;
    if (permutation.length !== shape.length || shape.some((_, axis) => !permutation.includes(axis))) {
      throw new ShapeError(
        `transpose: [${permutation.join(", ")}] is not a permutation of the axes of x ${formatShape(shape)}: name each axis once`,
      );
    }
    return { shape: permutation.map((axis) => shape[axis]!), dtype };
  },
  variants([x], output, { permutation }) {
    const strides = logicalStrides(x!.shape);
    return gatherVariants(
      x!.shape,
      output.shape,
      permutation.map((axis) => ({ stride: strides[axis]!, extent: x!.shape[axis]! })),
    );
  },
  flops: () => 0,
  grad(dy, _inputs, _y, { permutation }) {
    return [apply(transposeOp, [dy], { permutation: permutation.map((_, axis) => permutation.indexOf(axis)) })];
  },
};
