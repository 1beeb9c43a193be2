/** Reference of src/kernels/average-pool.ts. */
import type { AveragePoolAttrs } from "../kernels/average-pool.js";
import { numel, type Shape, type TensorSpec } from "../tensor/shape.js";
import { floats, type NdArray } from "./nd-array.js";
import { taps } from "./window.js";

export function averagePool2d([x]: readonly NdArray[], attrs: AveragePoolAttrs, output: TensorSpec): NdArray {
  const y = floats(output.shape);
  eachTap(x!.shape, output.shape, attrs, (pixel, window, places) => (y.data[window]! += x!.data[pixel]! / places));
  return y;
}

export function averagePool2dGrad([dy]: readonly NdArray[], attrs: AveragePoolAttrs, output: TensorSpec): NdArray {
  const dx = floats(output.shape);
  eachTap(output.shape, dy!.shape, attrs, (pixel, window, places) => (dx.data[pixel]! += dy!.data[window]! / places));
  return dx;
}

/** Every pair of an output element and a pixel of x in its window, with the window's divisor. */
function eachTap(
  x: Shape,
  y: Shape,
  attrs: AveragePoolAttrs,
  visit: (pixel: number, window: number, places: number) => void,
): void {
  const [h, w] = [x[2]!, x[3]!];
  const [top, left, bottom, right] = attrs.countIncludePad ? attrs.padding : [0, 0, 0, 0];
  for (let at = 0; at < numel(y); at++) {
    const j = at % y[3]!;
    const i = Math.floor(at / y[3]!) % y[2]!;
    const plane = Math.floor(at / (y[2]! * y[3]!));
    const places = taps(attrs, 0, i, -top, h + bottom).length * taps(attrs, 1, j, -left, w + right).length;
    for (const row of taps(attrs, 0, i, 0, h)) {
      for (const column of taps(attrs, 1, j, 0, w)) visit((plane * h + row) * w + column, at, places);
    }
  }
}
