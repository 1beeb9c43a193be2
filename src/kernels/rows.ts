/**
 * A tensor seen as rows: every combination of the kept axes is a row, the elements of a row run over the other axes, both counted in
 * logical order. Softmax, argMax and the losses (a row is a pixel, its elements are the classes) address by it. Axes that follow each
 * other in memory are merged, so that an image's pixels, or its channels, are one strided run and cost one division at most.
 */
import { ShapeError } from "../tensor/errors.js";
import { layoutOf, logicalStrides } from "../tensor/layout.js";
import { formatShape, type Shape } from "../tensor/shape.js";
import { coalesce, type Axis } from "./strided.js";

/** Up to four merged axes, innermost last, leading ones 1 and 0: `row_dims`, `row_strides` and so on in the shaders. */
type Axes4 = readonly number[];

export interface Rows {
  readonly rows: number;
  readonly count: number;
  readonly row_dims: Axes4;
  readonly row_strides: Axes4;
  /** Strides of the same row axes in the tensor that holds one value a row (labels, losses, argMax), 0 where there is none. */
  readonly value_strides: Axes4;
  readonly element_dims: Axes4;
  readonly element_strides: Axes4;
}

/**
 * Rows of a tensor of `shape` whose elements run over `axes` (not negative). `values` is the shape that is left when these axes are
 * removed, or kept at extent 1. Throws ShapeError naming `op` where more than four axes remain after merging (rank 7 and above).
 */
export function rowsOf(op: string, shape: Shape, axes: readonly number[], values?: Shape): Rows {
  const strides = logicalStrides(shape);
  const kept = shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
  const valueStrides = values ? logicalStrides(values) : [];
  const valueAxis = (position: number): number => (values?.length === shape.length ? kept[position]! : position);
  const rowAxes = kept.map((axis, i) => ({ extent: shape[axis]!, strides: [strides[axis]!, valueStrides[valueAxis(i)] ?? 0] }));
  const elementAxes = [...axes].sort((a, b) => a - b).map((axis) => ({ extent: shape[axis]!, strides: [strides[axis]!] }));
  const row = four(op, shape, coalesce(rowAxes));
  const element = four(op, shape, coalesce(elementAxes));
  return {
    rows: rowAxes.reduce((n, a) => n * a.extent, 1),
    count: elementAxes.reduce((n, a) => n * a.extent, 1),
    row_dims: row.map((a) => a.extent),
    row_strides: row.map((a) => a.strides[0] ?? 0),
    value_strides: row.map((a) => a.strides[1] ?? 0),
    element_dims: element.map((a) => a.extent),
    element_strides: element.map((a) => a.strides[0] ?? 0),
  };
}

/** The channels of a rank-4 tensor and the lanes they are stored in; 1 and 1 for other ranks, which have no padding lanes. */
export function lanesOf(shape: Shape): { readonly channels: number; readonly lanes: number } {
  return shape.length === 4 ? { channels: shape[1]!, lanes: layoutOf(shape).padded[3]! } : { channels: 1, lanes: 1 };
}

function four(op: string, shape: Shape, axes: readonly Axis[]): Axis[] {
  if (axes.length > 4)
    throw new ShapeError(`${op}: x ${formatShape(shape)} is of rank ${shape.length}: reshape it to rank 6 or less`);
  return [...new Array<Axis>(4 - axes.length).fill({ extent: 1, strides: [] }), ...axes];
}
