import type { Param, Weights } from "../../src/index.js";

/** Weights that no initial value has: counting up, all different. */
export function countingWeights(net: { readonly params: readonly Param[] }): Weights {
  let next = 1;
  return new Map(
    net.params.map(({ name, shape }) => [
      name,
      { shape, data: Float32Array.from({ length: shape.reduce((n, d) => n * d, 1) }, () => next++ / 64) },
    ]),
  );
}
