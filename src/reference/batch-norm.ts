/** Reference of src/kernels/batch-norm.ts. */
import type { BatchNormAttrs } from "../kernels/batch-norm.js";
import { numel } from "../tensor/shape.js";
import { floats, type NdArray } from "./nd-array.js";

export function batchNorm([x, scale, bias, mean, variance]: readonly NdArray[], { epsilon }: BatchNormAttrs): NdArray {
  const plane = numel(x!.shape.slice(2));
  return floats(
    x!.shape,
    Float64Array.from(x!.data, (value, i) => {
      const c = Math.floor(i / plane) % x!.shape[1]!;
      return ((value - mean!.data[c]!) / Math.sqrt(variance!.data[c]! + epsilon)) * scale!.data[c]! + bias!.data[c]!;
    }),
  );
}
