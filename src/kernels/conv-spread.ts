/**
 * Variant `spread` of conv2d and convTranspose2d: as `outer`, with larger tiles whose weights are loaded once per subgroup, each lane a part, and
 * spread by subgroupBroadcast. On software adapters a load from a buffer costs 10 to 30 multiply-adds and a broadcast next to nothing
 * (kernels.md C 1), so what counts is multiply-adds a load: up to 21 here, against 4.
 */
import { formFlops, type ConvEpilogue, type TrilinearForm } from "./conv-geometry.js";
import { epilogueBuffers } from "./conv-epilogue.js";
import { outerGeometry } from "./conv-outer.js";
import { dispatch, inputRef, MAX_WORKGROUPS_PER_AXIS, type DeviceTraits, type Variant } from "./op.js";

/**
 * Below, a kernel of its own is not worth its compilation: on SwiftShader, subgroups of 4, that takes a second and a half. On lavapipe `direct` takes 4 to 20 times as
 * long as `spread` on 1x1 layers of 1 to 2 million flops.
 */
export const spreadFromFlops = (lanes: 4 | 8): number => (lanes === 4 ? 2 ** 21 : 2 ** 20);
/** In a workgroup. */
export const MOST_SUBGROUPS = 8;

/** Null where subgroups are of no one size, or too large for the tiles. */
export function spreadVariant(
  form: TrilinearForm,
  transposed: boolean,
  epilogue: ConvEpilogue,
  device: DeviceTraits,
): Variant | null {
  const lanes = device.subgroupSize;
  if (lanes !== 4 && lanes !== 8) return null;
  const { x, phases, pixels, outVec4s, params } = outerGeometry(form, transposed, epilogue);
  const perGroup = outVec4s / form.groups;
  const vec4s = tileVec4s(perGroup, lanes);
  const tilesPerGroup = Math.ceil(perGroup / vec4s);
  const channelTiles = tilesPerGroup * form.groups;
  const tile = pixelTile(pixels, lanes, vec4s, formFlops(form));
  // Small workgroups, which cost a microsecond each, rather than one more kernel to compile; large ones where the grid would be too long.
  const workgroup = lanes * (Math.ceil(pixels / (lanes * tile)) <= MAX_WORKGROUPS_PER_AXIS ? 1 : MOST_SUBGROUPS);
  const workgroups = [Math.ceil(pixels / (workgroup * tile)), channelTiles, phases] as const;
  if (workgroups.some((n) => n > MAX_WORKGROUPS_PER_AXIS)) return null;
  const main = dispatch("conv2d.spread", {
    params: { ...params, tiles_per_group: tilesPerGroup, tile: [tile, vec4s] },
    constants: {
      WG: workgroup,
      TRANSPOSED: transposed,
      PIXELS: tile,
      VEC4S: vec4s,
      RESULTS: tile * vec4s,
      SUBGROUP: lanes,
      LOADS: Math.ceil((4 * vec4s) / lanes),
      ROW_LOADS: Math.ceil(vec4s / lanes),
    },
    buffers: { x: x.ref, weight: inputRef(1), ...epilogueBuffers(epilogue), y: "output" },
    workgroups,
  });
  return {
    name: "spread",
    fromFlops: spreadFromFlops(lanes),
    scratchBytes: x.scratchBytes,
    copies: x.copies,
    dispatches: [...x.dispatches, main],
  };
}

/** On subgroups of 4, layers of 16 channels take the kernel of those of 8: one fewer to compile, for 10 loads in place of 8 for 64 multiply-adds. */
function tileVec4s(perGroup: number, lanes: number): number {
  return lanes === 4 && perGroup === 4 ? NARROW : channelTile(perGroup, lanes / 4);
}

/** vec4s of channels, up to 8: as many as leave the fewest idle, in multiples of `step`. */
export function channelTile(perGroup: number, step: number): number {
  const tiles = Math.ceil(perGroup / 8);
  return Math.ceil(perGroup / tiles / step) * step;
}

/** vec4s of channels that leave room for 8 pixels. */
const NARROW = 2;
/** Where the fastest tile is worth its compilation, a second and a half on SwiftShader. */
const LARGE_FLOPS = 2 ** 26;

/**
 * Pixels of an invocation: 4, fewer where a subgroup would not be filled. Much work is done by 8 on subgroups of 4; on those of 8 (lavapipe) 4 are as
 * fast.
 */
function pixelTile(pixels: number, lanes: number, vec4s: number, flops: number): number {
  let tile = lanes === 4 && (vec4s <= NARROW || flops >= LARGE_FLOPS) ? 8 : 4;
  while (tile > 1 && (tile / 2) * lanes >= pixels) tile /= 2;
  return tile;
}
