/** Reference of src/kernels/non-finite.ts. */
import { ints, type NdArray } from "./nd-array.js";

export function nonFinite([x]: readonly NdArray[]): NdArray {
  const y = ints([1]);
  for (const value of x!.data) if (!Number.isFinite(value)) y.data[0]! += 1;
  return y;
}
