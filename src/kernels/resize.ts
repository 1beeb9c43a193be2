/**
 * Resampling by ONNX's Resize rules, one axis at a time (linear interpolation over several axes is the product of its axes).
 *
 * Per axis, output o reads y[o] = (1 - w) x[left] + w x[left + 1], and a table of (left, w), made in float64 by resize-table.ts,
 * holds all there is to know of modes and coordinates: nearest is w = 0. Shaders get the table as uniforms, 512 outputs a
 * dispatch, so that positions are those of float64 on every device, also at ties of .5 (f32 coordinates would not be), and a new
 * size compiles nothing. `left` never decreases with o, so the gradient finds the outputs that read a given x by bisection: a
 * gather, without atomics.
 *
 * Any rank; in memory a tensor is [outer, axis, inner], whatever its layout; where inner is a multiple of 4, as on the axes h and
 * w of an image, the `vec4` variant handles four elements at once. Size rule: floor(in * scale).
 */
import { ShapeError } from "../tensor/errors.js";
import { formatShape, numel, type Shape, type TensorSpec } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { apply, dispatch, grid, inputRef, type Op, type Variant } from "./op.js";
import { axisGeometry, tableChunks } from "./resize-table.js";

export type ResizeMode = "nearest" | "linear";
export type CoordinateMode = "half_pixel" | "half_pixel_symmetric" | "pytorch_half_pixel" | "align_corners" | "asymmetric";
export type NearestMode = "round_prefer_floor" | "round_prefer_ceil" | "floor" | "ceil";

const COORDINATE_MODES: readonly CoordinateMode[] = [
  "half_pixel",
  "half_pixel_symmetric",
  "pytorch_half_pixel",
  "align_corners",
  "asymmetric",
];
const NEAREST_MODES: readonly NearestMode[] = ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"];

export interface ResizeOptions {
  /** Default nearest. */
  readonly mode?: ResizeMode;
  /** Default half_pixel. */
  readonly coordinateMode?: CoordinateMode;
  /** Which neighbour nearest takes between two; default round_prefer_floor. */
  readonly nearestMode?: NearestMode;
  /** One factor per dimension, or [h, w] of an image. */
  readonly scales?: readonly number[];
  /** Output extents instead of scales: one per dimension, or [h, w] of an image. The scale is then size / in. */
  readonly size?: readonly number[];
}

/** A node resizes one axis. */
export interface ResizeAttrs {
  readonly axis: number;
  /** Extents along the axis before and after. */
  readonly from: number;
  readonly to: number;
  /** to / from before rounding. */
  readonly scale: number;
  readonly mode: ResizeMode;
  readonly coordinateMode: CoordinateMode;
  readonly nearestMode: NearestMode;
}

/**
 * x resampled to floor(in * scale) places along each axis, or to `size`, by ONNX's Resize (without antialiasing). x: f32 of any
 * rank from 1; axes of scale 1 stay as they are. align_corners maps o to o (in - 1) / (scale in - 1), ONNX's own rule, with the
 * output length before rounding. Throws ShapeError for another dtype, unknown modes, scales or sizes of another number or not
 * positive, and an empty output.
 */
export function resize(x: Tensor, options: ResizeOptions): Tensor {
  const { mode = "nearest", coordinateMode = "half_pixel", nearestMode = "round_prefer_floor" } = options;
  const axes = axesToResize(x, options);
  // Where nothing changes, one identity node: the result is a tensor of its own.
  const resized = axes.filter((a) => a.scale !== 1 || a.to !== a.from);
  const steps = resized.length > 0 ? resized : axes.slice(-1);
  return steps.reduce((t, step) => apply(resizeOp, [t], { ...step, mode, coordinateMode, nearestMode }), x);
}

function axesToResize(x: Tensor, { scales, size }: ResizeOptions): Pick<ResizeAttrs, "axis" | "from" | "to" | "scale">[] {
  const given = scales ?? size;
  const what = scales ? "scales" : "size";
  const onImage = x.shape.length === 4 && given?.length === 2;
  if (!given || (scales && size) || x.shape.length === 0 || (given.length !== x.shape.length && !onImage)) {
    throw new ShapeError(
      `resize: scales are ${format(scales)} and size is ${format(size)}: give one of them, with one value for each dimension of x ${formatShape(x.shape)}`,
    );
  }
  return given.map((value, i) => {
    const axis = onImage ? i + 2 : i;
    const from = x.shape[axis]!;
    if (!(value > 0) || !Number.isFinite(value) || (!scales && !Number.isInteger(value))) {
      throw new ShapeError(`resize: ${what} is ${format(given)}: use positive ${scales ? "numbers" : "integers"}`);
    }
    // A scale that is a rounded quotient of sizes must give that size back: 1/49 * 49 is a few units below 1 in float64.
    const to = scales ? Math.floor(from * value * (1 + 2 ** -50)) : value;
    if (to < 1)
      throw new ShapeError(
        `resize: scale ${value} leaves nothing of the ${from} places of axis ${axis} (x is ${formatShape(x.shape)}): use at least ${1 / from}`,
      );
    return { axis, from, to, scale: scales ? value : value / from };
  });
}

function format(values: readonly number[] | undefined): string {
  return values ? formatShape(values) : "not given";
}

export const resizeOp: Op<ResizeAttrs> = {
  name: "resize",
  infer([x], attrs) {
    checkAttrs("resize", x!, attrs.from, attrs);
    return { shape: withExtent(x!.shape, attrs.axis, attrs.to), dtype: "f32" };
  },
  variants([x], y, attrs) {
    const geometry = axisGeometry(x!.shape, y.shape, attrs.axis);
    const variant = (name: "direct" | "vec4", lanes: number): Variant => ({
      name,
      dispatches: tableChunks(attrs).map(({ begin, end, table }) => {
        // The last dispatch writes the padding of a channel axis too.
        const span = (end === attrs.to ? geometry.outExtent : end) - begin;
        const inner = geometry.inner / lanes;
        const count = geometry.outer * span * inner;
        const params = { count, inner, in_extent: geometry.inExtent, out_extent: geometry.outExtent, begin, end, span, table };
        return dispatch(`resize.${name}`, { params, buffers: { x: inputRef(0), y: "output" }, workgroups: grid(count) });
      }),
    });
    return geometry.inner % 4 === 0 ? [variant("direct", 1), variant("vec4", 4)] : [variant("direct", 1)];
  },
  flops: (_inputs, y, { mode }) => (mode === "linear" ? 3 * numel(y.shape) : 0),
  grad: (dy, _inputs, _y, attrs) => [apply(resizeGradOp, [dy], attrs)],
};

/**
 * Input dy; dx[k] = sum over o of dy[o] times the weight with which o reads x[k]. The adjoint of resize, and the other way
 * round.
 */
export const resizeGradOp: Op<ResizeAttrs> = {
  name: "resizeGrad",
  infer([dy], attrs) {
    checkAttrs("resizeGrad", dy!, attrs.to, attrs);
    return { shape: withExtent(dy!.shape, attrs.axis, attrs.from), dtype: "f32" };
  },
  variants([dy], dx, attrs) {
    const geometry = axisGeometry(dx.shape, dy!.shape, attrs.axis);
    const variant = (name: "direct" | "vec4", lanes: number): Variant => ({
      name,
      // Each dispatch adds the part of its outputs to what the ones before it left.
      dispatches: tableChunks(attrs).map(({ begin, end, table }, i) => {
        const inner = geometry.inner / lanes;
        const count = geometry.outer * geometry.inExtent * inner;
        const first = i === 0 ? 1 : 0;
        const params = { count, inner, in_extent: geometry.inExtent, out_extent: geometry.outExtent, begin, end, first, table };
        return dispatch(`resize-grad.${name}`, { params, buffers: { dy: inputRef(0), dx: "output" }, workgroups: grid(count) });
      }),
    });
    return geometry.inner % 4 === 0 ? [variant("direct", 1), variant("vec4", 4)] : [variant("direct", 1)];
  },
  flops: ([dy], _dx, { mode }) => (mode === "linear" ? 4 : 1) * numel(dy!.shape),
  grad: (ddx, _inputs, _dx, attrs) => [apply(resizeOp, [ddx], attrs)],
};

function withExtent(shape: Shape, axis: number, extent: number): Shape {
  return shape.map((d, i) => (i === axis ? extent : d));
}

function checkAttrs(op: string, spec: TensorSpec, extent: number, attrs: ResizeAttrs): void {
  if (spec.dtype !== "f32") throw new ShapeError(`${op}: x is ${spec.dtype} ${formatShape(spec.shape)}: only f32 can be resized`);
  if (!["nearest", "linear"].includes(attrs.mode)) throw new ShapeError(`${op}: mode is ${attrs.mode}: use nearest or linear`);
  if (!COORDINATE_MODES.includes(attrs.coordinateMode))
    throw new ShapeError(`${op}: coordinateMode is ${attrs.coordinateMode}: use ${COORDINATE_MODES.join(", ")}`);
  if (!NEAREST_MODES.includes(attrs.nearestMode))
    throw new ShapeError(`${op}: nearestMode is ${attrs.nearestMode}: use ${NEAREST_MODES.join(", ")}`);
  if (spec.shape[attrs.axis] !== extent) {
    throw new ShapeError(
      `${op}: axis ${attrs.axis} of ${formatShape(spec.shape)} has ${spec.shape[attrs.axis]} places but the node was made for ${extent}: they must be equal`,
    );
  }
}
