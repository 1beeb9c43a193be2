/**
 * From scores to labels, and from labels to counts. argMax: index of the largest element along one axis, any rank up to 6;
 * confusionMatrix: counts[i][j] = pixels of true class i predicted as j, from which every metric of the paper follows (fcn.md 3).
 * Neither is differentiable.
 */
import { ShapeError } from "../tensor/errors.js";
import { logicalStrides, physicalSize } from "../tensor/layout.js";
import { formatShape, normalizeAxis, numel, sameShape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { apply, dispatch, grid, inputRef, type Op } from "./op.js";
import { lanesOf, rowsOf } from "./rows.js";

export interface ArgMaxAttrs {
  readonly axis: number;
  readonly keepDims: boolean;
  readonly selectLastIndex: boolean;
}

/**
 * Index of the largest element along `axis` (default 1, the classes; 0 for rank 1; negative counts from the back), i32; the axis is
 * removed, or kept at extent 1 with `keepDims`. Of equal elements the first wins, or the last with `selectLastIndex`. x: f32 of rank 1
 * to 6. Throws ShapeError for an axis outside x.
 *
 * @example argMax(scores)   // [1, 21, 500, 500] -> labels [1, 500, 500]
 */
export function argMax(
  x: Tensor,
  options: { readonly axis?: number; readonly keepDims?: boolean; readonly selectLastIndex?: boolean } = {},
): Tensor {
  const { axis = x.shape.length > 1 ? 1 : 0, keepDims = false, selectLastIndex = false } = options;
  return apply(argMaxOp, [x], { axis: normalizeAxis("argMax", axis, x.shape.length), keepDims, selectLastIndex });
}

export const argMaxOp: Op<ArgMaxAttrs> = {
  name: "argMax",
  infer([x], { axis, keepDims }) {
    const { shape, dtype } = x!;
    if (dtype !== "f32") throw new ShapeError(`argMax: x is ${dtype} ${formatShape(shape)}: it must be f32`);
    if (shape.length === 0) throw new ShapeError("argMax: x is a scalar: it needs at least one axis");
    const reduced = keepDims ? shape.map((d, i) => (i === axis ? 1 : d)) : shape.filter((_, i) => i !== axis);
    rowsOf("argMax", shape, [axis], reduced);
    return { shape: reduced, dtype: "i32" };
  },
  variants([x], output, { axis, selectLastIndex }) {
    const { rows, count, row_dims, row_strides, value_strides } = rowsOf("argMax", x!.shape, [axis], output.shape);
    const element_stride = logicalStrides(x!.shape)[axis]!;
    return [
      {
        name: "direct",
        dispatches: [
          dispatch("arg-max.direct", {
            params: { rows, count, row_dims, row_strides, value_strides, element_stride, ...lanesOf(output.shape) },
            constants: { SELECT_LAST: selectLastIndex },
            buffers: { x: inputRef(0), y: "output" },
            workgroups: grid(rows),
          }),
        ],
      },
    ];
  },
  // Comparisons.
  flops: ([x]) => numel(x!.shape),
  grad: () => [null],
};

export interface ConfusionMatrixAttrs {
  readonly classes: number;
}

/**
 * Counts of pixels, i32 [classes, classes]: row = label, column = prediction. Pixels whose label or prediction is none of the classes
 * (void, 255) are left out. labels, prediction: i32 of one shape. At most 2^31 - 1 pixels of one pair can be counted. Throws
 * ShapeError where shapes or dtypes differ. Source: fcn.berkeleyvision.org score.py, fast_hist.
 */
export function confusionMatrix(labels: Tensor, prediction: Tensor, options: { readonly classes: number }): Tensor {
  return apply(confusionMatrixOp, [labels, prediction], { classes: options.classes });
}

export const confusionMatrixOp: Op<ConfusionMatrixAttrs> = {
  name: "confusionMatrix",
  infer([labels, prediction], { classes }) {
    if (labels!.dtype !== "i32" || prediction!.dtype !== "i32") {
      throw new ShapeError(
        `confusionMatrix: labels are ${labels!.dtype} and the prediction is ${prediction!.dtype}: both must be i32 (argMax gives i32)`,
      );
    }
    if (!sameShape(labels!.shape, prediction!.shape)) {
      throw new ShapeError(
        `confusionMatrix: labels are ${formatShape(labels!.shape)} but the prediction is ${formatShape(prediction!.shape)}: they must be equal`,
      );
    }
    if (!Number.isInteger(classes) || classes < 1)
      throw new ShapeError(`confusionMatrix: classes is ${classes}: use an integer of at least 1`);
    return { shape: [classes, classes], dtype: "i32" };
  },
  variants([labels], output, { classes }) {
    const cells = physicalSize(output.shape);
    const count = physicalSize(labels!.shape);
    return [
      {
        name: "direct",
        dispatches: [
          dispatch("confusion-zero.direct", { params: { count: cells }, buffers: { counts: "output" }, workgroups: grid(cells) }),
          dispatch("confusion-matrix.direct", {
            params: { count, classes, ...lanesOf(labels!.shape) },
            buffers: { labels: inputRef(0), prediction: inputRef(1), counts: "output" },
            workgroups: grid(count),
          }),
        ],
      },
    ];
  },
  flops: () => 0,
  grad: () => [null, null],
};
