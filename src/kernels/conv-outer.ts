/**
 * Variant `outer` of conv2d and convTranspose2d at any stride and dilation: up to 8 pixels by 8 channels per invocation, sums in registers.
 * Pixels are counted through the batch, so small maps (a classifier's layers) fill their tiles. A transposed convolution of stride s is cut
 * into s x s phases: in one phase all output pixels have the same taps, so its cost per pixel does not grow with the stride.
 */
import { ceilTo } from "../tensor/layout.js";
import type { ConvEpilogue, Pair2, TrilinearForm } from "./conv-geometry.js";
import { epilogueBuffers, epilogueParams } from "./conv-epilogue.js";
import { paddedInput, type PaddedInput } from "./conv-padded.js";
import { directionOf, TILED_FROM_FLOPS } from "./conv-tiled.js";
import { tapParams, validTaps } from "./conv-taps.js";
import { dispatch, grid, inputRef, type DeviceTraits, type Variant } from "./op.js";

/** How a direction walks over x on one axis. */
export interface Walk {
  /** Phases, which is also the step from a phase's output pixel to the next. */
  readonly phases: number;
  /** Output pixels of a phase. */
  readonly cells: number;
  /** Rows of x from a cell to the next, and from a tap to the next one used. */
  readonly cellStep: number;
  readonly tapStep: number;
  /** Rows of padding before x, and rows in all, that the loads touch. */
  readonly before: number;
  readonly needed: number;
}

/** What the kernels that walk over all pixels of a phase share. */
export interface OuterGeometry {
  readonly x: PaddedInput;
  readonly phases: number;
  /** Of a phase, through the batch. */
  readonly pixels: number;
  readonly outVec4s: number;
  readonly params: {
    readonly cells: Pair2;
    readonly images: number;
    readonly pixels: number;
    readonly out_size: Pair2;
    readonly out_step: Pair2;
    readonly out_channels: number;
    readonly out_vec4s: number;
    readonly out_vec4s_per_group: number;
    readonly in_vec4s_per_group: number;
    readonly x_cell: Pair2;
    readonly x_image: number;
    readonly x_tap: Pair2;
    readonly before: Pair2;
    readonly kernel: Pair2;
    readonly stride: Pair2;
    readonly pad: Pair2;
    readonly dilation: Pair2;
    readonly tap_step: Pair2;
    readonly tap_divisor: Pair2;
    readonly tap_inverse: Pair2;
    readonly weight_rows: number;
    readonly weight_vec4s: number;
    readonly has_bias: number;
    readonly relu: number;
    readonly extra: number;
  };
}

/** Down and across. */
export function walksOf(form: TrilinearForm, transposed: boolean): readonly [Walk, Walk] {
  const walk = (axis: 0 | 1): Walk => (transposed ? transposedWalk(form, axis) : forwardWalk(form, axis));
  return [walk(0), walk(1)];
}

export function outerGeometry(form: TrilinearForm, transposed: boolean, epilogue: ConvEpilogue): OuterGeometry {
  const { inChannels, outChannels, inSize, outSize } = directionOf(form, transposed);
  const { groups, batch, kernel, stride, dilation } = form;
  const [down, across] = walksOf(form, transposed);
  const x: PaddedInput = paddedInput(0, batch, inChannels, inSize, [down.before, across.before], [down.needed, across.needed]);
  const outVec4s = ceilTo(outChannels, 4) / 4;
  const pixels = batch * down.cells * across.cells;
  return {
    x,
    phases: down.phases * across.phases,
    pixels,
    outVec4s,
    params: {
      cells: [down.cells, across.cells],
      images: batch,
      pixels,
      out_size: outSize,
      out_step: [down.phases, across.phases],
      out_channels: outChannels,
      out_vec4s: outVec4s,
      out_vec4s_per_group: Math.ceil(outVec4s / groups),
      in_vec4s_per_group: Math.ceil(x.pixel / groups),
      x_cell: [down.cellStep * x.row, across.cellStep * x.pixel],
      x_image: x.image,
      x_tap: [down.tapStep * x.row, across.tapStep * x.pixel],
      before: [down.before, across.before],
      kernel,
      stride,
      pad: form.pad,
      ...epilogueParams(epilogue),
      dilation,
      ...tapParams(form, transposed),
      weight_rows: form.outputs,
      weight_vec4s: ceilTo(form.channels / groups, 4) / 4,
    },
  };
}

export function outerVariant(form: TrilinearForm, transposed: boolean, epilogue: ConvEpilogue, device: DeviceTraits): Variant {
  const { x, phases, pixels, outVec4s, params } = outerGeometry(form, transposed, epilogue);
  const tile = tileFor(phases, pixels, outVec4s, outVec4s / form.groups, device);
  const pixelTiles = Math.ceil(pixels / tile.pixels);
  const count = phases * pixelTiles * Math.ceil(outVec4s / tile.vec4s);
  const main = dispatch("conv2d.outer", {
    params: { ...params, count, pixel_tiles: pixelTiles },
    constants: { TRANSPOSED: transposed, PIXELS: tile.pixels, VEC4S: tile.vec4s },
    buffers: { x: x.ref, weight: inputRef(1), ...epilogueBuffers(epilogue), y: "output" },
    workgroups: grid(count),
  });
  return {
    name: "outer",
    fromFlops: TILED_FROM_FLOPS,
    scratchBytes: x.scratchBytes,
    copies: x.copies,
    dispatches: [...x.dispatches, main],
  };
}

function forwardWalk({ y, kernel, stride, dilation, pad }: TrilinearForm, axis: 0 | 1): Walk {
  return {
    phases: 1,
    cells: y[axis],
    cellStep: stride[axis],
    tapStep: dilation[axis],
    before: pad[axis],
    needed: (y[axis] - 1) * stride[axis] + (kernel[axis] - 1) * dilation[axis] + 1,
  };
}

export function transposedWalk(form: TrilinearForm, axis: 0 | 1): Walk {
  const [size, kernel, s, d, pad] = [form.x[axis], form.kernel[axis], form.stride[axis], form.dilation[axis], form.pad[axis]];
  const { step, divisor, inverse } = validTaps(s, d);
  const cells = Math.ceil(size / s);
  // Rows of the input that any phase touches, the first and the last.
  let [first, last] = [0, 0];
  for (let phase = 0; phase < s; phase++) {
    const a = phase + pad;
    const tap = (((a % s) / divisor) * inverse) % step;
    if (a % divisor !== 0 || tap >= kernel) continue;
    const start = (a - tap * d) / s;
    first = Math.min(first, start - (Math.ceil((kernel - tap) / step) - 1) * (d / divisor));
    last = Math.max(last, start + cells - 1);
  }
  return { phases: s, cells, cellStep: 1, tapStep: -d / divisor, before: -first, needed: last - first + 1 };
}

/** As large as the pixels and the device's parallelism allow; a tile lies within one group. */
function tileFor(
  phases: number,
  pixels: number,
  vec4s: number,
  vec4sPerGroup: number,
  device: DeviceTraits,
): { pixels: number; vec4s: number } {
  const enough = device.software ? 64 : 16384;
  const invocations = (p: number, v: number): number => phases * Math.ceil(pixels / p) * Math.ceil(vec4s / v);
  let tile = { pixels: 8, vec4s: vec4sPerGroup % 2 === 0 || vec4sPerGroup === vec4s ? Math.min(2, vec4s) : 1 };
  while (tile.pixels > 1 && tile.pixels / 2 >= pixels) tile = { ...tile, pixels: tile.pixels / 2 };
  if (tile.vec4s === 2 && invocations(tile.pixels, 2) < enough) tile = { ...tile, vec4s: 1 };
  if (tile.pixels === 8 && invocations(8, tile.vec4s) < enough) tile = { ...tile, pixels: 4 };
  return tile;
}
