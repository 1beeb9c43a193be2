/**
 * Variant `gemm` of conv2dWeightGrad, for GPUs: a matrix product over pixels through workgroup memory, 8x8 sums an invocation (kernels.md B 3.5).
 * The product is small and its sum long: strips of pixels run in parallel and are added in a second pass, in fixed order (split-K).
 */
import { ceilTo, physicalSize } from "../tensor/layout.js";
import type { Shape } from "../tensor/shape.js";
import type { TrilinearForm } from "./conv-geometry.js";
import { ENOUGH_WORKGROUPS, GEMM_FROM_FLOPS } from "./conv-gemm.js";
import { STRIPS_BYTES, sumStrips } from "./conv-strips.js";
import { dispatch, inputRef, MAX_WORKGROUPS_PER_AXIS, scratchRef, type Variant } from "./op.js";

/** Pixels of a strip, but in the last. */
const LEAST_PIXELS = 64;
const MOST_STRIPS = 256;

/** Null beyond the grid's limits. The form's groups must be aligned (`groupsAreAligned`). */
export function weightGradGemmVariant(form: TrilinearForm, weight: Shape): Variant | null {
  const { batch, groups, kernel, stride, dilation, pad, y } = form;
  const depth = ceilTo(form.channels / groups, 4) / 4;
  const columns = kernel[0] * kernel[1] * depth;
  const dyVec4s = ceilTo(form.outputs, 4) / 4;
  const perGroup = Math.ceil(dyVec4s / groups);
  const [rowTile, columnTile] = [tileOf(4 * perGroup), tileOf(4 * columns)];
  const rowTiles = Math.ceil((4 * perGroup) / rowTile);
  const columnTiles = Math.ceil((4 * columns) / columnTile);
  const pixels = batch * y[0] * y[1];
  const weightVec4s = physicalSize(weight) / 4;
  const wanted = Math.ceil((2 * ENOUGH_WORKGROUPS) / (rowTiles * columnTiles * groups));
  const fitting = Math.floor(STRIPS_BYTES / (16 * weightVec4s));
  const most = Math.max(1, Math.min(wanted, fitting, Math.ceil(pixels / LEAST_PIXELS), MOST_STRIPS));
  const perStrip = ceilTo(Math.ceil(pixels / most), 8);
  const strips = Math.ceil(pixels / perStrip);
  const workgroups = [columnTiles, rowTiles * groups, strips] as const;
  if (workgroups.some((n) => n > MAX_WORKGROUPS_PER_AXIS)) return null;
  const invocations = (rowTile / 8) * (columnTile / 8);
  const main = dispatch("conv2d-weight-grad.gemm", {
    params: {
      in_size: form.x,
      dy_size: y,
      pixels,
      pixels_per_strip: perStrip,
      dy_vec4s: dyVec4s,
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
      COLUMNS: columnTile,
      DY_LOADS: (2 * rowTile) / invocations,
      X_LOADS: (2 * columnTile) / invocations,
      DY_SIZE: 2 * rowTile,
      X_SIZE: 2 * columnTile,
    },
    buffers: { x: inputRef(0), dy: inputRef(1), parts: strips === 1 ? "output" : scratchRef(0) },
    workgroups,
  });
  if (strips === 1) return { name: "gemm", fromFlops: GEMM_FROM_FLOPS, dispatches: [main] };
  return {
    name: "gemm",
    fromFlops: GEMM_FROM_FLOPS,
    scratchBytes: [16 * weightVec4s * strips],
    dispatches: [main, sumStrips(weight, strips, 0)],
  };
}

/** 128, or 64 where that covers as much. */
function tileOf(extent: number): number {
  return ceilTo(extent, 64) % 128 === 0 ? 128 : 64;
}
