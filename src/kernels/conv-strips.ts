/** The second pass of a weight gradient whose pixels were cut into strips, and the bias gradient that comes with it. */
import { ceilTo, physicalSize } from "../tensor/layout.js";
import type { Shape } from "../tensor/shape.js";
import type { TrilinearForm } from "./conv-geometry.js";
import { dispatch, grid, scratchRef, type DeviceTraits, type Dispatch } from "./op.js";

/** Partial sums may take this much scratch memory, where the device binds as much; one strip always may. */
const STRIPS_BYTES = 16 * 2 ** 20;

/** How many strips of `bytes` each fit; at least 1. */
export function mostStrips(bytes: number, { maxBindingBytes }: DeviceTraits): number {
  return Math.max(1, Math.floor(Math.min(STRIPS_BYTES, maxBindingBytes) / bytes));
}

/** Adds the partial sums of the strips, which lie in the n-th scratch buffer, in fixed order. At most 256 strips. */
export function sumStrips(weight: Shape, strips: number, scratch: number): Dispatch {
  const count = physicalSize(weight) / 4;
  return dispatch("conv2d-weight-grad.sum", {
    params: { count, strips },
    buffers: { parts: scratchRef(scratch), dw: "output" },
    workgroups: grid(count),
  });
}

/** Pixels of a strip of the bias gradient, but in the last, and most strips. */
const BIAS_PIXELS = 64;
const MOST_BIAS_STRIPS = 256;

/** The partial sums of a bias gradient behind those of a weight gradient (shaders/parts/bias-parts.wgsl). */
export interface BiasParts {
  readonly params: {
    readonly strips: number;
    readonly dy_vec4s: number;
    readonly bias_count: number;
    readonly bias_at: number;
    readonly bias_strip: number;
    readonly bias_pixels: number;
  };
  /** Bytes of all partial sums. */
  readonly bytes: number;
}

/** Of a weight gradient in `strips` of `weightVec4s` each. Without `wanted`, as many vec4s of the bias as none. */
export function biasParts({ batch, y, outputs }: TrilinearForm, strips: number, weightVec4s: number, wanted: boolean): BiasParts {
  const dyVec4s = ceilTo(outputs, 4) / 4;
  const pixels = batch * y[0] * y[1];
  const strip = Math.max(BIAS_PIXELS, Math.ceil(pixels / MOST_BIAS_STRIPS));
  const count = wanted ? dyVec4s * Math.ceil(pixels / strip) : 0;
  const at = weightVec4s * strips;
  return {
    params: { strips, dy_vec4s: dyVec4s, bias_count: count, bias_at: at, bias_strip: strip, bias_pixels: pixels },
    bytes: 16 * (at + count),
  };
}

/** Adds up what lies in the n-th scratch buffer: the weight's strips into the output, the bias's, where there are any, into the second. */
export function sumParts(weight: Shape, { params }: BiasParts, scratch: number): Dispatch {
  const { strips, dy_vec4s, bias_count } = params;
  if (bias_count === 0) return sumStrips(weight, strips, scratch);
  const count = physicalSize(weight) / 4;
  return dispatch("conv2d-weight-grad.sum-both", {
    params: { count, strips, bias_count: dy_vec4s, bias_strips: bias_count / dy_vec4s },
    buffers: { parts: scratchRef(scratch), dw: "output", db: "second" },
    workgroups: grid(count + dy_vec4s),
  });
}

/** Workgroups along z that the bias's invocations take, beside `workgroups` of `size` of the weight. */
export function biasLayers({ params }: BiasParts, [x, y]: readonly [number, number], size: number): number {
  return Math.ceil(params.bias_count / (x * y * size));
}
