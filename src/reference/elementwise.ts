/** Reference of src/kernels/elementwise.ts. */
import type { FillAttrs, SumAttrs } from "../kernels/elementwise.js";
import { numel, rowMajorStrides, type Shape, type TensorSpec } from "../tensor/shape.js";
import { floats, type NdArray } from "./nd-array.js";

type Binary = (inputs: readonly NdArray[], attrs: object, output: TensorSpec) => NdArray;

export const add = binary((a, b) => a + b);
export const subtract = binary((a, b) => a - b);
export const multiply = binary((a, b) => a * b);
export const divide = binary((a, b) => (b === 0 ? 0 : a / b));
export const maximum = binary((a, b) => (a > b ? a : b));

function binary(f: (a: number, b: number) => number): Binary {
  return ([a, b], _attrs, { shape }) => {
    const y = new Float64Array(numel(shape));
    const fromA = broadcastIndex(a!.shape, shape);
    const fromB = broadcastIndex(b!.shape, shape);
    for (let i = 0; i < y.length; i++) y[i] = f(a!.data[fromA(i)]!, b!.data[fromB(i)]!);
    return floats(shape, y);
  };
}

/** Position in an operand of element i of the broadcast result. */
export function broadcastIndex(operand: Shape, shape: Shape): (i: number) => number {
  const outer = rowMajorStrides(shape);
  const strides = rowMajorStrides(operand);
  const missing = shape.length - operand.length;
  return (i) => {
    let at = 0;
    operand.forEach((extent, axis) => {
      const coordinate = Math.floor(i / outer[missing + axis]!) % shape[missing + axis]!;
      if (extent > 1) at += coordinate * strides[axis]!;
    });
    return at;
  };
}

export function sum(xs: readonly NdArray[], { coefficients }: SumAttrs): NdArray {
  const y = new Float64Array(xs[0]!.data.length);
  xs.forEach((x, k) => {
    for (let i = 0; i < y.length; i++) y[i]! += coefficients[k]! * x.data[i]!;
  });
  return floats(xs[0]!.shape, y);
}

export function fill(_inputs: readonly NdArray[], { shape, value }: FillAttrs): NdArray {
  return floats(shape, new Float64Array(numel(shape)).fill(value));
}
