/**
 * Variant `spread` of conv2dWeightGrad: one vec4 of the weight's columns by up to 32 output channels per invocation; dy is loaded once per
 * subgroup and spread to its lanes (see conv-spread.ts). Strips of rows run in parallel and are added in a second pass (split-K).
 */
import { ceilTo, physicalSize } from "../tensor/layout.js";
import type { Shape } from "../tensor/shape.js";
import type { TrilinearForm } from "./conv-geometry.js";
import { paddedInput } from "./conv-padded.js";
import { channelTile, MOST_SUBGROUPS, spreadFromFlops } from "./conv-spread.js";
import { biasLayers, biasParts, mostStrips, sumParts } from "./conv-strips.js";
import { dispatch, inputRef, scratchRef, type DeviceTraits, type Variant } from "./op.js";

/** Workgroups that keep a software adapter's cores busy to the end. */
const ENOUGH_WORKGROUPS = 32;

/** Null but for subgroups of 8 lanes: with fewer it loads as often as `tiled`. The form's groups must be aligned (`groupsAreAligned`). */
export function weightGradSpreadVariant(
  form: TrilinearForm,
  weight: Shape,
  device: DeviceTraits,
  { bias } = { bias: false },
): Variant | null {
  const lanes = device.subgroupSize;
  if (lanes !== 8) return null;
  const { batch, groups, kernel, stride, dilation, pad, y } = form;
  const depth = ceilTo(form.channels / groups, 4) / 4;
  const dyVec4s = ceilTo(form.outputs, 4) / 4;
  const perGroup = Math.ceil(dyVec4s / groups);
  const vec4s = channelTile(perGroup, 1);
  const tilesPerGroup = Math.ceil(perGroup / vec4s);
  const columns = kernel[0] * kernel[1] * depth;
  const workgroup = lanes * Math.min(MOST_SUBGROUPS, Math.ceil(columns / lanes));
  const tiles = Math.ceil(columns / workgroup) * tilesPerGroup * groups;

  const rows = batch * y[0];
  const weightVec4s = physicalSize(weight) / 4;
  const wanted = Math.ceil(ENOUGH_WORKGROUPS / tiles);
  const fitting = mostStrips(16 * weightVec4s, device);
  const rowsPerStrip = Math.ceil(rows / Math.max(1, Math.min(wanted, fitting, rows, 256)));
  const strips = Math.ceil(rows / rowsPerStrip);

  const needed = [
    (y[0] - 1) * stride[0] + (kernel[0] - 1) * dilation[0] + 1,
    (y[1] - 1) * stride[1] + (kernel[1] - 1) * dilation[1] + 1,
  ] as const;
  const x = paddedInput(0, batch, form.channels, form.x, pad, needed);
  const scratch = x.scratchBytes.length;
  const parts = biasParts(form, strips, weightVec4s, bias && strips > 1);
  const grid = [Math.ceil(columns / workgroup), tilesPerGroup * groups] as const;
  const main = dispatch("conv2d-weight-grad.spread", {
    params: {
      rows,
      rows_per_strip: rowsPerStrip,
      dy_size: y,
      ...parts.params,
      dy_vec4s_per_group: perGroup,
      tiles_per_group: tilesPerGroup,
      dy_per_group: form.outputs / groups,
      kernel_w: kernel[1],
      columns,
      depth,
      x_pixel_step: stride[1] * x.pixel,
      x_row_step: stride[0] * x.row,
      x_image: x.image,
      x_tap: [dilation[0] * x.row, dilation[1] * x.pixel],
      weight_count: weightVec4s,
      results: 4 * vec4s,
    },
    constants: { WG: workgroup, VEC4S: vec4s, RESULTS: 4 * vec4s, SUBGROUP: lanes, LOADS: Math.ceil(vec4s / lanes) },
    buffers: { x: x.ref, dy: inputRef(1), parts: strips === 1 ? "output" : scratchRef(scratch) },
    workgroups: [...grid, strips + biasLayers(parts, grid, workgroup)],
  });
  const single = strips === 1;
  return {
    name: "spread",
    fromFlops: spreadFromFlops(lanes),
    scratchBytes: single ? x.scratchBytes : [...x.scratchBytes, parts.bytes],
    copies: x.copies,
    dispatches: [...x.dispatches, main, ...(single ? [] : [sumParts(weight, parts, scratch)])],
  };
}
