/** Rows of a row-major array: the elements that differ only in some axes. */
import { numel, rowMajorStrides, type Shape } from "../tensor/shape.js";

/** Calls `visit` with the indices of each row's elements and the row's number, both in row-major order. `axes` run along a row. */
export function forEachRow(
  shape: Shape,
  axes: readonly number[],
  visit: (indices: readonly number[], row: number) => void,
): void {
  const kept = shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
  const along = offsets(
    shape,
    [...axes].sort((a, b) => a - b),
  );
  offsets(shape, kept).forEach((start, row) =>
    visit(
      along.map((o) => start + o),
      row,
    ),
  );
}

/** Offsets of all positions along some axes, the last of them fastest. */
function offsets(shape: Shape, axes: readonly number[]): number[] {
  const strides = rowMajorStrides(shape);
  return Array.from({ length: numel(axes.map((axis) => shape[axis]!)) }, (_, position) => {
    let rest = position;
    let offset = 0;
    for (const axis of [...axes].reverse()) {
      offset += (rest % shape[axis]!) * strides[axis]!;
      rest = Math.floor(rest / shape[axis]!);
    }
    return offset;
  });
}
