/** Shapes and element types. Everything here is about logical tensors: [N, C, H, W] for images, row-major order. */
import { ShapeError } from "./errors.js";

export type Shape = readonly number[];
export type DType = "f32" | "f16" | "i32" | "u32";

/** What an op knows of a tensor before any data exists. */
export interface TensorSpec {
  readonly shape: Shape;
  readonly dtype: DType;
}

/** Number of elements; 1 for a scalar (`[]`). */
export function numel(shape: Shape): number {
  return shape.reduce((n, d) => n * d, 1);
}

/** `[1, 3, 500, 500]` */
export function formatShape(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((d, i) => d === b[i]);
}

/** Row-major strides, in elements. */
export function rowMajorStrides(shape: Shape): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) strides[axis] = strides[axis + 1]! * shape[axis + 1]!;
  return strides;
}

/** Axis counted from the front; negative axes count from the back, as in ONNX. Throws ShapeError naming `op`. */
export function normalizeAxis(op: string, axis: number, rank: number): number {
  const normalized = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(axis) || normalized < 0 || normalized >= Math.max(rank, 1)) {
    throw new ShapeError(`${op}: axis ${axis} is outside a tensor of rank ${rank}: use ${-rank} to ${rank - 1}`);
  }
  return normalized;
}

/** Numpy broadcasting. Throws ShapeError naming `op`. */
export function broadcastShapes(op: string, a: Shape, b: Shape): number[] {
  const rank = Math.max(a.length, b.length);
  const out: number[] = [];
  for (let i = 0; i < rank; i++) {
    const da = a[i - rank + a.length] ?? 1;
    const db = b[i - rank + b.length] ?? 1;
    if (da !== db && da !== 1 && db !== 1) {
      throw new ShapeError(
        `${op}: ${formatShape(a)} and ${formatShape(b)} do not broadcast: axis ${i - rank} is ${da} in one and ${db} in the other; make them equal or 1`,
      );
    }
    out.push(Math.max(da, db));
  }
  return out;
}

/** Throws ShapeError where a number no longer counts the elements exactly. */
export function checkNumel(op: string, shape: Shape): void {
  if (!Number.isSafeInteger(numel(shape)))
    throw new ShapeError(`${op}: the result is ${formatShape(shape)}, more elements than can be counted: look at its attributes`);
}

/** Throws ShapeError unless every extent is an integer of at least 1. */
export function checkShape(op: string, shape: Shape): void {
  if (shape.some((d) => !Number.isInteger(d) || d < 1)) {
    throw new ShapeError(`${op}: shape ${formatShape(shape)} has an extent that is not a positive integer`);
  }
}
