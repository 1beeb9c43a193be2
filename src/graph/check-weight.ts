/** Whether weights that a caller brings fit a parameter. */
import { WeightsError } from "../tensor/errors.js";
import { formatShape, numel, sameShape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import type { Weights } from "../tensor/weights.js";

export type Weight = NonNullable<ReturnType<Weights["get"]>>;

/** Throws WeightsError, in the name of the call `by`: for a shape that differs, and for values that are not finite or beyond `largest`. */
export function checkWeight(by: string, name: string, param: Tensor, weight: Weight, largest: number): void {
  if (!sameShape(weight.shape, param.shape)) {
    throw new WeightsError(
      `${by}: ${name} has shape ${formatShape(weight.shape)} but the graph expects ${formatShape(param.shape)}: convert the weights, or leave ${name} out and pass { strict: false }`,
    );
  }
  if (weight.data.length !== numel(param.shape))
    throw new WeightsError(
      `${by}: ${name} ${formatShape(param.shape)} takes ${numel(param.shape)} values but has ${weight.data.length}`,
    );
  const bad = weight.data.findIndex((v) => !Number.isFinite(v));
  if (bad !== -1) throw new WeightsError(`${by}: ${name} holds ${weight.data[bad]} at index ${bad}: the weights are damaged`);
  const large = weight.data.findIndex((v) => Math.abs(v) > largest);
  if (large !== -1) {
    throw new WeightsError(
      `${by}: ${name} holds ${weight.data[large]} at index ${large} but an f16 is at most ${largest}: compile with precision "f32" or "mixed"`,
    );
  }
}
