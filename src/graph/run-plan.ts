/** A plan of run(): compiled for the shapes and outputs of one call, with the copies that bring its results to the host. */
import type { GpuContext } from "../gpu/context.js";
import type { PipelineCache } from "../gpu/pipelines.js";
import type { Shape } from "../tensor/shape.js";
import type { ChoiceBook } from "./choice-book.js";
import type { CompileOptions } from "./compile-options.js";
import { specializeGraph } from "./feed.js";
import type { Graph, Names } from "./graph.js";
import { compilePlan, type CompiledPlan } from "./plan.js";
import type { PlanCache, Turn } from "./plan-cache.js";
import type { PreparedWeights } from "./prepared-weights.js";
import { createReadback, type Readback } from "./readback.js";
import type { TrainPlan } from "./train-plan.js";
import type { WeightStore } from "./weight-store.js";

/** What all plans of a program share. */
export interface PlanSite<I extends Names, O extends Names> {
  readonly gpu: GpuContext;
  readonly pipelines: PipelineCache;
  readonly graph: Graph<I, O>;
  readonly store: WeightStore;
  readonly prepared: PreparedWeights;
  readonly choices: ChoiceBook;
  readonly submitBudgetMs: number;
  readonly plans: PlanCache<{ readonly run: RunPlan; readonly training: TrainPlan }>;
  /** Runs of the program, and what must not come between, one after the other. */
  readonly turn: Turn;
}

export interface RunPlanOptions extends Pick<CompileOptions, "onProgress" | "signal"> {
  readonly shapes: Readonly<Record<string, Shape>>;
  /** Names of the outputs. */
  readonly names: readonly string[];
  /** False where the results stay on the GPU: no staging buffers then. */
  readonly isRead: boolean;
}

export type RunPlan = CompiledPlan & { readonly readback: Readback };

export async function compileRun<I extends Names, O extends Names>(
  { graph: own, ...site }: PlanSite<I, O>,
  { shapes, names, isRead, onProgress, signal }: RunPlanOptions,
): Promise<RunPlan> {
  const graph = specializeGraph(own, shapes);
  const tensors = names.map((name) => graph.outputs[name as keyof O]!);
  const compiled = await compilePlan({
    ...site,
    outputs: tensors,
    training: false,
    onKernel: (done, total) => onProgress?.({ stage: "kernels", done, total }),
    signal,
  });
  const items = compiled.outputs.map((pieces) => ({
    pieces,
    ranges: pieces.parts.map((part) => compiled.executable.rangeOf(part)),
  }));
  const readback = await createReadback(site.gpu, isRead ? items : []).catch((error: unknown) => {
    compiled.dispose();
    throw error;
  });
  const dispose = (): void => {
    readback.dispose();
    compiled.dispose();
  };
  return { ...compiled, readback, dispose };
}

/** The same for the same shapes and outputs. */
export function runPlanKey(graph: Graph<Names, Names>, { shapes, names, isRead }: RunPlanOptions): string {
  return JSON.stringify([names, isRead, Object.entries(graph.inputs).map(([name, { shape }]) => shapes[name] ?? shape)]);
}

/** What is read of a submit, unless that was refused: then that error, since what is read is not of it. */
export async function ifSubmitted<T>(submitted: Promise<void>, reading: Promise<T>): Promise<T> {
  submitted.catch(() => undefined);
  try {
    return await reading;
  } finally {
    await submitted;
  }
}
