/** Reference of src/kernels/resize.ts: ONNX's Resize along one axis, as its specification words it. */
import type { ResizeAttrs } from "../kernels/resize.js";
import { numel, type TensorSpec } from "../tensor/shape.js";
import { floats, type NdArray } from "./nd-array.js";

export function resize([x]: readonly NdArray[], attrs: ResizeAttrs, output: TensorSpec): NdArray {
  const y = floats(output.shape);
  eachRead(
    attrs,
    numel(x!.shape.slice(attrs.axis + 1)),
    numel(x!.shape.slice(0, attrs.axis)),
    (from, to, weight) => (y.data[to]! += weight * x!.data[from]!),
  );
  return y;
}

export function resizeGrad([dy]: readonly NdArray[], attrs: ResizeAttrs, output: TensorSpec): NdArray {
  const dx = floats(output.shape);
  eachRead(
    attrs,
    numel(dy!.shape.slice(attrs.axis + 1)),
    numel(dy!.shape.slice(0, attrs.axis)),
    (from, to, weight) => (dx.data[from]! += weight * dy!.data[to]!),
  );
  return dx;
}

/** Every element of x that an element of y reads, with its weight. */
function eachRead(
  attrs: ResizeAttrs,
  inner: number,
  outer: number,
  visit: (from: number, to: number, weight: number) => void,
): void {
  for (let o = 0; o < attrs.to; o++) {
    for (const [k, weight] of neighbours(position(o, attrs), attrs)) {
      for (let a = 0; a < outer; a++) {
        for (let b = 0; b < inner; b++) visit((a * attrs.from + k) * inner + b, (a * attrs.to + o) * inner + b, weight);
      }
    }
  }
}

/** Where output o lies in x; the modes of ONNX's coordinate_transformation_mode. */
function position(o: number, { from, to, scale, coordinateMode }: ResizeAttrs): number {
  const length = scale * from; // of the output, before rounding
  if (coordinateMode === "asymmetric") return o / scale;
  if (coordinateMode === "align_corners") return o === 0 ? 0 : (o * (from - 1)) / (length - 1);
  if (coordinateMode === "pytorch_half_pixel" && to === 1 && length <= 1) return 0;
  const offset = coordinateMode === "half_pixel_symmetric" ? (from / 2) * (1 - to / length) : 0;
  return offset + (o + 0.5) / scale - 0.5;
}

/** Places of x that a position reads, with their weights; beyond the edge the edge place stands. */
function neighbours(at: number, { from, mode, nearestMode }: ResizeAttrs): [place: number, weight: number][] {
  const clamp = (k: number): number => Math.min(Math.max(k, 0), from - 1);
  const [below, above] = [Math.floor(at), Math.ceil(at)];
  if (mode === "linear") {
    return [
      [clamp(below), 1 - (at - below)],
      [clamp(below + 1), at - below],
    ];
  }
  const nearest = {
    floor: below,
    ceil: above,
    round_prefer_floor: at - below <= 0.5 ? below : above,
    round_prefer_ceil: at - below < 0.5 ? below : above,
  };
  return [[clamp(nearest[nearestMode]), 1]];
}
