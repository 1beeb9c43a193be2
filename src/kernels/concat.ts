/** Concatenation along an axis, any number of operands, any dtype, any rank from 1 to 6. Size: the operands' sum on the axis. */
import { ShapeError } from "../tensor/errors.js";
import { formatShape, normalizeAxis, type Shape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { gatherDirect, gatherVec4, sourcesOf, type Move } from "./gather.js";
import { apply, inputRef, type Op } from "./op.js";
import { slice } from "./slice.js";

export interface ConcatAttrs {
  /** From the front, at least 0. */
  readonly axis: number;
}

/** xs one after the other along `axis` (negative: from the back). Throws ShapeError where other axes, ranks or dtypes differ. */
export function concat(xs: readonly Tensor[], axis: number): Tensor {
  return apply(concatOp, xs, { axis: normalizeAxis("concat", axis, xs[0]?.shape.length ?? 0) });
}

export const concatOp: Op<ConcatAttrs> = {
  name: "concat",
  infer(inputs, { axis }) {
    const [first] = inputs;
    if (!first) throw new ShapeError("concat: there are no operands: give at least one");
    if (first.shape.length === 0) throw new ShapeError("concat: operand 0 is a scalar: reshape it to rank 1 before");
    inputs.forEach((x, i) => {
      if (x.dtype !== first.dtype)
        throw new ShapeError(`concat: operand ${i} is ${x.dtype} but operand 0 is ${first.dtype}: they must be equal`);
      if (x.shape.length !== first.shape.length || x.shape.some((d, k) => k !== axis && d !== first.shape[k])) {
        throw new ShapeError(
          `concat: operand ${i} is ${formatShape(x.shape)} but operand 0 is ${formatShape(first.shape)}: they may differ on axis ${axis} only`,
        );
      }
    });
    const total = inputs.reduce((n, x) => n + x.shape[axis]!, 0);
    return { shape: first.shape.map((d, k) => (k === axis ? total : d)), dtype: first.dtype };
  },
  variants(inputs, output, { axis }) {
    const starts = startsOf(
      inputs.map((x) => x.shape),
      axis,
    );
    // Each operand fills its own part of the output; the one that ends the channels writes the padding lanes.
    const moves = inputs.map(({ shape }, i): Move => ({
      source: inputRef(i),
      sourceShape: shape,
      output: output.shape,
      axes: sourcesOf(shape),
      region: { start: starts[i]!, sizes: shape },
    }));
    const whole = moves.map(gatherVec4);
    const direct = { name: "direct", dispatches: moves.map(gatherDirect) };
    return whole.some((d) => d !== null)
      ? [direct, { name: "vec4", dispatches: moves.map((move, i) => whole[i] ?? gatherDirect(move)) }]
      : [direct];
  },
  flops: () => 0,
  grad(dy, inputs, _y, { axis }) {
    const shapes = inputs.map((x) => x.shape);
    return startsOf(shapes, axis).map((starts, i) => slice(dy, { starts, sizes: shapes[i]! }));
  },
};

/** First position of each operand in the output. */
function startsOf(shapes: readonly Shape[], axis: number): number[][] {
  let at = 0;
  return shapes.map((shape) => {
    const start = shape.map((_, k) => (k === axis ? at : 0));
    at += shape[axis]!;
    return start;
  });
}
