/** Reference of src/kernels/relu.ts. */
import { floats, type NdArray } from "./nd-array.js";

export function relu([x]: readonly NdArray[]): NdArray {
  return floats(
    x!.shape,
    Float64Array.from(x!.data, (v) => Math.max(v, 0)),
  );
}

export function reluGrad([dy, x]: readonly NdArray[]): NdArray {
  return floats(
    x!.shape,
    Float64Array.from(dy!.data, (v, i) => (x!.data[i]! > 0 ? v : 0)),
  );
}
