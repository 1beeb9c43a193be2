/**
 * Variant `winograd` of conv2d and convTranspose2d for 3x3 kernels at stride 1: F(4x4, 3x3) of Lavin and Gray, "Fast Algorithms for Convolutional
 * Neural Networks" (2016). 4x4 outputs cost 36 multiplications in place of 144: tiles and kernels are transformed, multiplied at 36 points, each
 * a matrix product over channels, and transformed back. The products are a 1x1 convolution in 36 groups, so any kernel for such serves.
 */
import { ceilTo } from "../tensor/layout.js";
import { PLAIN_EPILOGUE, type ConvEpilogue, type Pair2, type TrilinearForm } from "./conv-geometry.js";
import { epilogueBuffers, epilogueParams } from "./conv-epilogue.js";
import { directionOf } from "./conv-tiled.js";
import { dispatch, grid, inputRef, preparedRef, rebind, scratchRef, type DeviceTraits, type Ref, type Variant } from "./op.js";

const TILE = 4;
const POINTS = 36;
/** Rounding errors grow with the transforms' coefficients (kernels.md C 3: 5 to 10 times those of `direct`). */
const ERROR_FACTOR = 16;
/** Fewer operations do not pay for the transforms. */
const FROM_FLOPS = 2 ** 23;
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

/** `product` gives the variant that multiplies: of the 1x1 convolution in 36 groups, or its transpose. */
export function winogradVariant(
  form: TrilinearForm,
  transposed: boolean,
  epilogue: ConvEpilogue,
  device: DeviceTraits,
  product: (form: TrilinearForm, transposed: boolean, epilogue: ConvEpilogue, device: DeviceTraits) => Variant,
): Variant {
  const { inChannels, outChannels, inSize, outSize } = directionOf(form, transposed);
  const tiles: Pair2 = [Math.ceil(outSize[0] / TILE), Math.ceil(outSize[1] / TILE)];
  const count = form.batch * tiles[0] * tiles[1];
  const [inVec4s, outVec4s] = [ceilTo(inChannels, 4) / 4, ceilTo(outChannels, 4) / 4];
  const weightVec4s = form.outputs * (ceilTo(form.channels, 4) / 4);
  const before: Pair2 = transposed ? [2 - form.pad[0], 2 - form.pad[1]] : form.pad;
  // lavapipe (subgroups of 8 among software adapters) takes 12 s for the three transforms in straight lines.
  const straight = { STRAIGHT: !(device.software && device.subgroupSize === 8) };
  const [u, v, m] = [preparedRef(0), scratchRef(0), scratchRef(1)];

  const weights = dispatch("conv2d.winograd-weight", {
    params: { count: weightVec4s, vec4s: ceilTo(form.channels, 4) / 4, transposed: Number(transposed), points: POINTS },
    constants: straight,
    buffers: { weight: inputRef(1), u },
    workgroups: grid(weightVec4s),
  });
  const input = dispatch("conv2d.winograd-input", {
    params: { count: count * inVec4s, in_size: inSize, vec4s: inVec4s, tiles, before, points: POINTS },
    constants: straight,
    buffers: { x: inputRef(0), v },
    workgroups: grid(count * inVec4s),
  });
  const output = dispatch("conv2d.winograd-output", {
    params: {
      count: count * outVec4s,
      out_size: outSize,
      out_channels: outChannels,
      vec4s: outVec4s,
      tiles,
      pixels: TILE * TILE,
      ...epilogueParams(epilogue),
    },
    constants: straight,
    buffers: { m, ...epilogueBuffers(epilogue), y: "output" },
    workgroups: grid(count * outVec4s),
  });
  // Of whole vec4s, as they lie in memory.
  const products = product(pointwise(form, count), transposed, PLAIN_EPILOGUE, device);
  return {
    name: "winograd",
    fromFlops: FROM_FLOPS,
    errorFactor: ERROR_FACTOR,
    prepared: { bytes: [16 * POINTS * weightVec4s], dispatches: [weights] },
    scratchBytes: [16 * POINTS * count * inVec4s, 16 * POINTS * count * outVec4s],
    dispatches: [input, ...products.dispatches.map((d) => rebind(d, (ref) => swapped(ref, v, u, m))), output],
  };
}

/** The products as a convolution: tiles are pixels of one row, points are groups. Rows of the transformed weight are those of the weight itself. */
function pointwise(form: TrilinearForm, tiles: number): TrilinearForm {
  return {
    batch: 1,
    groups: POINTS,
    channels: POINTS * ceilTo(form.channels, 4),
    outputs: POINTS * form.outputs,
    x: [1, tiles],
    y: [1, tiles],
    kernel: [1, 1],
    stride: [1, 1],
    pad: [0, 0],
    dilation: [1, 1],
  };
}

/** The buffers of the product as those of the whole. */
function swapped(ref: Ref, x: Ref, weight: Ref, y: Ref): Ref {
  if (ref === "output") return y;
  if (typeof ref === "string") return ref;
  if (!("input" in ref)) throw new Error("winograd: its product must be one dispatch, without scratch memory");
  return ref.input === 0 ? x : weight;
}
