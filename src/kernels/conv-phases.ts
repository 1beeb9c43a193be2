/**
 * Variant `subgroup` of convTranspose2d at a stride above 1: each of the s x s phases is a matrix product of its pixels and its taps' channels
 * with a part of the weight (conv-outer.ts cuts the same way). What a number costs to load decides on software adapters (kernels.md C): the
 * lanes of a subgroup, which are pixels of one phase, load the weight together and spread it by broadcast.
 */
import { ceilTo } from "../tensor/layout.js";
import type { ConvEpilogue, TrilinearForm } from "./conv-geometry.js";
import { epilogueBuffers, epilogueParams } from "./conv-epilogue.js";
import { transposedWalk } from "./conv-outer.js";
import { paddedInput } from "./conv-padded.js";
import { tapParams } from "./conv-taps.js";
import { dispatch, inputRef, MAX_WORKGROUPS_PER_AXIS, type DeviceTraits, type Variant } from "./op.js";

const TILE_CELLS = [8, 4] as const;
const TILE_VEC4S = 6;
/** What a tile loads of the weight, in cells' worth of work. */
const LOAD_COST = 3;
/** A net's upsamplings share one kernel; `direct` took 8 to 24 times as long on those of F1 that `tiled`'s bound would leave to it (SwiftShader). */
const FROM_FLOPS = 2 ** 19;

/** On adapters where it was measured to win: subgroups of 4 and 8 on a CPU. */
export function phasesApplies(form: TrilinearForm, device: DeviceTraits): boolean {
  const [down, across] = form.stride;
  return (
    device.software &&
    [4, 8].includes(device.subgroupSize) &&
    form.groups === 1 &&
    down * across > 1 &&
    down * across <= MAX_WORKGROUPS_PER_AXIS &&
    Math.ceil(form.channels / 4) <= MAX_WORKGROUPS_PER_AXIS &&
    form.batch * Math.ceil(form.x[0] / down) * Math.ceil(form.x[1] / across) <= MAX_WORKGROUPS_PER_AXIS
  );
}

/** The form must fit (`phasesApplies`). */
export function phasesVariant(form: TrilinearForm, epilogue: ConvEpilogue, { subgroupSize: lanes }: DeviceTraits): Variant {
  const { batch, kernel, stride, dilation, channels, outputs } = form;
  const [down, across] = [transposedWalk(form, 0), transposedWalk(form, 1)] as const;
  const x = paddedInput(0, batch, outputs, form.y, [down.before, across.before], [down.needed, across.needed]);
  const outVec4s = ceilTo(channels, 4) / 4;
  const pixels = batch * down.cells * across.cells;
  const cells = tileCells(pixels, lanes);
  // As few tiles of at most TILE_VEC4S vec4s as cover the output channels, each loaded in equal parts of at most a vec4 a lane.
  const tile = Math.ceil(outVec4s / Math.ceil(outVec4s / TILE_VEC4S));
  const halves = Math.ceil(tile / lanes);
  const vec4s = halves * Math.ceil(tile / halves);
  const main = dispatch("conv-transpose2d.subgroup", {
    params: {
      cells: [down.cells, across.cells],
      pixels,
      images: batch,
      tile_cells: cells,
      tile_vec4s: vec4s,
      out_channels: channels,
      out_vec4s: outVec4s,
      in_vec4s: x.pixel,
      last_weight: outputs * kernel[0] * kernel[1] * outVec4s - 1,
      out_size: form.x,
      x_cell: [x.row, x.pixel],
      x_image: x.image,
      x_tap: [down.tapStep * x.row, across.tapStep * x.pixel],
      before: [down.before, across.before],
      kernel,
      stride,
      out_step: stride,
      pad: form.pad,
      dilation,
      ...tapParams(form, true),
      ...epilogueParams(epilogue),
    },
    constants: { WG: lanes, CELLS: cells, VEC4S: vec4s, CELLS_BY_VEC4S: cells * vec4s, HALVES: halves, LOADED: vec4s / halves },
    buffers: { x: x.ref, weight: inputRef(1), ...epilogueBuffers(epilogue), y: "output" },
    workgroups: [Math.ceil(pixels / (cells * lanes)), down.phases * across.phases, Math.ceil(outVec4s / vec4s)],
  });
  return {
    name: "subgroup",
    fromFlops: FROM_FLOPS,
    scratchBytes: x.scratchBytes,
    copies: x.copies,
    dispatches: [...x.dispatches, main],
  };
}

/** Large tiles load less for each multiply-add, small ones leave fewer idle at the end of a phase. */
function tileCells(pixels: number, lanes: number): number {
  const cost = (cells: number): number => Math.ceil(pixels / (cells * lanes)) * (cells + LOAD_COST);
  return TILE_CELLS.reduce((best, cells) => (cost(cells) < cost(best) ? cells : best));
}
