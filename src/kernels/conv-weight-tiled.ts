/**
 * Variant `tiled` of conv2dWeightGrad: 8 output channels by a row of taps (or, for kernels one wide, by 16 channels) per invocation, over
 * four pixels at a time; strips of pixels run in parallel and are added in a second pass (split-K). Any stride, padding and dilation.
 */
import { ceilTo, physicalSize } from "../tensor/layout.js";
import type { Shape } from "../tensor/shape.js";
import type { TrilinearForm } from "./conv-geometry.js";
import { biasParts, mostStrips, sumParts } from "./conv-strips.js";
import { TILED_FROM_FLOPS } from "./conv-tiled.js";
import { paddedInput } from "./conv-padded.js";
import { dispatch, grid, inputRef, scratchRef, type DeviceTraits, type Variant } from "./op.js";

const BLOCK = 4; // pixels
/** Columns of the outer product: whole kernel rows up to this, else pieces of four. */
const MOST_COLUMNS = 5;

/** The form's groups must be aligned (`groupsAreAligned`). */
export function weightGradTiledVariant(
  form: TrilinearForm,
  weight: Shape,
  device: DeviceTraits,
  { bias } = { bias: false },
): Variant {
  const { batch, groups, kernel, stride, dilation, pad, y } = form;
  const depthVec4s = ceilTo(form.channels / groups, 4) / 4;
  const outVec4s = ceilTo(form.outputs, 4) / 4;
  const rowVec4s = groups > 1 && (form.outputs / groups) % 8 !== 0 ? 1 : Math.min(2, outVec4s);
  const overChannels = kernel[1] === 1;
  const columnCount = overChannels ? depthVec4s : kernel[1];
  const columns = columnCount <= MOST_COLUMNS ? columnCount : 4;
  const columnTiles = Math.ceil(columnCount / columns);
  const unit = [...stride, ...dilation].every((v) => v === 1);
  const rowBlocks = Math.ceil(y[1] / BLOCK);
  // Blocks that end at the row's end pay for narrow maps: there, any four pixels make a block.
  const window = unit && !overChannels && rowBlocks * BLOCK <= 1.5 * y[1];
  const pixels = batch * y[0] * y[1];
  const blocks = window ? batch * y[0] * rowBlocks : Math.ceil(pixels / BLOCK);

  const lastColumn = overChannels ? 0 : columnTiles * columns - 1;
  const needed = [
    (y[0] - 1) * stride[0] + (kernel[0] - 1) * dilation[0] + 1,
    ((window ? rowBlocks * BLOCK : y[1]) - 1) * stride[1] + lastColumn * dilation[1] + 1,
  ] as const;
  const x = paddedInput(0, batch, form.channels, form.x, pad, needed);

  const rowTiles = Math.ceil(outVec4s / rowVec4s);
  const tiles = rowTiles * kernel[0] * columnTiles * (overChannels ? 1 : depthVec4s);
  const weightVec4s = physicalSize(weight) / 4;
  const strips = stripsFor(tiles, blocks, weightVec4s, device);
  const scratch = x.scratchBytes.length;
  const parts = biasParts(form, strips, weightVec4s, bias && strips > 1);
  const main = dispatch("conv2d-weight-grad.tiled", {
    params: {
      count: tiles * strips,
      blocks,
      blocks_per_strip: Math.ceil(blocks / strips),
      row_blocks: rowBlocks,
      pixels,
      dy_size: y,
      dy_channels: form.outputs,
      ...parts.params,
      row_tiles: rowTiles,
      row_tiles_per_group: Math.ceil(rowTiles / groups),
      kernel_h: kernel[0],
      column_tiles: columnTiles,
      columns: columnCount,
      depth: overChannels ? 1 : depthVec4s,
      x_group: depthVec4s,
      x_pixel_step: stride[1] * x.pixel,
      x_row_step: stride[0] * x.row,
      x_image: x.image,
      x_column_step: overChannels ? 1 : dilation[1] * x.pixel,
      x_tap_row: dilation[0] * x.row,
      weight_row: kernel[0] * kernel[1] * depthVec4s,
      weight_tap_row: kernel[1] * depthVec4s,
      weight_column: overChannels ? 1 : depthVec4s,
      weight_count: weightVec4s,
    },
    constants: {
      ROW_VEC4S: rowVec4s,
      ROWS: 4 * rowVec4s,
      COLUMNS: columns,
      LOADS: columns + BLOCK - 1,
      WINDOW: window,
      LANES: form.channels === 1 ? 1 : 4,
    },
    buffers: { x: x.ref, dy: inputRef(1), parts: strips === 1 ? "output" : scratchRef(scratch) },
    workgroups: grid(tiles * strips + parts.params.bias_count),
  });
  if (strips === 1)
    return {
      name: "tiled",
      fromFlops: TILED_FROM_FLOPS,
      scratchBytes: x.scratchBytes,
      copies: x.copies,
      dispatches: [...x.dispatches, main],
    };
  return {
    name: "tiled",
    fromFlops: TILED_FROM_FLOPS,
    scratchBytes: [...x.scratchBytes, parts.bytes],
    copies: x.copies,
    dispatches: [...x.dispatches, main, sumParts(weight, parts, scratch)],
  };
}

/** Enough strips to fill the device, of at least 16 blocks each where there are that many. */
function stripsFor(tiles: number, blocks: number, weightVec4s: number, device: DeviceTraits): number {
  const wanted = Math.ceil((device.software ? 256 : 32768) / tiles);
  const fitting = mostStrips(16 * weightVec4s, device);
  const strips = Math.max(1, Math.min(wanted, fitting, Math.ceil(blocks / 16), 256));
  // As many as are not empty when all have the same length.
  return Math.ceil(blocks / Math.ceil(blocks / strips));
}
