/** Which fast kernels serve a convolution or a transposed one, the best last. Groups whose channels are no whole vec4s have only `direct`, or `depthwise`. */
import { columnsApplies, columnsIsBetter, columnsVariant } from "./conv-columns.js";
import { depthwiseApplies, depthwiseVariant, type DiagonalWeight } from "./conv-depthwise.js";
import type { ConvEpilogue, TrilinearForm } from "./conv-geometry.js";
import { gemmVariant } from "./conv-gemm.js";
import { outerVariant } from "./conv-outer.js";
import { phasesApplies, phasesVariant } from "./conv-phases.js";
import { directionOf, groupsAreAligned, tiledApplies, tiledVariant } from "./conv-tiled.js";
import { spreadVariant } from "./conv-spread.js";
import { winogradApplies, winogradIsBetter, winogradVariants } from "./conv-winograd.js";
import type { DeviceTraits, Variant } from "./op.js";

export function convVariants(
  form: TrilinearForm,
  transposed: boolean,
  attrs: ConvEpilogue & DiagonalWeight,
  device: DeviceTraits,
): readonly Variant[] {
  const dense = groupsAreAligned(form) ? denseVariants(form, transposed, attrs, device) : [];
  return depthwiseApplies(form, attrs) ? [...dense, depthwiseVariant(form, transposed, attrs, device)] : dense;
}

function denseVariants(
  form: TrilinearForm,
  transposed: boolean,
  epilogue: ConvEpilogue,
  device: DeviceTraits,
): readonly Variant[] {
  const flat = flattened(form, transposed, epilogue);
  const outer = outerVariant(flat, transposed, epilogue, device);
  const gemm = optional(gemmVariant(flat, transposed, epilogue));
  // Workgroup memory is dear on software adapters (kernels.md C), and what they are best at never pays on a GPU.
  const ordered = (others: readonly Variant[]): readonly Variant[] =>
    device.software ? [...gemm, ...others] : [...others, ...gemm];
  if (transposed && phasesApplies(flat, device)) return ordered([outer, phasesVariant(flat, epilogue, device)]);
  const sampled = [outer, ...optional(spreadVariant(flat, transposed, epilogue, device))];
  const tiled = tiledApplies(flat) ? [tiledVariant(flat, transposed, epilogue, device)] : [];
  const columns = transposed && columnsApplies(flat) ? [columnsVariant(flat, epilogue, device, pointwiseVariant)] : [];
  const winograd = winogradApplies(flat) ? winogradVariants(flat, transposed, epilogue, device, pointwiseVariant) : [];
  const direct = ordered(tiledIsBetter(flat, transposed, device) ? [...sampled, ...tiled] : [...tiled, ...sampled]);
  const others = columnsIsBetter(flat, device) ? [...direct, ...columns] : [...columns, ...direct];
  return winogradIsBetter(flat) ? [...others, ...winograd] : [...winograd, ...others];
}

function optional(variant: Variant | null): readonly Variant[] {
  return variant ? [variant] : [];
}

/** For the products of Winograd's variants and of columns. */
function pointwiseVariant(form: TrilinearForm, transposed: boolean, epilogue: ConvEpilogue, device: DeviceTraits): Variant {
  const fast = device.software
    ? spreadVariant(form, transposed, epilogue, device)
    : gemmVariant(form, transposed, epilogue, { strips: false });
  return fast ?? outerVariant(form, transposed, epilogue, device);
}

/**
 * Tiles of 4x4 pixels load each pixel once for a row of taps, but pay for maps that do not fill them. From 16 channels on `spread` on subgroups of 4
 * makes more of a load.
 */
function tiledIsBetter(form: TrilinearForm, transposed: boolean, device: DeviceTraits): boolean {
  if (device.subgroupSize === 8) return false;
  const { inChannels, outChannels, outSize } = directionOf(form, transposed);
  if (device.subgroupSize === 4 && Math.min(inChannels, outChannels) >= 16) return false;
  const filled = outSize.reduce((part, n) => (part * n) / (4 * Math.ceil(n / 4)), 1);
  return form.kernel[0] * form.kernel[1] > 1 && filled > 0.5;
}

/**
 * A kernel that covers its whole input, with one output pixel, as a 1x1 kernel over one pixel with all its numbers as channels: in memory
 * [H, W, C] of x and [Kh, Kw, C] of the weight are the same vector. Without it most taps of the transpose would fall on padding. (The bias
 * of the transpose is by the real channels, so there it stays as it is.)
 */
function flattened(form: TrilinearForm, transposed: boolean, epilogue: ConvEpilogue): TrilinearForm {
  const whole = ([0, 1] as const).every(
    (a) => form.y[a] === 1 && form.pad[a] === 0 && form.kernel[a] === form.x[a] && form.dilation[a] === 1,
  );
  if (!whole || form.groups > 1 || (transposed && epilogue.bias)) return form;
  const channels = form.x[0] * form.x[1] * Math.ceil(form.channels / 4) * 4;
  return { ...form, channels, x: [1, 1], kernel: [1, 1], stride: [1, 1] };
}
