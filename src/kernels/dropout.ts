/**
 * Dropout: y = x / (1 - p) where an element is kept, else 0; each is dropped with probability p, independently (Caffe's inverted
 * scaling, fcn.md 1.0). Whether an element is kept depends only on the program's seed, the step, the node's seed and the element's
 * logical index: a counter-based generator (PCG4D), so that nothing is stored for the backward pass, which draws the same mask, and a
 * resumed run draws what the uninterrupted one would have. Any shape.
 */
import { ShapeError } from "../tensor/errors.js";
import { physicalSize } from "../tensor/layout.js";
import { formatShape, numel } from "../tensor/shape.js";
import { rngState, topological, type Tensor } from "../tensor/tensor.js";
import { apply, dispatch, grid, inputRef, type Op } from "./op.js";
import { lanesOf } from "./rows.js";

export interface DropoutAttrs {
  /** Probability of being dropped, 0 <= p < 1. */
  readonly p: number;
  /** Tells the nodes of a graph apart. */
  readonly seed: number;
  /** Added to the logical index: where x starts in the tensor it is a part of. */
  readonly offset: number;
}

/**
 * x with elements dropped at probability `p` (default 0.5) and the others scaled by 1 / (1 - p). A program replaces the node by x
 * outside of training; `inference: true` gives x itself. `seed` tells dropouts of one graph apart; its default is the number of
 * dropouts that x depends on, so that stacked ones draw different masks: parallel branches of one shape should be given their own.
 * x: f32, any shape. Throws ShapeError for another dtype or a p outside [0, 1).
 */
export function dropout(
  x: Tensor,
  options: { readonly p?: number; readonly seed?: number; readonly inference?: boolean } = {},
): Tensor {
  const { p = 0.5, inference = false } = options;
  if (inference) return x;
  const seed = options.seed ?? topological([x]).filter((node) => node.op === "dropout").length;
  return apply(dropoutOp, [x, rngState()], { p, seed, offset: 0 });
}

/** Elements are kept where a uniform 32-bit number is at least this. */
export function dropThreshold(p: number): number {
  return Math.min(Math.round(p * 2 ** 32), 2 ** 32 - 1);
}

/** Inputs x, rng (u32 [2]: the program's seed and the step). */
export const dropoutOp: Op<DropoutAttrs> = {
  name: "dropout",
  infer([x, rng], { p, seed, offset }) {
    if (x!.dtype !== "f32") throw new ShapeError(`dropout: x is ${x!.dtype} ${formatShape(x!.shape)}: only f32 has a dropout`);
    if (rng?.dtype !== "u32" || numel(rng.shape) !== 2)
      throw new ShapeError("dropout: the second input is the generator's state, u32 [2]: use rngState()");
    if (!(p >= 0 && p < 1)) throw new ShapeError(`dropout: p is ${p}: use a probability of at least 0 and below 1`);
    for (const [name, value] of Object.entries({ seed, offset })) {
      if (!Number.isInteger(value) || value < 0 || value >= 2 ** 32)
        throw new ShapeError(`dropout: ${name} is ${value}: use an integer from 0 to 2^32 - 1`);
    }
    return { shape: x!.shape, dtype: "f32" };
  },
  variants(_inputs, output, { p, seed, offset }) {
    const { shape } = output;
    const count = physicalSize(shape);
    const plane = shape.length === 4 ? shape[2]! * shape[3]! : count;
    return [
      {
        name: "direct",
        dispatches: [
          dispatch("dropout.direct", {
            params: { count, ...lanesOf(shape), plane, node_seed: seed, offset, threshold: dropThreshold(p), scale: 1 / (1 - p) },
            buffers: { x: inputRef(0), rng: inputRef(1), y: "output" },
            workgroups: grid(count),
          }),
        ],
      },
    ];
  },
  flops: (_inputs, output) => numel(output.shape),
  // Linear with a diagonal matrix: the gradient is the same op on dy.
  grad: (dy, [, rng], _y, attrs) => [apply(dropoutOp, [dy, rng!], attrs), null],
};
