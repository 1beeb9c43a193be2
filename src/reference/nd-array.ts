/** Values of the CPU reference: logical shape, row-major, float64 (f32 tensors) or int32 (i32 and u32 tensors). */
import { numel, type Shape } from "../tensor/shape.js";

export interface NdArray {
  readonly shape: Shape;
  readonly data: Float64Array | Int32Array;
}

export function floats(shape: Shape, data: Float64Array = new Float64Array(numel(shape))): NdArray {
  return { shape, data };
}

export function ints(shape: Shape, data: Int32Array = new Int32Array(numel(shape))): NdArray {
  return { shape, data };
}
