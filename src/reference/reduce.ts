/** Reference of src/kernels/reduce.ts. */
import type { BroadcastToAttrs, ReduceSumAttrs } from "../kernels/reduce.js";
import { numel, rowMajorStrides, type TensorSpec } from "../tensor/shape.js";
import { floats, type NdArray } from "./nd-array.js";

export function reduceSum([x]: readonly NdArray[], { axes, keep }: ReduceSumAttrs, { shape }: TensorSpec): NdArray {
  const y = floats(shape);
  const strides = rowMajorStrides(x!.shape);
  // Strides in y of x's axes: 0 where they are summed over.
  const remaining = x!.shape.map((_, i) => i).filter((i) => !axes.includes(i) || keep.includes(i));
  const yStrides = rowMajorStrides(shape);
  const to = x!.shape.map((_, i) => (axes.includes(i) ? 0 : yStrides[remaining.indexOf(i)]!));
  x!.data.forEach((value, i) => {
    let at = 0;
    x!.shape.forEach((extent, axis) => (at += (Math.floor(i / strides[axis]!) % extent) * to[axis]!));
    y.data[at]! += value;
  });
  return y;
}

export function broadcastTo([x]: readonly NdArray[], { axes }: BroadcastToAttrs, { shape }: TensorSpec): NdArray {
  const outer = rowMajorStrides(shape);
  const strides = rowMajorStrides(x!.shape);
  const y = x!.data instanceof Float64Array ? new Float64Array(numel(shape)) : new Int32Array(numel(shape));
  for (let i = 0; i < y.length; i++) {
    let at = 0;
    axes.forEach((axis, k) => {
      const coordinate = Math.floor(i / outer[axis]!) % shape[axis]!;
      if (x!.shape[k]! > 1) at += coordinate * strides[k]!;
    });
    y[i] = x!.data[at]!;
  }
  return { shape, data: y };
}
