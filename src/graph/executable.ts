/**
 * A lowered graph with its buffers, pipelines and bind groups: everything a run needs, made once. Running it again creates no GPU
 * object: it re-encodes a fixed list.
 */
import { allocate } from "../gpu/allocate.js";
import { wholeBuffer, type BufferRange } from "../gpu/buffer-range.js";
import type { GpuContext } from "../gpu/context.js";
import type { PipelineCache } from "../gpu/pipelines.js";
import { SMALLER } from "../gpu/scopes.js";
import type { Ref } from "../kernels/op.js";
import { formatShape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { bindAll, encode, kernelFor, packUniforms, type Bound } from "./bind.js";
import { estimateMs } from "./estimate.js";
import type { Lowered, Step } from "./lower.js";
import { layOut } from "./memory-layout.js";
import type { MemoryPlan } from "./plan-memory.js";
import type { Preparation, PreparedWeights } from "./prepared-weights.js";

export interface BoundStep {
  readonly step: Step;
  /** What every run dispatches. */
  readonly bound: readonly Bound[];
  readonly estimatedMs: number;
}

/** What goes into one submit. */
interface Chunk {
  /** Those that steps of this chunk are the first to need. */
  readonly preparations: readonly Preparation[];
  readonly bound: readonly Bound[];
}

export interface Executable {
  readonly steps: readonly BoundStep[];
  readonly memory: MemoryPlan;
  /** Bytes of uniforms and other buffers that hold no tensor. */
  readonly overheadBytes: number;
  /** Bytes of the prepared weights that the steps read; other plans of the program may read them too. */
  readonly preparedBytes: number;
  /** Where a leaf or an output lies. */
  rangeOf(tensor: Tensor): BufferRange;
  readonly submits: number;
  /** The dispatches of each submit, but for preparations. */
  readonly chunks: readonly (readonly Bound[])[];
  /**
   * Encodes and submits everything, in as many submits as the budget asks for, with the preparations that are due; `finish` adds to the last one.
   */
  submit(finish?: (encoder: GPUCommandEncoder) => void): void;
  dispose(): void;
}

export interface BuildOptions {
  readonly gpu: GpuContext;
  readonly pipelines: PipelineCache;
  readonly lowered: Lowered;
  readonly outputs: readonly Tensor[];
  /** Buffers that live longer than this plan: parameters, gradients, the random state. */
  readonly persistent: ReadonlyMap<Tensor, BufferRange>;
  /** Where steps find their prepared weights. Not needed where no variant has such. */
  readonly prepared?: PreparedWeights | undefined;
  readonly submitBudgetMs: number;
  readonly onKernel?: (done: number, total: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/** Throws OutOfMemoryError naming the tensor that the device's limits cannot hold; KernelCompileError; the signal's reason. */
export async function buildExecutable(options: BuildOptions): Promise<Executable> {
  const { gpu, lowered } = options;
  const layout = layOut(lowered, options.outputs, new Set(options.persistent.keys()), gpu.limits);
  const preparing = Promise.all(lowered.steps.map((step) => preparationOf(step, options)));
  preparing.catch(() => undefined); // awaited below; it may fail before that
  const kernels = await compileAll(options);
  options.signal?.throwIfAborted();
  const preparations = await preparing;
  const need = { by: "compile", what: describePlanned(lowered), remedy: SMALLER };
  return allocate(gpu, need, (make): Executable => {
    const { device } = gpu;
    const storage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
    const buffers = layout.memory.buffers.map((bytes, i) => make.buffer(`transient ${i}`, bytes, storage));
    const absent = wholeBuffer(make.buffer("absent operand", 16, storage));
    const rangeOfItem = (item: number): BufferRange => {
      const { buffer, offset } = layout.memory.places[item]!;
      return { buffer: buffers[buffer]!, offset, size: layout.lifetimes[item]!.bytes };
    };
    const rangeOf = (tensor: Tensor): BufferRange => {
      const root = lowered.storageOf(tensor);
      const range = options.persistent.get(root);
      if (range) return range;
      const item = layout.itemOf.get(root);
      if (item === undefined)
        throw new Error(`no memory was planned for ${tensor.name || tensor.op} ${formatShape(tensor.shape)}`);
      return rangeOfItem(item);
    };

    const { data, offsets } = packUniforms(lowered.steps.flatMap((s) => s.variant.dispatches));
    const uniforms = make.buffer("params", data.byteLength, GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST);
    device.queue.writeBuffer(uniforms, 0, data);

    let next = 0;
    const steps = lowered.steps.map((step, s): BoundStep => {
      const resolve = (ref: Ref): BufferRange => {
        if (ref === "output") return rangeOf(step.node);
        if (ref === "second") return rangeOf(step.second!);
        if (ref === "absent") return absent;
        if ("prepared" in ref) return preparations[s]!.ranges[ref.prepared]!;
        return "input" in ref ? rangeOf(step.node.inputs[ref.input]!) : rangeOfItem(layout.scratchOf[s]![ref.scratch]!);
      };
      const { dispatches } = step.variant;
      const [first, end] = [next, (next += dispatches.length)];
      const own = { kernels: kernels.slice(first, end), offsets: offsets.slice(first, end) };
      const bound = bindAll(gpu, { name: step.name, dispatches, uniforms, ...own }, resolve);
      return { step, bound, estimatedMs: estimateMs(step, gpu.info.software) };
    });
    const chunks = chunk(steps, preparations, options.submitBudgetMs);

    return {
      steps,
      submits: chunks.length,
      chunks: chunks.map((c) => c.bound),
      memory: layout.memory,
      overheadBytes: data.byteLength + 16,
      preparedBytes: chunks.flatMap((c) => c.preparations).reduce((n, p) => n + p.bytes, 0),
      rangeOf,
      submit(finish) {
        chunks.forEach(({ preparations: needed, bound }, i) => {
          const due = needed.filter((p) => p.isDue());
          const encoder = device.createCommandEncoder();
          const pass = encoder.beginComputePass();
          for (const preparation of due) encode(pass, preparation.bound);
          encode(pass, bound);
          pass.end();
          if (i === chunks.length - 1) finish?.(encoder);
          device.queue.submit([encoder.finish()]);
          for (const preparation of due) preparation.submitted();
        });
      },
      dispose: make.dispose,
    };
  });
}

/** For people: what was too large. */
function describePlanned({ leaves, steps }: Lowered): string {
  const inputs = leaves.filter(({ op }) => op === "input").map(({ name, shape }) => `${name} ${formatShape(shape)}`);
  return `a plan of ${steps.length} nodes${inputs.length > 0 ? ` for ${inputs.join(", ")}` : ""}`;
}

async function preparationOf(
  { node, name, variant }: Step,
  { lowered, persistent, prepared }: BuildOptions,
): Promise<Preparation | undefined> {
  if (!variant.prepared) return undefined;
  if (!prepared) throw new Error(`${name}: the plan has no place for prepared weights`);
  return prepared.of(name, variant.prepared, (input) => persistent.get(lowered.storageOf(node.inputs[input]!))!);
}

async function compileAll({ pipelines, lowered, onKernel, signal }: BuildOptions) {
  const dispatches = lowered.steps.flatMap((s) => s.variant.dispatches);
  let done = 0;
  return Promise.all(
    dispatches.map(async (d) => {
      signal?.throwIfAborted();
      const kernel = await kernelFor(pipelines, d);
      onKernel?.(++done, dispatches.length);
      return kernel;
    }),
  );
}

/** One submit per started `budgetMs` of estimated work, so that no watchdog strikes and the page stays alive. */
function chunk(steps: readonly BoundStep[], preparations: readonly (Preparation | undefined)[], budgetMs: number): Chunk[] {
  const chunks: { preparations: Preparation[]; bound: Bound[] }[] = [];
  const seen = new Set<Preparation | undefined>([undefined]);
  let elapsed = 0;
  let current = -1;
  steps.forEach(({ bound, estimatedMs }, s) => {
    const slice = Math.floor(elapsed / budgetMs);
    if (slice > current) chunks.push({ preparations: [], bound: [] });
    current = slice;
    const last = chunks[chunks.length - 1]!;
    if (!seen.has(preparations[s])) last.preparations.push(preparations[s]!);
    seen.add(preparations[s]);
    last.bound.push(...bound);
    elapsed += estimatedMs;
  });
  return chunks.length > 0 ? chunks : [{ preparations: [], bound: [] }];
}
