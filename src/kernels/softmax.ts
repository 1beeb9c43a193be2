/**
 * Softmax over one or more axes jointly, any rank up to 6:
 *
 *     softmax(x)    = exp(x - m) / sum exp(x - m)        m the largest element of the row, so that nothing overflows
 *     logSoftmax(x) = x - m - log(sum exp(x - m))
 *
 * where a row is all elements that differ only in `axes`. Gradients, from y alone: softmax y * (dy - sum(dy * y)), logSoftmax
 * dy - exp(y) * sum(dy). Outputs have the shape of x.
 */
import { ShapeError } from "../tensor/errors.js";
import { formatShape, normalizeAxis, numel, sameShape, type Shape, type TensorSpec } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { multiply, subtract } from "./elementwise.js";
import { apply, dispatch, grid, inputRef, scratchRef, type Dispatch, type Op, type Ref, type Variant } from "./op.js";
import { reduceSum } from "./reduce.js";
import { lanesOf, rowsOf, type Rows } from "./rows.js";

export interface SoftmaxAttrs {
  /** Ascending, not negative. */
  readonly axes: readonly number[];
}

/**
 * Softmax of x over `axes` jointly: its values are positive and sum to 1 over them. x: f32 of rank 1 to 6; `axes` defaults to the
 * channel axis 1, or to 0 for rank 1; negative ones count from the back. Throws ShapeError for axes outside x or named twice.
 *
 * @example softmax(scores)                   // [1, 21, 500, 500]: class probabilities of each pixel
 * @example softmax(x, { axes: [-2, -1] })    // one distribution over each plane
 */
export function softmax(x: Tensor, options: { readonly axes?: readonly number[] } = {}): Tensor {
  return apply(softmaxOp, [x], normalizeAxes("softmax", x.shape, options.axes));
}

/** Natural logarithm of {@link softmax}, computed without forming the probabilities. The same arguments. */
export function logSoftmax(x: Tensor, options: { readonly axes?: readonly number[] } = {}): Tensor {
  return apply(logSoftmaxOp, [x], normalizeAxes("logSoftmax", x.shape, options.axes));
}

function normalizeAxes(op: string, shape: Shape, axes: readonly number[] = [shape.length > 1 ? 1 : 0]): SoftmaxAttrs {
  const normalized = axes.map((axis) => normalizeAxis(op, axis, shape.length)).sort((a, b) => a - b);
  if (normalized.length === 0) throw new ShapeError(`${op}: axes is empty: name at least one axis of x ${formatShape(shape)}`);
  if (new Set(normalized).size < normalized.length)
    throw new ShapeError(`${op}: axes ${formatShape(axes)} name an axis of x ${formatShape(shape)} twice`);
  return { axes: normalized };
}

export const softmaxOp = forwardOp("softmax", false, (dy, y, attrs) => apply(softmaxGradOp, [dy, y], attrs));
export const logSoftmaxOp = forwardOp("logSoftmax", true, (dy, y, attrs) => apply(logSoftmaxGradOp, [dy, y], attrs));

/** Inputs dy, y = softmax(x); output dx. */
export const softmaxGradOp = gradOp("softmaxGrad", false, (ddx, dy, y, attrs) => {
  const total = (a: Tensor, b: Tensor): Tensor => reduceSum(multiply(a, b), attrs.axes, { keepDims: true });
  // dx = y * (dy - sum(dy * y)) is linear in dy with a symmetric matrix, and quadratic in y.
  const toY = subtract(multiply(ddx, subtract(dy, total(dy, y))), multiply(dy, total(ddx, y)));
  return [apply(softmaxGradOp, [ddx, y], attrs), toY];
});

/** Inputs dy, y = logSoftmax(x); output dx. */
export const logSoftmaxGradOp = gradOp("logSoftmaxGrad", true, () => {
  throw new Error("logSoftmaxGrad has no gradient: second derivatives are not supported");
});

function forwardOp(name: string, log: boolean, grad: (dy: Tensor, y: Tensor, attrs: SoftmaxAttrs) => Tensor): Op<SoftmaxAttrs> {
  return {
    name,
    infer([x], attrs) {
      checkInput(name, x!, attrs);
      return { shape: x!.shape, dtype: "f32" };
    },
    variants: (_inputs, output, attrs) => [forwardVariant(name, output.shape, attrs, log)],
    // Comparison, subtraction, exponential, addition, division.
    flops: (_inputs, output) => 5 * numel(output.shape),
    grad: (dy, _inputs, y, attrs) => [grad(dy, y, attrs)],
  };
}

function gradOp(
  name: string,
  log: boolean,
  grad: (ddx: Tensor, dy: Tensor, y: Tensor, attrs: SoftmaxAttrs) => readonly (Tensor | null)[],
): Op<SoftmaxAttrs> {
  return {
    name,
    infer([dy, y], attrs) {
      checkInput(name, y!, attrs);
      if (!sameShape(dy!.shape, y!.shape))
        throw new ShapeError(`${name}: dy is ${formatShape(dy!.shape)} but y is ${formatShape(y!.shape)}: they must be equal`);
      return { shape: y!.shape, dtype: "f32" };
    },
    variants: (_inputs, output, attrs) => [gradVariant(name, output.shape, attrs, log)],
    flops: (_inputs, output) => 4 * numel(output.shape),
    grad: (ddx, [dy, y], _dx, attrs) => grad(ddx, dy!, y!, attrs),
  };
}

function checkInput(op: string, x: TensorSpec, { axes }: SoftmaxAttrs): void {
  if (x.dtype !== "f32") throw new ShapeError(`${op}: x is ${x.dtype} ${formatShape(x.shape)}: only f32 has a softmax`);
  if (x.shape.length === 0) throw new ShapeError(`${op}: x is a scalar: it needs at least one axis`);
  rowsOf(op, x.shape, axes);
}

// ── Dispatches: statistics of chunks of each row, merged level by level to one a row, then one invocation per element. ─────────

/** Terms that one invocation adds up: longer sums are made in levels, for accuracy and for parallelism. */
const CHUNK = 256;

/** A level's values: where they are and how many a row has. */
interface Level {
  readonly ref: Ref;
  readonly chunks: number;
}

/** Chains levels of partial results, each into a scratch buffer of its own, until one value a row is left. */
function levels(
  view: Rows,
  floatsPerValue: number,
  first: (level: Level) => Dispatch,
  merge: (parts: Level, level: Level) => Dispatch,
): Omit<Variant, "name"> {
  const dispatches: Dispatch[] = [];
  const scratchBytes: number[] = [];
  let parts: Level | null = null;
  for (let chunks = Math.ceil(view.count / CHUNK); ; chunks = Math.ceil(chunks / CHUNK)) {
    const level: Level = { ref: scratchRef(scratchBytes.length), chunks };
    dispatches.push(parts ? merge(parts, level) : first(level));
    scratchBytes.push(Math.ceil((view.rows * chunks * floatsPerValue) / 4) * 16);
    parts = level;
    if (chunks === 1) return { dispatches, scratchBytes };
  }
}

function addresses(view: Rows): Pick<Rows, "row_dims" | "row_strides" | "element_dims" | "element_strides" | "rows" | "count"> {
  const { rows, count, row_dims, row_strides, element_dims, element_strides } = view;
  return { rows, count, row_dims, row_strides, element_dims, element_strides };
}

function forwardVariant(op: string, shape: Shape, attrs: SoftmaxAttrs, log: boolean): Variant {
  const view = rowsOf(op, shape, attrs.axes);
  const rows = view.rows;
  const stats = levels(
    view,
    2,
    ({ ref, chunks }) =>
      dispatch("softmax-stats.direct", {
        params: { ...addresses(view), chunks, chunk: CHUNK },
        buffers: { x: inputRef(0), stats: ref },
        workgroups: grid(rows * chunks),
      }),
    (parts, { ref, chunks }) =>
      dispatch("softmax-merge.direct", {
        params: { rows, part_count: parts.chunks, chunks, chunk: CHUNK },
        buffers: { parts: parts.ref, stats: ref },
        workgroups: grid(rows * chunks),
      }),
  );
  const last = dispatch("softmax.direct", {
    params: { ...addresses(view), ...lanesOf(shape) },
    constants: { LOG: log },
    buffers: { x: inputRef(0), stats: scratchRef(stats.scratchBytes!.length - 1), y: "output" },
    workgroups: grid(rows * view.count),
  });
  return { name: "direct", ...stats, dispatches: [...stats.dispatches, last] };
}

function gradVariant(op: string, shape: Shape, attrs: SoftmaxAttrs, log: boolean): Variant {
  const view = rowsOf(op, shape, attrs.axes);
  const rows = view.rows;
  const sums = levels(
    view,
    1,
    ({ ref, chunks }) =>
      dispatch("softmax-grad-sums.direct", {
        params: { ...addresses(view), chunks, chunk: CHUNK },
        constants: { LOG: log },
        buffers: { dy: inputRef(0), y: inputRef(1), sums: ref },
        workgroups: grid(rows * chunks),
      }),
    (parts, { ref, chunks }) =>
      dispatch("softmax-grad-merge.direct", {
        params: { rows, part_count: parts.chunks, chunks, chunk: CHUNK },
        buffers: { parts: parts.ref, sums: ref },
        workgroups: grid(rows * chunks),
      }),
  );
  const last = dispatch("softmax-grad.direct", {
    params: { ...addresses(view), ...lanesOf(shape) },
    constants: { LOG: log },
    buffers: { dy: inputRef(0), y: inputRef(1), sums: scratchRef(sums.scratchBytes!.length - 1), dx: "output" },
    workgroups: grid(rows * view.count),
  });
  return { name: "direct", ...sums, dispatches: [...sums.dispatches, last] };
}
