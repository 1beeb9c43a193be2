/**
 * Variant `depthwise` of conv2d and convTranspose2d where each channel is convolved by itself: as many groups as channels, or a weight that is known
 * to be zero off the diagonal, as FCN's frozen bilinear upsampling is (graph/passes/mark-diagonal.ts). ceil(k / s)^2 multiply-adds for a number of a
 * transpose, whatever its stride. The kernels of all channels lie side by side, in a buffer that is made once after each load.
 */
import { ceilTo } from "../tensor/layout.js";
import { formFlops, type ConvEpilogue, type TrilinearForm } from "./conv-geometry.js";
import { epilogueBuffers } from "./conv-epilogue.js";
import { outerGeometry } from "./conv-outer.js";
import { dispatch, grid, inputRef, preparedRef, type DeviceTraits, type Variant } from "./op.js";

/** What a node may know of its weight. */
export interface DiagonalWeight {
  /** The weight [C, C, Kh, Kw] holds zeros where its first two indices differ. */
  readonly diagonal?: true;
}

const PIXELS = 4;
/** Fewer invocations leave a GPU idle. */
const ENOUGH_INVOCATIONS = 2 ** 16;

/** Without the products with zeros off a weight's diagonal. */
export function usefulFlops(form: TrilinearForm, { diagonal }: DiagonalWeight): number {
  return formFlops(form) / (diagonal ? form.channels : 1);
}

export function depthwiseApplies({ groups, channels, outputs }: TrilinearForm, { diagonal }: DiagonalWeight): boolean {
  return channels === outputs && (groups === channels || (groups === 1 && diagonal === true));
}

/** The form must fit (`depthwiseApplies`). */
export function depthwiseVariant(
  form: TrilinearForm,
  transposed: boolean,
  epilogue: ConvEpilogue,
  device: DeviceTraits,
): Variant {
  // Of its parameters, those that count channels within a group are not this kernel's.
  const { x, phases, pixels, outVec4s, params } = outerGeometry({ ...form, groups: 1 }, transposed, epilogue);
  const tile = device.software || (pixels * phases * outVec4s) / PIXELS >= ENOUGH_INVOCATIONS ? PIXELS : 1;
  const pixelTiles = Math.ceil(pixels / tile);
  const count = phases * pixelTiles * outVec4s;
  const taps = form.kernel[0] * form.kernel[1];
  const pitch = ceilTo(form.channels / form.groups, 4);
  const weights = dispatch("conv2d.depthwise-weight", {
    params: {
      count: taps * outVec4s,
      vec4s: outVec4s,
      channels: form.channels,
      row: taps * pitch,
      pitch,
      own: Number(form.groups === 1),
    },
    buffers: { weight: inputRef(1), u: preparedRef(0) },
    workgroups: grid(taps * outVec4s),
  });
  const main = dispatch("conv2d.depthwise", {
    params: { ...params, count, pixel_tiles: pixelTiles },
    constants: { TRANSPOSED: transposed, PIXELS: tile },
    buffers: { x: x.ref, weight: preparedRef(0), ...epilogueBuffers(epilogue), y: "output" },
    workgroups: grid(count),
  });
  return {
    name: "depthwise",
    prepared: { bytes: [16 * taps * outVec4s], dispatches: [weights] },
    scratchBytes: x.scratchBytes,
    copies: x.copies,
    dispatches: [...x.dispatches, main],
  };
}
