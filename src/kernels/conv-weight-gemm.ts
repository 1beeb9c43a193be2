/**
 * Variant `gemm` of conv2dWeightGrad, for GPUs: a matrix product over pixels through workgroup memory, 8x8 sums an invocation (kernels.md B 3.5).
 * The product is small and its sum long: strips of pixels run in parallel and are added in a second pass, in fixed order (split-K).
 */
import { ceilTo, physicalSize } from "../tensor/layout.js";
import type { Shape } from "../tensor/shape.js";
import type { TrilinearForm } from "./conv-geometry.js";
import { ENOUGH_WORKGROUPS, GEMM_FROM_FLOPS } from "./conv-gemm.js";
import { biasLayers, biasParts, mostStrips, sumParts } from "./conv-strips.js";
import { dispatch, inputRef, MAX_WORKGROUPS_PER_AXIS, scratchRef, type DeviceTraits, type Variant } from "./op.js";

/** Pixels of a strip, but in the last. */
const LEAST_PIXELS = 64;
const MOST_STRIPS = 256;
/** With 128 by 128, and 256 invocations, an H100 ran at a third of the speed. */
const COLUMN_TILE = 64;

/** Null beyond the grid's limits. The form's groups must be aligned (`groupsAreAligned`). */
export function weightGradGemmVariant(
  form: TrilinearForm,
  weight: Shape,
  device: DeviceTraits,
  { bias } = { bias: false },
): Variant | null {
  const { batch, groups, kernel, stride, dilation, pad, y } = form;
  const depth = ceilTo(form.channels / groups, 4) / 4;
  const columns = kernel[0] * kernel[1] * depth;
  const dyVec4s = ceilTo(form.outputs, 4) / 4;
  const perGroup = Math.ceil(dyVec4s / groups);
  const rowTile = ceilTo(4 * perGroup, 64) % 128 === 0 ? 128 : 64;
  const rowTiles = Math.ceil((4 * perGroup) / rowTile);
  const columnTiles = Math.ceil((4 * columns) / COLUMN_TILE);
  const pixels = batch * y[0] * y[1];
  const weightVec4s = physicalSize(weight) / 4;
  const wanted = Math.ceil(ENOUGH_WORKGROUPS / (rowTiles * columnTiles * groups));
  const fitting = mostStrips(16 * weightVec4s, device);
  const most = Math.max(1, Math.min(wanted, fitting, Math.ceil(pixels / LEAST_PIXELS), MOST_STRIPS));
  const perStrip = ceilTo(Math.ceil(pixels / most), 8);
  const strips = Math.ceil(pixels / perStrip);
  const invocations = (rowTile / 8) * (COLUMN_TILE / 8);
  const parts = biasParts(form, strips, weightVec4s, bias && strips > 1);
  const tiles = [columnTiles, rowTiles * groups] as const;
  const workgroups = [...tiles, strips + biasLayers(parts, tiles, invocations)] as const;
  if (workgroups.some((n) => n > MAX_WORKGROUPS_PER_AXIS)) return null;
  const main = dispatch("conv2d-weight-grad.gemm", {
    params: {
      in_size: form.x,
      dy_size: y,
      pixels,
      pixels_per_strip: perStrip,
      ...parts.params,
      dy_vec4s_per_group: perGroup,
      row_tiles: rowTiles,
      in_vec4s: ceilTo(form.channels, 4) / 4,
      depth,
      columns,
      kernel_w: kernel[1],
      stride,
      pad,
      dilation,
      weight_count: weightVec4s,
      dy_channels: form.outputs / groups,
    },
    constants: {
      WG: invocations,
      ROWS: rowTile,
      COLUMNS: COLUMN_TILE,
      DY_LOADS: (2 * rowTile) / invocations,
      X_LOADS: (2 * COLUMN_TILE) / invocations,
    },
    buffers: { x: inputRef(0), dy: inputRef(1), parts: strips === 1 ? "output" : scratchRef(0) },
    workgroups,
  });
  if (strips === 1) return { name: "gemm", fromFlops: GEMM_FROM_FLOPS, dispatches: [main] };
  return {
    name: "gemm",
    fromFlops: GEMM_FROM_FLOPS,
    scratchBytes: [parts.bytes],
    dispatches: [main, sumParts(weight, parts, 0)],
  };
}
