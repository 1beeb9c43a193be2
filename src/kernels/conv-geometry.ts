/**
 * What conv2d, convTranspose2d and conv2dWeightGrad share. They are the three adjoints of one trilinear form
 *
 *   T(x, weight, y) = sum over n, o, i, j, c, u, v of y[n, o, i, j] weight[o, c, u, v] x[n, g C/groups + c, i s - p + u d, j s - p + v d]
 *
 * (o in group g): conv2d is dT/dy, convTranspose2d is dT/dx, conv2dWeightGrad is dT/dweight. Only the padding at the top and left enters
 * the form; what pads at the bottom and right do is to set sizes.
 */
import { ShapeError } from "../tensor/errors.js";
import { formatShape, type Shape, type TensorSpec } from "../tensor/shape.js";

/** `[h, w]`; one number for both. */
export type Pair = number | readonly [h: number, w: number];
/** All sides, `[h, w]`, or `[top, left, bottom, right]`. */
export type Padding = Pair | readonly [top: number, left: number, bottom: number, right: number];
export type Pair2 = readonly [h: number, w: number];
export type Padding4 = readonly [top: number, left: number, bottom: number, right: number];

/** Attributes as the caller gives them. Defaults: stride 1, padding 0, dilation 1, groups 1. */
export interface ConvOptions {
  readonly stride?: Pair;
  readonly padding?: Padding;
  readonly dilation?: Pair;
  readonly groups?: number;
}

/** The same on a node, normalised. In gradients, and where a crop has been fused, padding may be negative: those rows are not visited. */
export interface ConvGeometry {
  readonly stride: Pair2;
  readonly padding: Padding4;
  readonly dilation: Pair2;
  readonly groups: number;
}

/** What a fused conv does before it writes: bias, then `add`, then ReLU, then `mask` (y where extra > 0, else 0). */
export interface ConvEpilogue {
  readonly bias: boolean;
  readonly relu: boolean;
  /** An input of the output's shape behind the bias. */
  readonly extra: "none" | "add" | "mask";
}

export const PLAIN_EPILOGUE: ConvEpilogue = { bias: false, relu: false, extra: "none" };

/** `[h, w]` of integers that are at least `minimum`. Throws ShapeError naming `op` and `name`. */
export function pairOf(op: string, name: string, value: Pair, minimum: number): Pair2 {
  const pair: readonly number[] = typeof value === "number" ? [value, value] : value;
  if (pair.length !== 2 || pair.some((v) => !Number.isInteger(v) || v < minimum)) {
    throw new ShapeError(`${op}: ${name} is ${formatValue(value)}: use an integer of at least ${minimum}, or [h, w] of such`);
  }
  return [pair[0]!, pair[1]!];
}

/** `[top, left, bottom, right]` of integers that are at least 0. Throws ShapeError naming `op`. */
export function paddingOf(op: string, value: Padding): Padding4 {
  const all: readonly number[] =
    typeof value === "number" ? [value, value, value, value] : value.length === 2 ? [...value, ...value] : value;
  if (all.length !== 4 || all.some((v) => !Number.isInteger(v) || v < 0)) {
    throw new ShapeError(
      `${op}: padding is ${formatValue(value)}: use an integer of at least 0, [h, w] or [top, left, bottom, right]`,
    );
  }
  return [all[0]!, all[1]!, all[2]!, all[3]!];
}

export function geometryOf(op: string, options: ConvOptions): ConvGeometry {
  const { stride = 1, padding = 0, dilation = 1, groups = 1 } = options;
  if (!Number.isInteger(groups) || groups < 1) throw new ShapeError(`${op}: groups is ${groups}: use an integer of at least 1`);
  return {
    stride: pairOf(op, "stride", stride, 1),
    padding: paddingOf(op, padding),
    dilation: pairOf(op, "dilation", dilation, 1),
    groups,
  };
}

function formatValue(value: number | readonly number[]): string {
  return typeof value === "number" ? String(value) : `[${value.join(", ")}]`;
}

/** Extent of a dilated kernel: (K - 1) d + 1. */
export function effectiveKernel(kernel: number, dilation: number): number {
  return (kernel - 1) * dilation + 1;
}

/** floor((size + pads - (K - 1) d - 1) / s) + 1 */
export function convSize(size: number, kernel: number, stride: number, pads: number, dilation: number): number {
  return Math.floor((size + pads - effectiveKernel(kernel, dilation)) / stride) + 1;
}

/** (size - 1) s + (K - 1) d + 1 - pads + outputPadding */
export function convTransposeSize(
  size: number,
  kernel: number,
  stride: number,
  pads: number,
  dilation: number,
  outputPadding: number,
): number {
  return (size - 1) * stride + effectiveKernel(kernel, dilation) - pads + outputPadding;
}

/** Rank 4 and f32, or ShapeError. `what` names the operand and its axes: "x is [N, C, H, W]". */
export function checkImage(op: string, name: string, axes: string, spec: TensorSpec): void {
  if (spec.shape.length !== 4) throw new ShapeError(`${op}: ${name} is ${formatShape(spec.shape)} but must have rank 4, ${axes}`);
  if (spec.dtype !== "f32")
    throw new ShapeError(`${op}: ${name} is ${spec.dtype} ${formatShape(spec.shape)}: only f32 can be convolved`);
}

/** Bias of shape [channels] and extra of the output's shape, where the epilogue has them. */
export function checkEpilogue(op: string, inputs: readonly TensorSpec[], epilogue: ConvEpilogue, output: Shape): void {
  const { bias, extra } = epilogueInputs(epilogue);
  if (bias !== null) {
    const spec = inputs[bias]!;
    if (spec.shape.length !== 1 || spec.shape[0] !== output[1] || spec.dtype !== "f32") {
      throw new ShapeError(
        `${op}: bias is ${spec.dtype} ${formatShape(spec.shape)} but the output has ${output[1]} channels: use f32 [${output[1]}] or null`,
      );
    }
  }
  if (extra !== null && formatShape(inputs[extra]!.shape) !== formatShape(output)) {
    throw new ShapeError(
      `${op}: the fused operand is ${formatShape(inputs[extra]!.shape)} but the output is ${formatShape(output)}: they must be equal`,
    );
  }
}

/** Positions of the optional operands among the inputs [x, weight, bias?, extra?]. */
export function epilogueInputs(epilogue: ConvEpilogue): { bias: number | null; extra: number | null } {
  return { bias: epilogue.bias ? 2 : null, extra: epilogue.extra === "none" ? null : epilogue.bias ? 3 : 2 };
}

/** See Op.decidedBy. */
export function maskInputs(epilogue: ConvEpilogue): readonly number[] {
  return epilogue.extra === "mask" ? [epilogueInputs(epilogue).extra!] : [];
}

/** The trilinear form's extents. */
export interface TrilinearForm {
  readonly batch: number;
  readonly groups: number;
  /** Channels of x (C) and of y (O). */
  readonly channels: number;
  readonly outputs: number;
  /** Spatial sizes of x and of y. */
  readonly x: Pair2;
  readonly y: Pair2;
  readonly kernel: Pair2;
  readonly stride: Pair2;
  /** Padding of x at the top and the left. */
  readonly pad: Pair2;
  readonly dilation: Pair2;
}

/** The form whose x and y have these shapes; `weight` is [O, C/groups, Kh, Kw]. */
export function formOf(x: Shape, y: Shape, weight: Shape, geometry: ConvGeometry): TrilinearForm {
  return {
    batch: x[0]!,
    groups: geometry.groups,
    channels: x[1]!,
    outputs: y[1]!,
    x: [x[2]!, x[3]!],
    y: [y[2]!, y[3]!],
    kernel: [weight[2]!, weight[3]!],
    stride: geometry.stride,
    pad: [geometry.padding[0], geometry.padding[1]],
    dilation: geometry.dilation,
  };
}

/** Two for each multiply-add of the form, taps that fall on padding included: the same number for all three ops. */
export function formFlops(form: TrilinearForm): number {
  return 2 * form.batch * form.outputs * form.y[0] * form.y[1] * (form.channels / form.groups) * form.kernel[0] * form.kernel[1];
}

export function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}
