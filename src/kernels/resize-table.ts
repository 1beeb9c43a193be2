/** Where each output of a resized axis reads, in float64, cut into pieces that fit the shaders' uniform table. */
import { layoutOf } from "../tensor/layout.js";
import { numel, type Shape } from "../tensor/shape.js";
import type { ResizeAttrs } from "./resize.js";

/** Outputs per dispatch: `table` of the resize shaders holds two entries (left, weight) a vec4f. */
const TABLE_LENGTH = 512;

export interface TableChunk {
  /** Outputs begin <= o < end. */
  readonly begin: number;
  readonly end: number;
  /** (left, weight) of each of them; y[o] = (1 - weight) x[left] + weight x[left + 1]. */
  readonly table: readonly number[];
}

export function tableChunks(attrs: ResizeAttrs): TableChunk[] {
  const chunks: TableChunk[] = [];
  for (let begin = 0; begin < attrs.to; begin += TABLE_LENGTH) {
    const end = Math.min(begin + TABLE_LENGTH, attrs.to);
    const table: number[] = [];
    for (let o = begin; o < end; o++) table.push(...tableEntry(o, attrs));
    chunks.push({ begin, end, table });
  }
  return chunks;
}

function tableEntry(o: number, attrs: ResizeAttrs): readonly [left: number, weight: number] {
  const last = attrs.from - 1;
  const source = Math.min(Math.max(sourceCoordinate(o, attrs), 0), last);
  const left = Math.floor(source);
  const weight = source - left;
  if (attrs.mode === "linear" || weight === 0) return [left, weight];
  const up = { round_prefer_floor: weight > 0.5, round_prefer_ceil: weight >= 0.5, floor: false, ceil: true }[attrs.nearestMode];
  return [up ? left + 1 : left, 0];
}

/** ONNX's coordinate_transformation_mode; `length` is the output length before rounding, as in its reference implementation. */
function sourceCoordinate(o: number, { from, to, scale, coordinateMode }: ResizeAttrs): number {
  const length = scale * from;
  switch (coordinateMode) {
    case "asymmetric":
      return o / scale;
    case "align_corners":
      return o === 0 ? 0 : (o * (from - 1)) / (length - 1);
    case "pytorch_half_pixel":
      return to === 1 && length <= 1 ? 0 : (o + 0.5) / scale - 0.5;
    case "half_pixel_symmetric":
      return (from / 2) * (1 - to / length) + (o + 0.5) / scale - 0.5; // added in this order, as ONNX does: ties depend on it
    case "half_pixel":
      return (o + 0.5) / scale - 0.5;
  }
}

/** A tensor and its resized copy in memory: [outer, extent, inner], padding included; `inner` is the same in both. */
export function axisGeometry(
  x: Shape,
  y: Shape,
  axis: number,
): { readonly outer: number; readonly inner: number; readonly inExtent: number; readonly outExtent: number } {
  const [before, after] = [layoutOf(x), layoutOf(y)];
  const at = before.axes.indexOf(axis);
  return {
    outer: numel(before.padded.slice(0, at)),
    inner: before.strides[at]!,
    inExtent: before.padded[at]!,
    outExtent: after.padded[at]!,
  };
}
