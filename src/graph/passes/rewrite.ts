/** The walk that passes share: every node, after its inputs have been rewritten, goes through `replace`. */
import { topological, type Tensor } from "../../tensor/tensor.js";

/** Nodes whose inputs did not change keep their identity. `replace` sees a node that already has its new inputs, and the old node. */
export function rewrite(outputs: readonly Tensor[], replace: (node: Tensor, before: Tensor) => Tensor): readonly Tensor[] {
  const after = new Map<Tensor, Tensor>();
  for (const node of topological(outputs)) {
    const inputs = node.inputs.map((t) => after.get(t)!);
    const moved = inputs.some((t, i) => t !== node.inputs[i]) ? { ...node, inputs } : node;
    after.set(node, replace(moved, node));
  }
  return outputs.map((t) => after.get(t)!);
}
