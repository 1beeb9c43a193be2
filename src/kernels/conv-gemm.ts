/**
 * Variant `gemm` of conv2d and convTranspose2d, for GPUs: a matrix product through workgroup memory, 8x8 sums an invocation (kernels.md B 3.2).
 * Pixels are gathered where they lie (implicit GEMM): no padded copy, no column matrix. A transposed convolution of stride s goes by s x s phases.
 */
import { ceilTo } from "../tensor/layout.js";
import { PLAIN_EPILOGUE, type ConvEpilogue, type TrilinearForm } from "./conv-geometry.js";
import { epilogueBuffers, epilogueParams } from "./conv-epilogue.js";
import { walksOf } from "./conv-outer.js";
import { tapParams } from "./conv-taps.js";
import { directionOf } from "./conv-tiled.js";
import { dispatch, grid, inputRef, MAX_WORKGROUPS_PER_AXIS, scratchRef, type Variant } from "./op.js";

/** Less work is over before a large tile has started. */
export const GEMM_FROM_FLOPS = 2 ** 22;
/** Workgroups that fill a GPU: four for each of the 132 multiprocessors of an H100. */
export const ENOUGH_WORKGROUPS = 528;

const LEAST_STEPS = 8;
const MOST_STRIPS = 32;

interface Tile {
  readonly pixels: number;
  readonly channels: number;
}
/** The larger, the fewer loads a multiply-add; with 128 by 128, and 256 invocations, an H100 ran at a fifth of the speed. */
const LARGE: Tile = { pixels: 128, channels: 64 };
const SMALL: Tile = { pixels: 64, channels: 64 };

/** Null beyond the grid's limits. Without `strips` it is one dispatch and needs no scratch memory. */
export function gemmVariant(
  form: TrilinearForm,
  transposed: boolean,
  epilogue: ConvEpilogue,
  { strips: mayCut } = { strips: true },
): Variant | null {
  const { inChannels, outChannels, inSize, outSize } = directionOf(form, transposed);
  const { groups, batch, kernel, stride, dilation, pad } = form;
  const [down, across] = walksOf(form, transposed);
  const pixels = batch * down.cells * across.cells;
  const phases = down.phases * across.phases;
  const [inVec4s, outVec4s] = [ceilTo(inChannels, 4) / 4, ceilTo(outChannels, 4) / 4];
  const perGroup = Math.ceil(outVec4s / groups);
  const taps = tapParams(form, transposed);
  const yVec4s = batch * outSize[0] * outSize[1] * outVec4s;
  const tile = pixels > SMALL.pixels ? LARGE : SMALL;
  const [pixelTiles, channelTiles] = [Math.ceil(pixels / tile.pixels), Math.ceil((4 * perGroup) / tile.channels)];
  // Too few tiles to fill a GPU: their long sums are cut into strips, added by a second pass.
  const mostTaps = ([0, 1] as const).map((a) => Math.ceil(kernel[a] / taps.tap_step[a]));
  const steps = mostTaps[0]! * mostTaps[1]! * Math.ceil(inVec4s / groups / 4);
  const wanted = Math.ceil(ENOUGH_WORKGROUPS / (pixelTiles * channelTiles * phases * groups));
  const perStrip = Math.ceil(steps / Math.max(1, Math.min(wanted, Math.floor(steps / LEAST_STEPS), mayCut ? MOST_STRIPS : 1)));
  const strips = Math.ceil(steps / perStrip);
  const workgroups = [pixelTiles, channelTiles, phases * groups * strips] as const;
  if (workgroups.some((n) => n > MAX_WORKGROUPS_PER_AXIS)) return null;
  const invocations = (tile.pixels / 8) * (tile.channels / 8);
  const main = dispatch("conv2d.gemm", {
    params: {
      in_size: inSize,
      cells: [down.cells, across.cells],
      images: form.batch,
      pixels,
      groups,
      strips,
      steps_per_strip: perStrip,
      y_strip: yVec4s,
      out_size: outSize,
      out_step: [down.phases, across.phases],
      out_channels: outChannels,
      out_vec4s: outVec4s,
      out_vec4s_per_group: perGroup,
      in_vec4s: inVec4s,
      in_vec4s_per_group: Math.ceil(inVec4s / groups),
      cell_step: [down.cellStep, across.cellStep],
      x_step: [down.tapStep, across.tapStep],
      kernel,
      stride,
      pad,
      dilation,
      ...taps,
      weight_rows: form.outputs,
      weight_vec4s: ceilTo(form.channels / groups, 4) / 4,
      ...epilogueParams(strips === 1 ? epilogue : PLAIN_EPILOGUE),
    },
    constants: {
      WG: invocations,
      TRANSPOSED: transposed,
      PIXELS: tile.pixels,
      CHANNELS: tile.channels,
    },
    buffers: { x: inputRef(0), weight: inputRef(1), ...epilogueBuffers(epilogue), y: strips === 1 ? "output" : scratchRef(0) },
    workgroups,
  });
  if (strips === 1) return { name: "gemm", fromFlops: GEMM_FROM_FLOPS, dispatches: [main] };
  const sum = dispatch("conv2d.gemm-sum", {
    params: { count: yVec4s, strips, out_channels: outChannels, out_vec4s: outVec4s, ...epilogueParams(epilogue) },
    buffers: { parts: scratchRef(0), ...epilogueBuffers(epilogue), y: "output" },
    workgroups: grid(yVec4s),
  });
  return { name: "gemm", fromFlops: GEMM_FROM_FLOPS, scratchBytes: [16 * yVec4s * strips], dispatches: [main, sum] };
}
