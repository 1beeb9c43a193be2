/** Where the graphs of cases run: the CPU reference or a GPU. */
import { initialWeights, runReference } from "../../src/reference/index.js";
import type { Graph, Gpu, Names, TypedArray } from "../../src/index.js";

export interface Engine {
  /** All outputs, row-major. */
  run(
    net: Graph<Names, Names>,
    inputs: Readonly<Record<string, TypedArray>>,
  ): Promise<Readonly<Record<string, ArrayLike<number>>>>;
}

export const referenceEngine: Engine = {
  run: async (net, inputs) => runReference(net, initialWeights(net), inputs),
};

/** One device for all cases: kernels compiled for one serve the next. */
export function gpuEngine(gpu: Gpu): Engine {
  return {
    async run(net, inputs) {
      using program = await gpu.compile(net);
      return await program.run(inputs);
    },
  };
}
