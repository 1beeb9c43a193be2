/** Where the graphs of cases run: the CPU reference or a GPU, with the kernels that the engine chooses or with every one that applies. */
import { initialWeights, runReference } from "../../src/reference/index.js";
import type { Graph, Gpu, Names, Precision, TypedArray } from "../../src/index.js";
import { everyVariant } from "./every-variant.js";

export interface Run {
  /** All outputs, row-major. */
  readonly outputs: Readonly<Record<string, ArrayLike<number>>>;
  /** What was asked of the engine, for messages; "" for its own choice. */
  readonly how: string;
  /** How many times the tolerance of a case its results may be off. */
  readonly slack: number;
}

export interface Engine {
  /** One run, or several of the same graph by different kernels. */
  runs(net: Graph<Names, Names>, inputs: Readonly<Record<string, TypedArray>>): AsyncIterable<Run>;
}

/** What a GPU is to run cases with. JSON: it goes to pages and processes. */
export interface EngineOptions {
  /** Also with every variant of every kernel that applies, whether or not the rule takes it there. */
  readonly variants: boolean;
  readonly precision: Precision;
}

export const PLAIN: EngineOptions = { variants: false, precision: "f32" };

/** Storage in f16 rounds by 2^-11 where f32 rounds by 2^-24, and tolerances are made for some sixteen times what f32 needs. */
const HALF_SLACK = 2 ** 9;

export const referenceEngine: Engine = {
  async *runs(net, inputs) {
    yield { outputs: runReference(net, initialWeights(net), inputs), how: "", slack: 1 };
  },
};

/** One device for all cases: kernels compiled for one serve the next. */
export function gpuEngine(gpu: Gpu, { variants, precision }: EngineOptions): Engine {
  return {
    async *runs(net, inputs) {
      using program = await gpu.compile(net, { precision });
      const slack = precision === "f32" ? 1 : HALF_SLACK;
      yield { outputs: await program.run(inputs), how: "", slack };
      if (!variants) return;
      for await (const forced of everyVariant(program))
        yield { outputs: await program.run(inputs), how: `every ${forced.name}`, slack: slack * forced.slack };
    },
  };
}
