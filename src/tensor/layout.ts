/**
 * How tensors lie in GPU memory, decided here and nowhere else.
 *
 * - Rank 4 (images [N, C, H, W], conv weights [O, C/g, Kh, Kw], any other rank-4 tensor): axes in the order 0, 2, 3, 1, the last
 *   one padded to a multiple of 4: NHWC for images, O-Kh-Kw-C for weights. Padding lanes hold zeros, always: every kernel that
 *   writes a rank-4 tensor writes its padding lanes too.
 * - Every other rank: row-major, no padding inside.
 * - A buffer's length is a multiple of 16 bytes, so that any kernel may read whole vec4s; what lies behind a row-major tensor's
 *   last element is unspecified.
 * f32, i32 and u32 take 4 bytes an element, f16 takes 2.
 */
import { numel, type DType, type Shape } from "./shape.js";

/** Of all types but f16. */
export const BYTES_PER_ELEMENT = 4;

export function elementBytes(dtype: DType): number {
  return dtype === "f16" ? 2 : BYTES_PER_ELEMENT;
}

/** A tensor's axes in memory order, outermost first. */
export interface Layout {
  /** Logical axis at each memory position: [0, 2, 3, 1] for rank 4, else identity. */
  readonly axes: readonly number[];
  /** Logical extents in memory order. */
  readonly dims: readonly number[];
  /** Extents in memory order with the innermost one padded (rank 4 only). */
  readonly padded: readonly number[];
  /** Strides in elements, in memory order. */
  readonly strides: readonly number[];
  /** Elements in memory, padding lanes included. */
  readonly size: number;
}

export function ceilTo(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}

export function layoutOf(shape: Shape): Layout {
  const axes = shape.length === 4 ? [0, 2, 3, 1] : shape.map((_, i) => i);
  const dims = axes.map((a) => shape[a]!);
  const padded = shape.length === 4 ? [dims[0]!, dims[1]!, dims[2]!, ceilTo(dims[3]!, 4)] : dims;
  const strides = new Array<number>(dims.length).fill(1);
  for (let i = dims.length - 2; i >= 0; i--) strides[i] = strides[i + 1]! * padded[i + 1]!;
  return { axes, dims, padded, strides, size: numel(padded) };
}

/** Strides of the logical axes, in elements: for `[N, C, H, W]` the strides of n, c, h, w. */
export function logicalStrides(shape: Shape): number[] {
  const { axes, strides } = layoutOf(shape);
  const out = new Array<number>(shape.length).fill(1);
  axes.forEach((axis, i) => (out[axis] = strides[i]!));
  return out;
}

/** Elements in memory, padding lanes included. */
export function physicalSize(shape: Shape): number {
  return layoutOf(shape).size;
}

/** Bytes of the buffer that holds a tensor of this shape and type. */
export function byteLength(shape: Shape, dtype: DType = "f32"): number {
  return ceilTo(physicalSize(shape) * elementBytes(dtype), 16);
}

export type Numbers = Float32Array | Int32Array | Uint32Array;

/** Logical (row-major) values to memory order. Row-major tensors come back as they are, without a copy. */
export function pack<T extends Numbers>(shape: Shape, data: T): T {
  if (shape.length !== 4) return data;
  const [n, c, h, w] = shape as [number, number, number, number];
  const c4 = ceilTo(c, 4);
  const plane = h * w;
  const out = new (data.constructor as new (length: number) => T)(n * plane * c4);
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < c; k++) {
      const from = (i * c + k) * plane;
      const to = i * plane * c4 + k;
      for (let p = 0; p < plane; p++) out[to + p * c4] = data[from + p]!;
    }
  }
  return out;
}

/** Memory order to logical (row-major) values; the inverse of {@link pack}. */
export function unpack<T extends Numbers>(shape: Shape, memory: T): T {
  if (shape.length !== 4) return memory.slice(0, numel(shape)) as T;
  const [n, c, h, w] = shape as [number, number, number, number];
  const c4 = ceilTo(c, 4);
  const plane = h * w;
  const out = new (memory.constructor as new (length: number) => T)(n * c * plane);
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < c; k++) {
      const to = (i * c + k) * plane;
      const from = i * plane * c4 + k;
      for (let p = 0; p < plane; p++) out[to + p] = memory[from + p * c4]!;
    }
  }
  return out;
}
