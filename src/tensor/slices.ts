/** Host-side cutting and joining of row-major arrays along one axis: how oversized tensors are uploaded and read back in pieces. */
import { numel, type Shape } from "./shape.js";

type Numbers = Float32Array | Int32Array | Uint32Array;

/** The part of `data` with indices `start` to `start + size` along `axis`. */
export function cut<T extends Numbers>(shape: Shape, data: T, axis: number, start: number, size: number): T {
  const { outer, inner } = around(shape, axis);
  const extent = shape[axis]!;
  const out = new (data.constructor as new (length: number) => T)(outer * size * inner);
  for (let o = 0; o < outer; o++) {
    const from = (o * extent + start) * inner;
    out.set(data.subarray(from, from + size * inner), o * size * inner);
  }
  return out;
}

/** Writes `part` into `target` at index `start` along `axis`; the inverse of {@link cut}. */
export function paste<T extends Numbers>(shape: Shape, target: T, axis: number, start: number, size: number, part: T): void {
  const { outer, inner } = around(shape, axis);
  const extent = shape[axis]!;
  for (let o = 0; o < outer; o++)
    target.set(part.subarray(o * size * inner, (o + 1) * size * inner), (o * extent + start) * inner);
}

function around(shape: Shape, axis: number): { outer: number; inner: number } {
  return { outer: numel(shape.slice(0, axis)), inner: numel(shape.slice(axis + 1)) };
}
