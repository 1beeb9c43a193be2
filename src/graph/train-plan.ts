/** A plan of train(): forward, backward and the gradients where the optimiser finds them, compiled for the shapes of one batch. */
import type { BufferRange } from "../gpu/buffer-range.js";
import { scale } from "../kernels/elementwise.js";
import type { Shape } from "../tensor/shape.js";
import { isParam, lossScaleOf, topological, type Param, type Tensor } from "../tensor/tensor.js";
import { specializeGraph } from "./feed.js";
import { gradients } from "./gradients.js";
import type { Names } from "./graph.js";
import { compilePlan, type CompiledPlan } from "./plan.js";
import type { PlanSite } from "./run-plan.js";

export interface TrainPlan extends CompiledPlan {
  readonly loss: BufferRange;
}

export interface TrainPlanOptions<O> {
  readonly loss: keyof O;
  readonly shapes: Readonly<Record<string, Shape>>;
  /** Ends the tuning. */
  readonly signal: AbortSignal | undefined;
}

export async function compileTrain<I extends Names, O extends Names>(
  { gpu, pipelines, graph: own, store, choices, submitBudgetMs }: PlanSite<I, O>,
  { loss, shapes, signal }: TrainPlanOptions<O>,
): Promise<TrainPlan> {
  const lossTensor = specializeGraph(own, shapes).outputs[loss]!;
  const params = trainable(lossTensor);
  const seed = store.precision === "mixed" ? lossScaleOf(lossTensor.shape) : undefined;
  const grads = distinct(gradients(lossTensor, params, seed));
  const gradientsOf = new Map<Tensor, string>(grads.map((g, i) => [g, params[i]!.name]));
  const compiled = await compilePlan({
    gpu,
    pipelines,
    store,
    outputs: [lossTensor, ...grads],
    gradientsOf,
    training: true,
    submitBudgetMs,
    choices,
    tuneSignal: signal,
  });
  return { ...compiled, loss: compiled.executable.rangeOf(compiled.outputs[0]!.parts[0]!) };
}

/** The same for the same loss, shapes and diagonal weights. */
export function trainPlanKey<I extends Names, O extends Names>(
  { graph, store }: PlanSite<I, O>,
  { loss, shapes }: Pick<TrainPlanOptions<O>, "loss" | "shapes">,
): string {
  const sizes = Object.entries(graph.inputs).map(([name, { shape }]) => shapes[name] ?? shape);
  return JSON.stringify([loss, sizes, [...store.diagonal]]);
}

/** What a loss trains: the parameters it depends on, but for the frozen ones. The others keep their values. */
export function trainable(loss: Tensor): Param[] {
  return topological([loss]).filter((t): t is Param => isParam(t) && t.lrMult !== 0);
}

/**
 * Each gradient is a tensor of its own that nothing else reads: two parameters that are added share one, and a dispatch that writes one
 * gradient must not read another, which lies in the same buffer.
 */
function distinct(grads: readonly Tensor[]): Tensor[] {
  const read = new Set(topological(grads).flatMap((node) => node.inputs));
  const seen = new Set<Tensor>();
  return grads.map((g) => {
    const shared = seen.has(g) || read.has(g) || g.op === "reshape" || g.inputs.length === 0;
    seen.add(g);
    return shared ? scale(g, 1) : g;
  });
}
