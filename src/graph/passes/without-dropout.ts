/** Inference: dropout is the identity (inverted scaling took care of the mean while training). */
import type { Tensor } from "../../tensor/tensor.js";
import { rewrite } from "./rewrite.js";

export function withoutDropout(outputs: readonly Tensor[]): readonly Tensor[] {
  return rewrite(outputs, (node) => (node.op === "dropout" ? node.inputs[0]! : node));
}
