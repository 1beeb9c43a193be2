/**
 * Variants `winograd` and `winograd2` of conv2d and convTranspose2d for 3x3 kernels at stride 1: F(4x4, 3x3) and F(2x2, 3x3) of Lavin and Gray,
 * "Fast Algorithms for Convolutional Neural Networks" (2016). 4x4 outputs cost 36 multiplications in place of 144, 2x2 cost 16 in place of 36: tiles
 * and kernels are transformed, multiplied at 36 or 16 points, each a matrix product over channels, and transformed back. The products are a 1x1
 * convolution in as many groups as points, so any kernel for such serves.
 */
import { ceilTo } from "../tensor/layout.js";
import { formFlops, PLAIN_EPILOGUE, type ConvEpilogue, type Pair2, type TrilinearForm } from "./conv-geometry.js";
import { epilogueBuffers, epilogueParams } from "./conv-epilogue.js";
import { productOn, type Product } from "./conv-product.js";
import { directionOf } from "./conv-tiled.js";
import { dispatch, grid, inputRef, preparedRef, scratchRef, type DeviceTraits, type Variant } from "./op.js";

interface Scheme {
  readonly name: string;
  /** Rows and columns of outputs of a tile. */
  readonly tile: number;
  readonly points: number;
  /**
   * Rounding errors grow with the transforms' coefficients: 5 to 10 times those of `direct` for 4x4 (kernels.md C 3). Those of 2x2 are no larger, but
   * where padding makes a result exactly 0, its is a tiny number too, so it is above 1 (see `roundsMore` in graph/choose.ts).
   */
  readonly errorFactor: number;
  readonly transforms: Transforms;
  /** The same for drivers that compile code for longer than they run it, where there are such. */
  readonly narrow?: Transforms;
}

interface Transforms {
  readonly weight: "conv2d.winograd-weight" | "conv2d.winograd-weight-narrow" | "conv2d.winograd2-weight";
  readonly input: "conv2d.winograd-input" | "conv2d.winograd-input-narrow" | "conv2d.winograd2-input";
  readonly output: "conv2d.winograd-output" | "conv2d.winograd-output-narrow" | "conv2d.winograd2-output";
  /** Channels of an invocation. */
  readonly lanes: 1 | 4;
}

export const F4: Scheme = {
  name: "winograd",
  tile: 4,
  points: 36,
  errorFactor: 16,
  transforms: {
    weight: "conv2d.winograd-weight",
    input: "conv2d.winograd-input",
    output: "conv2d.winograd-output",
    lanes: 4,
  },
  narrow: {
    weight: "conv2d.winograd-weight-narrow",
    input: "conv2d.winograd-input-narrow",
    output: "conv2d.winograd-output-narrow",
    lanes: 1,
  },
};
const F2: Scheme = {
  name: "winograd2",
  tile: 2,
  points: 16,
  errorFactor: 2,
  transforms: {
    weight: "conv2d.winograd2-weight",
    input: "conv2d.winograd2-input",
    output: "conv2d.winograd2-output",
    lanes: 4,
  },
};
/** Fewer operations do not pay for the transforms. */
const FROM_FLOPS = 2 ** 23;
/**
 * Fewer pixels, images counted each, do not pay for transforming the weights in every step of a training: on lavapipe that takes 0.8 to 1.2 us for a pair of
 * channels, and `winograd` then saves 2.2 ns a pixel (160 to 320 channels on 7 x 10); elsewhere 24 pixels by multiplications, more by what is stored.
 */
const inRunFromPixels = (device: DeviceTraits): number => (isStraight(device) ? 64 : 512);
const LEAST_CHANNELS = 16;

/** Whether it is faster too, by the number of channels. */
export function winogradIsBetter({ channels, outputs }: TrilinearForm): boolean {
  return Math.min(channels, outputs) >= LEAST_CHANNELS;
}

export function winogradApplies({ kernel, stride, dilation, groups, outputs }: TrilinearForm): boolean {
  const plain = [...stride, ...dilation].every((v) => v === 1) && groups === 1;
  // Points are groups of whole vec4s; those of x are padded in memory anyway.
  return plain && kernel[0] === 3 && kernel[1] === 3 && outputs % 4 === 0;
}

/**
 * Both, the one with fewer multiplications last: 4x4, but on maps so small that its tiles are half empty. `product` gives the variant that multiplies:
 * of the 1x1 convolution in as many groups as points, or its transpose.
 */
export function winogradVariants(
  form: TrilinearForm,
  transposed: boolean,
  epilogue: ConvEpilogue,
  device: DeviceTraits,
  product: Product,
): readonly Variant[] {
  const { outSize } = directionOf(form, transposed);
  const multiplications = ({ tile, points }: Scheme): number =>
    points * Math.ceil(outSize[0] / tile) * Math.ceil(outSize[1] / tile);
  const schemes = multiplications(F2) < multiplications(F4) ? [F4, F2] : [F2, F4];
  return schemes.map((scheme) => winogradVariant(scheme, form, transposed, epilogue, device, product));
}

function winogradVariant(
  scheme: Scheme,
  form: TrilinearForm,
  transposed: boolean,
  epilogue: ConvEpilogue,
  device: DeviceTraits,
  product: Product,
): Variant {
  const { tile, points } = scheme;
  const { inChannels, outChannels, inSize, outSize } = directionOf(form, transposed);
  const tiles: Pair2 = [Math.ceil(outSize[0] / tile), Math.ceil(outSize[1] / tile)];
  const count = form.batch * tiles[0] * tiles[1];
  const [inVec4s, outVec4s] = [ceilTo(inChannels, 4) / 4, ceilTo(outChannels, 4) / 4];
  const weightVec4s = form.outputs * (ceilTo(form.channels, 4) / 4);
  const transforms = transformsOf(scheme, device);
  const values = 4 / transforms.lanes; // of a vec4
  const before: Pair2 = transposed ? [2 - form.pad[0], 2 - form.pad[1]] : form.pad;
  const straight = { STRAIGHT: isStraight(device) };
  const [u, v, m] = [preparedRef(0), scratchRef(0), scratchRef(1)];

  const weights = dispatch(transforms.weight, {
    params: {
      count: weightVec4s * values,
      values: (ceilTo(form.channels, 4) / 4) * values,
      transposed: Number(transposed),
      points,
    },
    constants: straight,
    buffers: { weight: inputRef(1), u },
    workgroups: grid(weightVec4s * values),
  });
  const input = dispatch(transforms.input, {
    params: { count: count * inVec4s * values, in_size: inSize, values: inVec4s * values, tiles, before, points },
    constants: straight,
    buffers: { x: inputRef(0), v },
    workgroups: grid(count * inVec4s * values),
  });
  const output = dispatch(transforms.output, {
    params: {
      count: count * outVec4s * values,
      out_size: outSize,
      out_channels: outChannels,
      values: outVec4s * values,
      tiles,
      pixels: tile * tile,
      ...epilogueParams(epilogue),
    },
    constants: straight,
    buffers: { m, ...epilogueBuffers(epilogue), y: "output" },
    workgroups: grid(count * outVec4s * values),
  });
  // Of whole vec4s, as they lie in memory.
  const products = product(pointwise(form, points, count), transposed, PLAIN_EPILOGUE, device);
  return {
    name: scheme.name,
    fromFlops: FROM_FLOPS,
    errorFactor: scheme.errorFactor,
    prepared: {
      bytes: [16 * points * weightVec4s],
      dispatches: [weights],
      inRunFromFlops: (formFlops(form) / (form.batch * form.y[0] * form.y[1])) * inRunFromPixels(device),
    },
    scratchBytes: [16 * points * count * inVec4s, 16 * points * count * outVec4s],
    dispatches: [input, ...productOn(products, v, u, m), output],
  };
}

/** SwiftShader takes less than half as long to compile a transform of one channel as of a vec4. */
export function transformsOf({ transforms, narrow = transforms }: Scheme, device: DeviceTraits): Transforms {
  return device.software && isStraight(device) ? narrow : transforms;
}

/** lavapipe (subgroups of 8 among software adapters) takes 12 s for the three transforms in straight lines. */
export function isStraight(device: DeviceTraits): boolean {
  return !(device.software && device.subgroupSize === 8);
}

/** The products as a convolution: tiles are pixels of one row, points are groups. Rows of the transformed weight are those of the weight itself. */
export function pointwise(form: TrilinearForm, points: number, tiles: number): TrilinearForm {
  return {
    batch: 1,
    groups: points,
    channels: points * ceilTo(form.channels, 4),
    outputs: points * form.outputs,
    x: [1, tiles],
    y: [1, tiles],
    kernel: [1, 1],
    stride: [1, 1],
    pad: [0, 0],
    dilation: [1, 1],
  };
}
