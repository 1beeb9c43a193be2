/**
 * The second output of an op that computes two (see `Op.second`): what passes/pair.ts makes of two nodes that one kernel can serve. Such an op
 * is a node of its first output; this op stands for the other one. It runs no kernel: its memory is written when the first input is computed.
 */
import type { TensorSpec } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { apply, type Op } from "./op.js";

export interface SecondAttrs extends TensorSpec {
  /** The op of the first input, and its attributes. */
  readonly op: string;
  readonly attrs: object;
}

/** Inputs: the node, then that node's inputs. */
export const secondOp: Op<SecondAttrs> = {
  name: "second",
  infer: (_inputs, { shape, dtype }) => ({ shape, dtype }),
  variants: () => [{ name: "direct", dispatches: [] }],
  flops: () => 0,
  grad: () => {
    throw new Error("second has no gradient: it is made after gradients are");
  },
};

/** The second output of `node`, or of what will stand in the place of `node` once it is a node of `op`. */
export function secondOf<A extends object>(node: Tensor, op: Op<A>, inputs: readonly Tensor[], attrs: A): Tensor {
  return apply(secondOp, [node, ...inputs], { op: op.name, attrs, ...op.second!(inputs, attrs) });
}
