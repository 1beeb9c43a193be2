/**
 * Padding: `begin` and `end` positions are added on each axis, negative ones crop. A constant, or the border's own values: "edge" repeats the
 * last one, "reflect" mirrors without it, "symmetric" mirrors with it, "wrap" starts again at the other side (numpy's and ONNX's modes; mirrors
 * repeat where the padding exceeds the tensor). Any rank up to 6; size n + begin + end.
 */
import { ShapeError } from "../tensor/errors.js";
import { layoutOf, logicalStrides, physicalSize, BYTES_PER_ELEMENT } from "../tensor/layout.js";
import { formatShape, numel, type Shape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { floatBits, gatherVariants } from "./gather.js";
import { apply, dispatch, grid, inputRef, scratchRef, type Dispatch, type Op, type Ref } from "./op.js";
import { slice } from "./slice.js";
import { table } from "./strided.js";

export type BorderMode = "edge" | "reflect" | "symmetric" | "wrap";

/** One entry of `begin` and `end` per axis; negative = crop. */
export interface PadAttrs {
  readonly begin: readonly number[];
  readonly end: readonly number[];
  readonly value: number;
}

/** One entry of `begin` and `end` per axis, at least 0. */
export interface PadBorderAttrs {
  readonly begin: readonly number[];
  readonly end: readonly number[];
  readonly mode: BorderMode;
}

/**
 * x padded by `begin` and `end` positions per axis (negative: cropped). `mode` "constant" (default) fills with `value` (default 0); the others
 * repeat x; where they crop too, they repeat what is left. Any dtype; gradients for f32. Throws ShapeError for a wrong number of entries,
 * non-integers, or nothing left.
 */
export function pad(
  x: Tensor,
  attrs: {
    readonly begin: readonly number[];
    readonly end: readonly number[];
    readonly mode?: "constant" | BorderMode;
    readonly value?: number;
  },
): Tensor {
  const { begin, end, mode = "constant", value = 0 } = attrs;
  if (mode === "constant") return apply(padOp, [x], { begin: [...begin], end: [...end], value });
  checkPads("pad", x.shape, begin, end);
  const cropped = [...begin, ...end].some((p) => p < 0)
    ? slice(x, {
        starts: begin.map((p) => Math.max(0, -p)),
        sizes: x.shape.map((n, i) => n - Math.max(0, -begin[i]!) - Math.max(0, -end[i]!)),
      })
    : x;
  return apply(padBorderOp, [cropped], { begin: begin.map((p) => Math.max(0, p)), end: end.map((p) => Math.max(0, p)), mode });
}

function checkPads(op: string, shape: Shape, begin: readonly number[], end: readonly number[]): void {
  if (begin.length !== shape.length || end.length !== shape.length) {
    throw new ShapeError(
      `${op}: ${begin.length} begins and ${end.length} ends for x ${formatShape(shape)}: give one of each per axis`,
    );
  }
  shape.forEach((n, i) => {
    const [b, e] = [begin[i]!, end[i]!];
    if (!Number.isInteger(b) || !Number.isInteger(e))
      throw new ShapeError(`${op}: axis ${i} is padded by ${b} and ${e}: use integers`);
    if (n + b + e < 1 || -b >= n || -e >= n)
      throw new ShapeError(
        `${op}: axis ${i} of x ${formatShape(shape)} has ${n} positions, padded by ${b} and ${e}: some of x must be left`,
      );
  });
}

function paddedShape(shape: Shape, begin: readonly number[], end: readonly number[]): number[] {
  return shape.map((n, i) => n + begin[i]! + end[i]!);
}

export const padOp: Op<PadAttrs> = {
  name: "pad",
  infer([x], { begin, end, value }) {
    checkPads("pad", x!.shape, begin, end);
    if (!Number.isFinite(value) || (x!.dtype !== "f32" && !Number.isInteger(value))) {
      throw new ShapeError(
        `pad: value ${value} does not fit x, which is ${x!.dtype}: use a finite ${x!.dtype === "f32" ? "number" : "integer"}`,
      );
    }
    return { shape: paddedShape(x!.shape, begin, end), dtype: x!.dtype };
  },
  variants([x], output, { begin, value }) {
    const axes = logicalStrides(x!.shape).map((stride, axis) => ({ stride, extent: x!.shape[axis]!, shift: -begin[axis]! }));
    return gatherVariants(x!.shape, output.shape, axes, x!.dtype === "f32" ? floatBits(value) : value >>> 0);
  },
  flops: () => 0,
  grad(dy, _inputs, _y, { begin, end }) {
    return [apply(padOp, [dy], { begin: begin.map((p) => 0 - p), end: end.map((p) => 0 - p), value: 0 })];
  },
};

/** The shaders' MODE. */
const MODES: Readonly<Record<BorderMode, number>> = { edge: 0, reflect: 1, symmetric: 2, wrap: 3 };

export const padBorderOp: Op<PadBorderAttrs> = {
  name: "padBorder",
  infer([x], { begin, end, mode }) {
    checkPads("pad", x!.shape, begin, end);
    if (!(mode in MODES))
      throw new ShapeError(`pad: there is no mode ${String(mode)}: use constant, ${Object.keys(MODES).join(", ")}`);
    if ([...begin, ...end].some((p) => p < 0))
      throw new ShapeError(`pad: mode ${mode} takes pads of at least 0, not [${begin.join(", ")}] and [${end.join(", ")}]`);
    return { shape: paddedShape(x!.shape, begin, end), dtype: x!.dtype };
  },
  variants([x], output, { begin, mode }) {
    const logical = logicalStrides(x!.shape);
    // Axes are not merged: each is folded back into x by itself.
    const { axes: order, padded, dims, size: count } = layoutOf(output.shape);
    const params = {
      count,
      rank: order.length,
      lanes: dims[dims.length - 1] ?? 1,
      axes: table(order.map((axis, k) => [padded[k]!, x!.shape[axis]!, begin[axis]!, logical[axis]!])),
    };
    const direct = dispatch("pad-border.direct", {
      params,
      buffers: { x: inputRef(0), y: "output" },
      constants: { MODE: MODES[mode] },
      workgroups: grid(count),
    });
    return [{ name: "direct", dispatches: [direct] }];
  },
  flops: () => 0,
  grad: (dy, _inputs, _y, attrs) => [apply(padBorderGradOp, [dy], attrs)],
};

/** dx: at each position the sum of dy over the positions that were filled from it. One axis after the other, each a dispatch. */
export const padBorderGradOp: Op<PadBorderAttrs> = {
  name: "padBorderGrad",
  infer([dy], { begin, end }) {
    if (dy!.dtype !== "f32") throw new ShapeError(`padBorderGrad: dy is ${dy!.dtype}: only f32 has gradients`);
    const shape = dy!.shape.map((n, i) => n - begin[i]! - end[i]!);
    checkPads("padBorderGrad", shape, begin, end);
    return { shape, dtype: "f32" };
  },
  variants([dy], output, { begin, end, mode }) {
    const padded = output.shape.map((_, i) => i).filter((i) => begin[i]! + end[i]! > 0);
    const axes = padded.length > 0 ? padded : [0];
    const scratchBytes: number[] = [];
    let shape = dy!.shape;
    let from: Ref = inputRef(0);
    const dispatches = axes.map((axis, k): Dispatch => {
      const folded = shape.map((n, i) => (i === axis ? (output.shape[i] ?? n) : n));
      const to: Ref = k === axes.length - 1 ? "output" : scratchRef(k);
      if (to !== "output") scratchBytes.push(physicalSize(folded) * BYTES_PER_ELEMENT);
      const step = foldAxis(shape, folded, axis, begin[axis] ?? 0, mode, from, to);
      [shape, from] = [folded, to];
      return step;
    });
    return [{ name: "direct", dispatches, scratchBytes }];
  },
  flops: ([dy]) => numel(dy!.shape),
  grad: (ddx, _inputs, _y, attrs) => [apply(padBorderOp, [ddx], attrs)],
};

function foldAxis(dy: Shape, dx: Shape, axis: number, begin: number, mode: BorderMode, from: Ref, to: Ref): Dispatch {
  const layout = layoutOf(dx);
  const position = layout.axes.indexOf(axis);
  const inner = layout.padded.slice(position + 1).reduce((n, d) => n * d, 1);
  const count = layout.size;
  return dispatch("pad-border-grad.direct", {
    params: {
      count,
      inner,
      dx_extent: dx[axis] ?? 1,
      dx_rows: layout.padded[position] ?? 1,
      dy_extent: dy[axis] ?? 1,
      dy_rows: layoutOf(dy).padded[position] ?? 1,
      begin,
    },
    buffers: { dy: from, dx: to },
    constants: { MODE: MODES[mode] },
    workgroups: grid(count),
  });
}
