/** The reference of every op, by name: a missing one does not compile. Plain loops, float64, written to be read. */
import type { OpAttrs, OpName } from "../kernels/ops.js";
import type { TensorSpec } from "../tensor/shape.js";
import type { NdArray } from "./nd-array.js";
import { relu, reluGrad } from "./relu.js";

/** `inputs` in the op's order; the result has `output`'s shape. */
export type ReferenceFn<K extends OpName> = (inputs: readonly NdArray[], attrs: OpAttrs<K>, output: TensorSpec) => NdArray;

export const REFERENCE: { readonly [K in OpName]: ReferenceFn<K> } = {
  relu,
  reluGrad,
};
