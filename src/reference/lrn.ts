/** Reference of src/kernels/lrn.ts. */
import type { LrnAttrs } from "../kernels/lrn.js";
import { floats, type NdArray } from "./nd-array.js";

export function lrn([x]: readonly NdArray[], attrs: LrnAttrs): NdArray {
  const b = bases(x!, attrs);
  return floats(
    x!.shape,
    Float64Array.from(x!.data, (v, i) => v * b[i]! ** -attrs.beta),
  );
}

/** The chain rule as it stands: y_k = x_k b_k^-beta depends on x_k and, through b_k, on every x in the window of k. */
export function lrnGrad([dy, x]: readonly NdArray[], attrs: LrnAttrs): NdArray {
  const { size, alpha, beta } = attrs;
  const b = bases(x!, attrs);
  const dx = Float64Array.from(dy!.data, (v, i) => v * b[i]! ** -beta);
  eachPair(x!, size, (k, inWindow) => {
    dx[inWindow]! -= dy!.data[k]! * x!.data[k]! * beta * b[k]! ** (-beta - 1) * ((2 * alpha) / size) * x!.data[inWindow]!;
  });
  return floats(x!.shape, dx);
}

/** bias + alpha / size * sum of squares over each element's window. */
function bases(x: NdArray, { size, alpha, bias }: LrnAttrs): Float64Array {
  const b = new Float64Array(x.data.length).fill(bias);
  eachPair(x, size, (k, inWindow) => (b[k]! += (alpha / size) * x.data[inWindow]! ** 2));
  return b;
}

/**
 * Every element with every element of its window: channels c - floor((size - 1) / 2) to c + ceil((size - 1) / 2) of the same
 * pixel.
 */
function eachPair(x: NdArray, size: number, visit: (element: number, inWindow: number) => void): void {
  const [channels, plane] = [x.shape[1]!, x.shape[2]! * x.shape[3]!];
  x.data.forEach((_, i) => {
    const c = Math.floor(i / plane) % channels;
    const from = Math.max(0, c - Math.floor((size - 1) / 2));
    const to = Math.min(channels - 1, c + Math.ceil((size - 1) / 2));
    for (let k = from; k <= to; k++) visit(i, i + (k - c) * plane);
  });
}
