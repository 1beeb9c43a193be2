/** Reference of src/kernels/softmax.ts. */
import type { SoftmaxAttrs } from "../kernels/softmax.js";
import { floats, type NdArray } from "./nd-array.js";
import { forEachRow } from "./rows.js";

export function softmax([x]: readonly NdArray[], { axes }: SoftmaxAttrs): NdArray {
  const y = floats(x!.shape);
  forEachRow(x!.shape, axes, (row) => {
    const largest = row.reduce((m, i) => Math.max(m, x!.data[i]!), -Infinity);
    const sum = row.reduce((s, i) => s + Math.exp(x!.data[i]! - largest), 0);
    for (const i of row) y.data[i] = Math.exp(x!.data[i]! - largest) / sum;
  });
  return y;
}

export function logSoftmax([x]: readonly NdArray[], { axes }: SoftmaxAttrs): NdArray {
  const y = floats(x!.shape);
  forEachRow(x!.shape, axes, (row) => {
    const largest = row.reduce((m, i) => Math.max(m, x!.data[i]!), -Infinity);
    const sum = row.reduce((s, i) => s + Math.exp(x!.data[i]! - largest), 0);
    for (const i of row) y.data[i] = x!.data[i]! - largest - Math.log(sum);
  });
  return y;
}

export function softmaxGrad([dy, y]: readonly NdArray[], { axes }: SoftmaxAttrs): NdArray {
  const dx = floats(y!.shape);
  forEachRow(y!.shape, axes, (row) => {
    const sum = row.reduce((s, i) => s + dy!.data[i]! * y!.data[i]!, 0);
    for (const i of row) dx.data[i] = y!.data[i]! * (dy!.data[i]! - sum);
  });
  return dx;
}

export function logSoftmaxGrad([dy, y]: readonly NdArray[], { axes }: SoftmaxAttrs): NdArray {
  const dx = floats(y!.shape);
  forEachRow(y!.shape, axes, (row) => {
    const sum = row.reduce((s, i) => s + dy!.data[i]!, 0);
    for (const i of row) dx.data[i] = dy!.data[i]! - Math.exp(y!.data[i]!) * sum;
  });
  return dx;
}
