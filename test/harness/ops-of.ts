import { topological, type Tensor } from "../../src/tensor/tensor.js";

/** The ops of a graph in the order in which they are computed, leaves left out. */
export function opsOf(outputs: readonly Tensor[]): string[] {
  return topological(outputs)
    .filter((t) => t.inputs.length > 0)
    .map((t) => t.op);
}
