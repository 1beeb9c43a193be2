/** Tensors beyond the device's binding limit. */
import type { Tensor } from "../../tensor/tensor.js";
import { topological } from "../../tensor/tensor.js";
import { whole, type Pieces } from "../pieces.js";

export interface SplitGraph {
  /** In the order of the outputs given. */
  readonly outputs: readonly Pieces[];
  /** Every leaf of the graph before, and the leaves that stand for it now. */
  readonly leaves: ReadonlyMap<Tensor, Pieces>;
}

export function splitOversized(outputs: readonly Tensor[], _limitBytes: number): SplitGraph {
  const leaves = new Map(topological(outputs).filter((t) => t.inputs.length === 0).map((t) => [t, whole(t)]));
  return { outputs: outputs.map(whole), leaves };
}
