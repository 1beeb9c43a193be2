/** Reference of src/kernels/label-image.ts. */
import type { TensorSpec } from "../tensor/shape.js";
import { ints, type NdArray } from "./nd-array.js";

export function packLabels([labels]: readonly NdArray[], _attrs: object, output: TensorSpec): NdArray {
  const y = ints(output.shape);
  new Uint8Array(y.data.buffer).set(Uint8Array.from(labels!.data, (label) => label & 255));
  return y;
}

export function overlayLabels([rgba, labels, palette]: readonly NdArray[], _attrs: object, output: TensorSpec): NdArray {
  const y = ints(output.shape);
  labels!.data.forEach((label, p) => {
    const colour = palette!.data[label] ?? 0;
    const share = colour >>> 24;
    let pixel = 0xff000000;
    for (let shift = 0; shift < 24; shift += 8) {
      const [below, above] = [rgba!.data[p]! >>> shift, colour >>> shift].map((word) => word & 255) as [number, number];
      pixel |= Math.round((below * (255 - share) + above * share) / 255) << shift;
    }
    y.data[p] = pixel;
  });
  return y;
}
