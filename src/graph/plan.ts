/** A graph made ready for one set of input shapes: passes, lowering, memory, buffers; with its figures for people. */
import { wholeBuffer, type BufferRange } from "../gpu/buffer-range.js";
import type { GpuContext } from "../gpu/context.js";
import type { PipelineCache } from "../gpu/pipelines.js";
import type { Tensor } from "../tensor/tensor.js";
import { byteLength } from "../tensor/layout.js";
import { formatShape } from "../tensor/shape.js";
import { buildExecutable, type Executable } from "./executable.js";
import type { ChoiceBook } from "./choice-book.js";
import { choicesOf, type ChoiceDevice, type Choices } from "./choose.js";
import { lower, type Lowered } from "./lower.js";
import { fuse } from "./passes/fuse.js";
import { markDiagonal } from "./passes/mark-diagonal.js";
import { half, type HalfGraph } from "./passes/half.js";
import { pair } from "./passes/pair.js";
import { splitOversized } from "./passes/split.js";
import type { PreparedWeights } from "./prepared-weights.js";
import { withoutDropout } from "./passes/without-dropout.js";
import type { Pieces } from "./pieces.js";
import { table } from "./table.js";
import { traitsOf } from "./traits.js";
import type { WeightStore } from "./weight-store.js";

export interface Plan {
  /** Of one run; what prepares weights, once after each load, is not among them. */
  readonly dispatches: number;
  /** Submits of one run at the program's submit budget. */
  readonly submits: number;
  /** Bytes of tensors that live only during a run: all but weights, gradients and optimiser state. */
  readonly transientBytes: number;
  /** Most transient bytes alive at once: no plan can do with less. */
  readonly transientLowerBoundBytes: number;
  /** The same without any sharing of buffers. */
  readonly transientUnsharedBytes: number;
  /** The parameters, and what this plan's kernels keep of them in another form. */
  readonly weightBytes: number;
  /** All of it: transient, weights, gradients and optimiser state (where there is training), uniforms. */
  readonly peakBytes: number;
  /** Which variant computes each node, and why. */
  readonly choices: Choices;
  /** One line per node: name, op, variant, output, MFLOP; then the memory. */
  toTable(): string;
}

export interface CompiledPlan {
  readonly executable: Executable;
  readonly inputs: ReadonlyMap<string, Pieces>;
  /** In the order of the outputs asked for. */
  readonly outputs: readonly Pieces[];
  readonly plan: Plan;
  /** The parameters that it takes to be diagonal. */
  readonly diagonal: ReadonlySet<string>;
  dispose(): void;
}

export interface PlanRequest {
  readonly gpu: GpuContext;
  readonly pipelines: PipelineCache;
  readonly store: WeightStore;
  readonly outputs: readonly Tensor[];
  /** Outputs that are gradients of parameters, by parameter name: they are written to the store. */
  readonly gradientsOf?: ReadonlyMap<Tensor, string>;
  readonly training: boolean;
  /** Where inference keeps prepared weights; without it every run prepares them. */
  readonly prepared?: PreparedWeights;
  readonly submitBudgetMs: number;
  readonly choices: ChoiceBook;
  readonly onKernel?: (done: number, total: number) => void;
  readonly signal?: AbortSignal | undefined;
  /** Ends the tuning, not the compiling. */
  readonly tuneSignal?: AbortSignal | undefined;
}

/** What the choice of variants for this device goes by. */
export function choiceDeviceOf(gpu: GpuContext): ChoiceDevice {
  return {
    traits: traitsOf(gpu),
    limitBytes: Math.min(gpu.limits.maxStorageBufferBindingSize, gpu.limits.maxBufferSize),
  };
}

export async function compilePlan(request: PlanRequest): Promise<CompiledPlan> {
  const { gpu, store, choices } = request;
  const device = choiceDeviceOf(gpu);
  const kind = { keepsPrepared: request.prepared !== undefined };
  // Plain nodes are cut; their pieces are fused.
  const split = splitOversized(request.training ? request.outputs : withoutDropout(request.outputs), device.limitBytes);
  const { diagonal } = store;
  const marked = markDiagonal(
    split.outputs.flatMap((o) => o.parts),
    diagonal,
  );
  const { outputs: parts, leafOf } = stored(pair(fuse(marked)), store);
  let next = 0;
  const outputs = split.outputs.map((o): Pieces => ({ ...o, parts: o.parts.map(() => parts[next++]!) }));
  const persistent = new Map<Tensor, BufferRange>();
  const inputs = new Map<string, Pieces>();
  for (const [leaf, pieces] of split.leaves) {
    if (leaf.op === "lossScale") persistent.set(pieces.parts[0]!, wholeBuffer(store.scaling));
    if (leaf.op === "rng") persistent.set(pieces.parts[0]!, wholeBuffer(store.rng));
    if (leaf.op === "param")
      pieces.parts.forEach((part, i) => persistent.set(leafOf(part), store.ranges(leaf.name, "weight")[i]!));
    if (leaf.op === "input") inputs.set(leaf.name, pieces);
  }
  await choices.tuner?.tune(parts, device, kind, choices.saved, request.tuneSignal ?? request.signal);
  request.signal?.throwIfAborted();
  const lowered = lower(parts, device, choices, kind);
  if (request.gradientsOf) await store.provide("train", ["gradient"], [...request.gradientsOf.values()]);
  request.outputs.forEach((output, i) => {
    const name = request.gradientsOf?.get(output);
    if (name !== undefined)
      outputs[i]!.parts.forEach((part, k) => persistent.set(lowered.storageOf(part), store.ranges(name, "gradient")[k]!));
  });
  const executable = await buildExecutable({
    gpu,
    pipelines: request.pipelines,
    lowered,
    outputs: parts,
    persistent,
    prepared: request.prepared,
    submitBudgetMs: request.submitBudgetMs,
    ...(request.onKernel ? { onKernel: request.onKernel } : {}),
    signal: request.signal,
  });
  choices.record(lowered);
  const plan = describePlan(executable, lowered, store);
  return { executable, inputs, outputs, plan, diagonal, dispose: () => executable.dispose() };
}

/** The graph with the types that the program's precision stores its tensors in. */
function stored(outputs: readonly Tensor[], { precision }: WeightStore): HalfGraph {
  return precision === "f32" ? { outputs, leafOf: (leaf) => leaf } : half(outputs, { weights: precision === "f16" });
}

function describePlan(executable: Executable, lowered: Lowered, store: WeightStore): Plan {
  const { memory, steps } = executable;
  const weightBytes = store.bytes("weight") + executable.preparedBytes;
  const state = store.bytes("gradient") + store.bytes("velocity") + store.bytes("accumulator");
  return {
    dispatches: steps.reduce((n, s) => n + s.bound.length, 0),
    submits: executable.submits,
    transientBytes: memory.bytes,
    transientLowerBoundBytes: memory.lowerBoundBytes,
    transientUnsharedBytes: memory.unsharedBytes,
    weightBytes,
    peakBytes: memory.bytes + weightBytes + state + executable.overheadBytes,
    choices: choicesOf(lowered.choices),
    toTable() {
      const rows = steps.map(({ step, bound }) => [
        step.name,
        step.node.op,
        step.variant.name,
        `${step.node.dtype === "f16" ? "f16 " : ""}${formatShape(step.node.shape)}`,
        (step.flops / 1e6).toFixed(2),
        (byteLength(step.node.shape, step.node.dtype) / 1024).toFixed(0),
        String(bound.length),
      ]);
      const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(2)} MiB`;
      const ratio = memory.lowerBoundBytes > 0 ? (memory.bytes / memory.lowerBoundBytes).toFixed(3) : "1.000";
      return [
        table(["node", "op", "variant", "output", "MFLOP", "KiB", "dispatches"], rows),
        `transient ${mib(memory.bytes)}, ${ratio} of the liveness bound ${mib(memory.lowerBoundBytes)} (${mib(memory.unsharedBytes)} without sharing); weights ${mib(weightBytes)} (${mib(executable.preparedBytes)} of it prepared); training state ${mib(state)}`,
      ].join("\n");
    },
  };
}
