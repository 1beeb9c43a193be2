/**
 * Variant `columns` of convTranspose2d at stride 1: the products of every pixel of x with every tap as one matrix product, then each pixel of y
 * gathers those that fall on it (im2col's adjoint, as Caffe's deconvolution computes it). In memory C-Kh-Kw-O the weight is that matrix as it lies,
 * and its rows are read once for a tile of pixels: what counts where the weight is larger than the maps, as in the data gradient of a 7x7 fc6.
 */
import { ceilTo } from "../tensor/layout.js";
import { PLAIN_EPILOGUE, type ConvEpilogue, type TrilinearForm } from "./conv-geometry.js";
import { epilogueBuffers, epilogueParams } from "./conv-epilogue.js";
import { productOn, type Product } from "./conv-product.js";
import { dispatch, grid, inputRef, scratchRef, type DeviceTraits, type Variant } from "./op.js";

/** Fewer operations do not pay for a second kernel. */
const FROM_FLOPS = 2 ** 23;

export function columnsApplies({ groups, kernel, stride }: TrilinearForm): boolean {
  return groups === 1 && stride[0] * stride[1] === 1 && kernel[0] * kernel[1] > 1;
}

/** Whether it is faster too: a column costs two multiply-adds for each channel of x, and is written and read. */
export function columnsIsBetter({ kernel, outputs }: TrilinearForm, device: DeviceTraits): boolean {
  return device.software && kernel[0] * kernel[1] >= 25 && outputs >= 64;
}

/** `product` gives the variant that multiplies: of a transposed 1x1 convolution. */
export function columnsVariant(form: TrilinearForm, epilogue: ConvEpilogue, device: DeviceTraits, product: Product): Variant {
  const { batch, kernel, pad, dilation } = form;
  const vec4s = ceilTo(form.channels, 4) / 4;
  const pixels = batch * form.y[0] * form.y[1];
  const channels = 4 * vec4s * kernel[0] * kernel[1];
  const products: TrilinearForm = {
    ...form,
    batch: 1,
    channels,
    x: [1, pixels],
    y: [1, pixels],
    kernel: [1, 1],
    pad: [0, 0],
    dilation: [1, 1],
  };
  const columns = scratchRef(0);
  const count = batch * form.x[0] * form.x[1] * vec4s;
  const gather = dispatch("conv-transpose2d.columns", {
    params: {
      count,
      in_size: form.y,
      out_size: form.x,
      kernel,
      pad,
      dilation,
      vec4s,
      out_channels: form.channels,
      ...epilogueParams(epilogue),
    },
    buffers: { columns, ...epilogueBuffers(epilogue), y: "output" },
    workgroups: grid(count),
  });
  return {
    name: "columns",
    fromFlops: FROM_FLOPS,
    scratchBytes: [4 * channels * pixels],
    dispatches: [...productOn(product(products, true, PLAIN_EPILOGUE, device), inputRef(0), inputRef(1), columns), gather],
  };
}
