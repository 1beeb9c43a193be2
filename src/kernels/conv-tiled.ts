/**
 * Variant `tiled` of conv2d and convTranspose2d at stride 1 and dilation 1: 4x4 pixels by 4 channels per invocation, sums in registers, no
 * workgroup memory. What decides on every device is the number of multiply-adds per loaded number: 8 here for 3x3 (kernels.md C).
 * A transposed convolution is a convolution with its taps in reverse order; the weight stays where it is, see shaders/conv2d.tiled.wgsl.
 */
import { ceilTo } from "../tensor/layout.js";
import type { ConvEpilogue, Pair2, TrilinearForm } from "./conv-geometry.js";
import { epilogueBuffers, epilogueParams } from "./conv-epilogue.js";
import { paddedInput } from "./conv-padded.js";
import { dispatch, grid, inputRef, type DeviceTraits, type Variant } from "./op.js";

const TILE = 4;
/** Widths with a kernel of their own: those of the paper's nets. Each compiles for seconds on software adapters; the others have `outer`. */
const KERNEL_WIDTHS: readonly number[] = [3, 5];

/** Software adapters compile a tiled kernel for seconds, once per kernel size: less work than this is done sooner by `direct`. */
export const TILED_FROM_FLOPS = 2 ** 21;
/** Less is done sooner by `spread` where that applies: it takes up to twice as long but compiles several times faster, this kernel in a second (SwiftShader). */
const BESIDE_SPREAD_FROM_FLOPS = 2 ** 25;

/** What a conv kernel reads and writes, in either direction: `in` is x of a conv2d, or of a convTranspose2d. */
export interface Direction {
  readonly transposed: boolean;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly inSize: Pair2;
  readonly outSize: Pair2;
}

export function directionOf(form: TrilinearForm, transposed: boolean): Direction {
  return transposed
    ? { transposed, inChannels: form.outputs, outChannels: form.channels, inSize: form.y, outSize: form.x }
    : { transposed, inChannels: form.channels, outChannels: form.outputs, inSize: form.x, outSize: form.y };
}

/** Whole vec4s of channels in each group, which the kernels on vec4s need. */
export function groupsAreAligned({ groups, channels, outputs }: TrilinearForm): boolean {
  return groups === 1 || ((channels / groups) % 4 === 0 && (outputs / groups) % 4 === 0);
}

export function tiledApplies(form: TrilinearForm): boolean {
  const ones = [...form.stride, ...form.dilation].every((v) => v === 1);
  return ones && groupsAreAligned(form) && KERNEL_WIDTHS.includes(form.kernel[1]);
}

export function tiledVariant(form: TrilinearForm, transposed: boolean, epilogue: ConvEpilogue, device: DeviceTraits): Variant {
  const { inChannels, outChannels, inSize, outSize } = directionOf(form, transposed);
  const { kernel, pad, groups, batch } = form;
  const tiles: Pair2 = [Math.ceil(outSize[0] / TILE), Math.ceil(outSize[1] / TILE)];
  const before: Pair2 = transposed ? [kernel[0] - 1 - pad[0], kernel[1] - 1 - pad[1]] : pad;
  const needed: Pair2 = [tiles[0] * TILE + kernel[0] - 1, tiles[1] * TILE + kernel[1] - 1];
  const x = paddedInput(0, batch, inChannels, inSize, before, needed);
  const outVec4s = ceilTo(outChannels, 4) / 4;
  const count = batch * tiles[0] * tiles[1] * outVec4s;
  const main = dispatch("conv2d.tiled", {
    params: {
      count,
      tiles,
      out_size: outSize,
      out_channels: outChannels,
      out_vec4s: outVec4s,
      out_vec4s_per_group: Math.ceil(outVec4s / groups),
      in_vec4s: x.pixel,
      in_vec4s_per_group: Math.ceil(x.pixel / groups),
      in_row: x.row,
      in_image: x.image,
      kernel_h: kernel[0],
      weight_rows: form.outputs,
      weight_vec4s: ceilTo(form.channels / groups, 4) / 4,
      ...epilogueParams(epilogue),
    },
    constants: {
      TRANSPOSED: transposed,
      KERNEL_W: kernel[1],
      PATCH_W: TILE + kernel[1] - 1,
      LANES: inChannels === 1 ? 1 : 4,
    },
    buffers: { x: x.ref, weight: inputRef(1), ...epilogueBuffers(epilogue), y: "output" },
    workgroups: grid(count),
  });
  const fromFlops = device.subgroupSize === 4 ? BESIDE_SPREAD_FROM_FLOPS : TILED_FROM_FLOPS;
  return {
    name: "tiled",
    fromFlops,
    scratchBytes: x.scratchBytes,
    copies: x.copies,
    dispatches: [...x.dispatches, main],
  };
}
