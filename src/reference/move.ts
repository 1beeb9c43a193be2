/** Reference of the ops that only move data: src/kernels/{slice,pad,concat,reshape}.ts. */
import type { ConcatAttrs } from "../kernels/concat.js";
import type { BorderMode, PadAttrs, PadBorderAttrs } from "../kernels/pad.js";
import type { TransposeAttrs } from "../kernels/reshape.js";
import type { SliceAttrs, SliceGradAttrs } from "../kernels/slice.js";
import { numel, rowMajorStrides, type Shape, type TensorSpec } from "../tensor/shape.js";
import type { NdArray } from "./nd-array.js";

export function slice([x]: readonly NdArray[], { starts, steps }: SliceAttrs, { shape }: TensorSpec): NdArray {
  return gather(x!, shape, (p) => p.map((c, axis) => starts[axis]! + c * steps[axis]!));
}

export function sliceGrad([dy]: readonly NdArray[], { starts, steps }: SliceGradAttrs, { shape }: TensorSpec): NdArray {
  return scatter(dy!, shape, (p) => p.map((c, axis) => starts[axis]! + c * steps[axis]!));
}

export function pad([x]: readonly NdArray[], { begin, value }: PadAttrs, { shape }: TensorSpec): NdArray {
  return gather(x!, shape, (p) => p.map((c, axis) => c - begin[axis]!), value);
}

export function padBorder([x]: readonly NdArray[], { begin, mode }: PadBorderAttrs, { shape }: TensorSpec): NdArray {
  return gather(x!, shape, (p) => p.map((c, axis) => borderSource(c - begin[axis]!, x!.shape[axis]!, mode)));
}

export function padBorderGrad([dy]: readonly NdArray[], { begin, mode }: PadBorderAttrs, { shape }: TensorSpec): NdArray {
  return scatter(dy!, shape, (p) => p.map((c, axis) => borderSource(c - begin[axis]!, shape[axis]!, mode)));
}

/** The position of n that fills position t of a border: one step back from the edge at a time. */
function borderSource(t: number, n: number, mode: BorderMode): number {
  if (mode === "edge" || n === 1) return Math.min(Math.max(t, 0), n - 1);
  for (;;) {
    if (t >= 0 && t < n) return t;
    if (mode === "wrap") t += t < 0 ? n : -n;
    else if (mode === "reflect") t = t < 0 ? -t : 2 * (n - 1) - t;
    else t = t < 0 ? -1 - t : 2 * n - 1 - t;
  }
}

export function concat(xs: readonly NdArray[], { axis }: ConcatAttrs, { shape }: TensorSpec): NdArray {
  const owners: { x: NdArray; start: number }[] = [];
  let at = 0;
  for (const x of xs) {
    for (let i = 0; i < x.shape[axis]!; i++) owners.push({ x, start: at });
    at += x.shape[axis]!;
  }
  const y = zerosLike(xs[0]!, shape);
  forEachPosition(shape, (p, i) => {
    const { x, start } = owners[p[axis]!]!;
    y.data[i] =
      x.data[
        offset(
          x.shape,
          p.map((c, k) => (k === axis ? c - start : c)),
        )
      ]!;
  });
  return y;
}

export function reshape([x]: readonly NdArray[], _attrs: object, { shape }: TensorSpec): NdArray {
  return { shape, data: x!.data };
}

export function transpose([x]: readonly NdArray[], { permutation }: TransposeAttrs, { shape }: TensorSpec): NdArray {
  return gather(x!, shape, (p) => {
    const from = new Array<number>(p.length).fill(0);
    permutation.forEach((axis, k) => (from[axis] = p[k]!));
    return from;
  });
}

/** y[p] = x[from(p)], or `outside` where that is not in x. */
function gather(x: NdArray, shape: Shape, from: (position: readonly number[]) => number[], outside = 0): NdArray {
  const y = zerosLike(x, shape);
  forEachPosition(shape, (p, i) => {
    const q = from(p);
    y.data[i] = q.every((c, axis) => c >= 0 && c < x.shape[axis]!) ? x.data[offset(x.shape, q)]! : outside;
  });
  return y;
}

/** y[to(p)] += x[p]. */
function scatter(x: NdArray, shape: Shape, to: (position: readonly number[]) => number[]): NdArray {
  const y = zerosLike(x, shape);
  forEachPosition(x.shape, (p, i) => {
    y.data[offset(shape, to(p))]! += x.data[i]!;
  });
  return y;
}

function zerosLike(x: NdArray, shape: Shape): NdArray {
  return { shape, data: x.data instanceof Float64Array ? new Float64Array(numel(shape)) : new Int32Array(numel(shape)) };
}

function offset(shape: Shape, position: readonly number[]): number {
  return position.reduce((at, c, axis) => at * shape[axis]! + c, 0);
}

function forEachPosition(shape: Shape, visit: (position: readonly number[], index: number) => void): void {
  const strides = rowMajorStrides(shape);
  for (let i = 0; i < numel(shape); i++) {
    visit(
      shape.map((extent, axis) => Math.floor(i / strides[axis]!) % extent),
      i,
    );
  }
}
