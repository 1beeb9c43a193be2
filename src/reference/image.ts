/** Reference of src/kernels/image.ts. */
import type { ImageAttrs } from "../kernels/image.js";
import type { TensorSpec } from "../tensor/shape.js";
import { floats, type NdArray } from "./nd-array.js";

export function imageToTensor([rgba]: readonly NdArray[], { mean, scale, order }: ImageAttrs, output: TensorSpec): NdArray {
  const y = floats(output.shape);
  const [images, channels, height, width] = output.shape as [number, number, number, number];
  const plane = height * width;
  for (let n = 0; n < images; n++) {
    for (let c = 0; c < channels; c++) {
      const byte = order === "rgb" ? c : 2 - c;
      for (let p = 0; p < plane; p++) {
        const value = (rgba!.data[n * plane + p]! >>> (8 * byte)) & 0xff;
        y.data[(n * channels + c) * plane + p] = (value - mean[c]!) * scale[c]!;
      }
    }
  }
  return y;
}
