/** Which tensor of a training step is the first that is not finite: the step once more, with every tensor of it looked at. */
import type { GpuContext } from "../gpu/context.js";
import type { PipelineCache } from "../gpu/pipelines.js";
import { nonFinite } from "../kernels/non-finite.js";
import type { Divergence } from "../tensor/errors.js";
import { numel } from "../tensor/shape.js";
import { topological, type Param, type Tensor } from "../tensor/tensor.js";
import { ChoiceBook } from "./choice-book.js";
import { upload } from "./feed.js";
import { gradients } from "./gradients.js";
import type { CheckedInput } from "./inputs.js";
import { nodeNames } from "./lower.js";
import { compilePlan } from "./plan.js";
import { createReadback, type Readback } from "./readback.js";
import type { WeightStore } from "./weight-store.js";

export interface Suspect {
  readonly gpu: GpuContext;
  readonly pipelines: PipelineCache;
  readonly store: WeightStore;
  /** Of the graph for the batch's shapes. */
  readonly loss: Tensor;
  readonly params: readonly Param[];
  readonly batch: ReadonlyMap<string, CheckedInput>;
}

export type Finding = Omit<Divergence, "step">;

/**
 * Forward from the input to the loss, then back. The random state is the caller's to set. Null where this pass finds nothing: its kernels may be others than the
 * step's, and round otherwise.
 */
export async function firstNonFinite({ gpu, pipelines, store, loss, params, batch }: Suspect): Promise<Finding | null> {
  const watched = watchedTensors(loss, params);
  const outputs = watched.map(({ tensor }) => nonFinite(tensor));
  const plan = await compilePlan({
    gpu,
    pipelines,
    store,
    outputs,
    training: true,
    submitBudgetMs: 100,
    choices: new ChoiceBook(undefined),
  });
  let readback: Readback | undefined;
  try {
    const counted = (readback = await createReadback(
      gpu,
      plan.outputs.map((pieces) => ({ pieces, ranges: pieces.parts.map((part) => plan.executable.rangeOf(part)) })),
    ));
    await gpu.scoped("train", () => {
      upload(gpu, plan, batch);
      plan.executable.submit((encoder) => counted.encode(encoder));
    });
    const counts = await counted.read();
    const first = counts.findIndex(([count]) => count! > 0);
    if (first === -1) return null;
    const { tensor, part, name } = watched[first]!;
    return { part, tensor: name, elements: counts[first]![0]!, of: numel(tensor.shape) };
  } finally {
    readback?.dispose();
    plan.executable.dispose();
  }
}

/** The first parameter whose gradient, as the halted step left it, is not finite; or the loss. */
export async function firstInGradients(store: WeightStore, params: readonly Param[]): Promise<Finding> {
  const read = await store.read("gradient", "train");
  for (const { name } of params) {
    const data = read.get(name)?.data ?? new Float32Array();
    const elements = data.reduce((n, value) => (Number.isFinite(value) ? n : n + 1), 0);
    if (elements > 0) return { part: "gradient", tensor: name, elements, of: data.length };
  }
  return { part: "loss", tensor: "loss", elements: 1, of: 1 };
}

interface Watched {
  readonly tensor: Tensor;
  readonly part: Divergence["part"];
  readonly name: string;
}

function watchedTensors(loss: Tensor, params: readonly Param[]): Watched[] {
  const nodes = topological([loss]);
  const names = nodeNames(nodes);
  const nameOf = (node: Tensor): string => {
    const name = names.get(node)!;
    // A node that is only called after its op says behind which layer it stands.
    const isNamed = !name.startsWith(node.op) || node.inputs.length === 0;
    return isNamed ? name : `${name} (behind ${node.inputs.map((t) => names.get(t)).join(", ")})`;
  };
  const partOf = ({ op }: Tensor): Divergence["part"] => (op === "param" ? "weight" : op === "input" ? "input" : "activation");
  const forward = nodes
    .filter((node) => node.dtype === "f32")
    .map((tensor) => ({ tensor, part: partOf(tensor), name: nameOf(tensor) }));
  const reached = new Set<Tensor>(params);
  for (const node of nodes) if (node.inputs.some((t) => reached.has(t))) reached.add(node);
  const differentiable = nodes.filter((node) => reached.has(node) && node.dtype === "f32").toReversed();
  const backward = gradients(loss, differentiable).map((tensor, i) => ({
    tensor,
    part: "gradient" as const,
    name: nameOf(differentiable[i]!),
  }));
  return [...forward, ...backward];
}
