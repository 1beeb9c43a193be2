/** A graph made ready for one set of input shapes: passes, lowering, memory, buffers; with its figures for people. */
import type { GpuContext } from "../gpu/context.js";
import type { PipelineCache } from "../gpu/pipelines.js";
import type { Tensor } from "../tensor/tensor.js";
import { byteLength } from "../tensor/layout.js";
import { formatShape } from "../tensor/shape.js";
import { buildExecutable, type Executable } from "./executable.js";
import { lower } from "./lower.js";
import { fuse } from "./passes/fuse.js";
import { splitOversized } from "./passes/split.js";
import { withoutDropout } from "./passes/without-dropout.js";
import type { Pieces } from "./pieces.js";
import { traitsOf } from "./traits.js";
import type { WeightStore } from "./weight-store.js";

export interface Plan {
  readonly dispatches: number;
  /** Submits of one run at the program's submit budget. */
  readonly submits: number;
  /** Bytes of tensors that live only during a run: all but weights, gradients and optimiser state. */
  readonly transientBytes: number;
  /** Most transient bytes alive at once: no plan can do with less. */
  readonly transientLowerBoundBytes: number;
  /** The same without any sharing of buffers. */
  readonly transientUnsharedBytes: number;
  readonly weightBytes: number;
  /** All of it: transient, weights, gradients and optimiser state (where there is training), uniforms. */
  readonly peakBytes: number;
  /** One line per node: name, op, variant, output, MFLOP; then the memory. */
  toTable(): string;
}

export interface CompiledPlan {
  readonly executable: Executable;
  readonly inputs: ReadonlyMap<string, Pieces>;
  /** In the order of the outputs asked for. */
  readonly outputs: readonly Pieces[];
  readonly plan: Plan;
}

export interface PlanRequest {
  readonly gpu: GpuContext;
  readonly pipelines: PipelineCache;
  readonly store: WeightStore;
  readonly outputs: readonly Tensor[];
  /** Outputs that are gradients of parameters, by parameter name: they are written to the store. */
  readonly gradientsOf?: ReadonlyMap<Tensor, string>;
  readonly training: boolean;
  readonly submitBudgetMs: number;
  readonly prefer?: ReadonlyMap<string, string>;
  readonly onKernel?: (done: number, total: number) => void;
  readonly signal?: AbortSignal | undefined;
}

export async function compilePlan(request: PlanRequest): Promise<CompiledPlan> {
  const { gpu, store } = request;
  const limit = Math.min(gpu.limits.maxStorageBufferBindingSize, gpu.limits.maxBufferSize);
  // Plain nodes are cut; their pieces are fused.
  const split = splitOversized(request.training ? request.outputs : withoutDropout(request.outputs), limit);
  const parts = fuse(split.outputs.flatMap((o) => o.parts));
  let next = 0;
  const outputs = split.outputs.map((o): Pieces => ({ ...o, parts: o.parts.map(() => parts[next++]!) }));
  const persistent = new Map<Tensor, GPUBuffer>();
  const inputs = new Map<string, Pieces>();
  for (const [leaf, pieces] of split.leaves) {
    if (leaf.op === "rng") persistent.set(pieces.parts[0]!, store.rng);
    if (leaf.op === "param") pieces.parts.forEach((part, i) => persistent.set(part, store.buffers(leaf.name, "weight")[i]!));
    if (leaf.op === "input") inputs.set(leaf.name, pieces);
  }
  const lowered = lower(parts, traitsOf(gpu), limit, request.prefer);
  request.outputs.forEach((output, i) => {
    const name = request.gradientsOf?.get(output);
    if (name !== undefined)
      outputs[i]!.parts.forEach((part, k) => persistent.set(lowered.storageOf(part), store.buffers(name, "gradient")[k]!));
  });
  const executable = await buildExecutable({
    gpu,
    pipelines: request.pipelines,
    lowered,
    outputs: parts,
    persistent,
    submitBudgetMs: request.submitBudgetMs,
    ...(request.onKernel ? { onKernel: request.onKernel } : {}),
    signal: request.signal,
  });
  return { executable, inputs, outputs, plan: describePlan(executable, store) };
}

function describePlan(executable: Executable, store: WeightStore): Plan {
  const { memory, steps } = executable;
  const state = store.bytes("gradient") + store.bytes("velocity") + store.bytes("accumulator");
  return {
    dispatches: steps.reduce((n, s) => n + s.bound.length, 0),
    submits: executable.submits,
    transientBytes: memory.bytes,
    transientLowerBoundBytes: memory.lowerBoundBytes,
    transientUnsharedBytes: memory.unsharedBytes,
    weightBytes: store.bytes("weight"),
    peakBytes: memory.bytes + store.bytes("weight") + state + executable.overheadBytes,
    toTable() {
      const rows = steps.map(({ step, bound }) => [
        step.name,
        step.node.op,
        step.variant.name,
        formatShape(step.node.shape),
        (step.flops / 1e6).toFixed(2),
        (byteLength(step.node.shape) / 1024).toFixed(0),
        String(bound.length),
      ]);
      const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(2)} MiB`;
      const ratio = memory.lowerBoundBytes > 0 ? (memory.bytes / memory.lowerBoundBytes).toFixed(3) : "1.000";
      return [
        table(["node", "op", "variant", "output", "MFLOP", "KiB", "dispatches"], rows),
        `transient ${mib(memory.bytes)}, ${ratio} of the liveness bound ${mib(memory.lowerBoundBytes)} (${mib(memory.unsharedBytes)} without sharing); weights ${mib(store.bytes("weight"))}; training state ${mib(state)}`,
      ].join("\n");
    },
  };
}

/** Columns padded to equal width; the first column to the left, the others to the right where they hold numbers. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((h, i) => Math.max(h.length, ...rows.map((r) => r[i]!.length)));
  const numeric = header.map((_, i) => rows.every((r) => /^[\d.,%-]*$/.test(r[i]!)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((c, i) => (numeric[i] ? c.padStart(widths[i]!) : c.padEnd(widths[i]!)))
      .join("  ")
      .trimEnd();
  return [line(header), line(widths.map((w) => "-".repeat(w))), ...rows.map(line)].join("\n");
}
