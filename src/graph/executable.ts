/**
 * A lowered graph with its buffers, pipelines and bind groups: everything a run needs, made once. Running it again creates no GPU
 * object: it re-encodes a fixed list.
 */
import { wholeBuffer, type BufferRange } from "../gpu/buffer-range.js";
import type { GpuContext } from "../gpu/context.js";
import type { PipelineCache } from "../gpu/pipelines.js";
import type { Dispatch, Ref } from "../kernels/op.js";
import { formatShape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { bindDispatch, encode, kernelFor, paramsBytes, UNIFORM_ALIGNMENT, writeParams, type Bound } from "./bind.js";
import { estimateMs } from "./estimate.js";
import type { Lowered, Step } from "./lower.js";
import { layOut } from "./memory-layout.js";
import type { MemoryPlan } from "./plan-memory.js";

export interface BoundStep {
  readonly step: Step;
  readonly bound: readonly Bound[];
  readonly estimatedMs: number;
}

export interface Executable {
  readonly steps: readonly BoundStep[];
  readonly memory: MemoryPlan;
  /** Bytes of uniforms and other buffers that hold no tensor. */
  readonly overheadBytes: number;
  /** Where a leaf or an output lies. */
  rangeOf(tensor: Tensor): BufferRange;
  readonly submits: number;
  /** The dispatches of each submit. */
  readonly chunks: readonly (readonly Bound[])[];
  /** Encodes and submits everything, in as many submits as the budget asks for; `finish` adds to the last one. */
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
  readonly submitBudgetMs: number;
  readonly onKernel?: (done: number, total: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/** Throws OutOfMemoryError naming the tensor that the device's limits cannot hold; KernelCompileError; the signal's reason. */
export async function buildExecutable(options: BuildOptions): Promise<Executable> {
  const { gpu, lowered } = options;
  const layout = layOut(lowered, options.outputs, new Set(options.persistent.keys()), gpu.limits);
  const kernels = await compileAll(options);
  options.signal?.throwIfAborted();
  return gpu.scoped("compile", () => {
    const { device } = gpu;
    const made: GPUBuffer[] = [];
    const create = (label: string, size: number, usage: number): GPUBuffer => {
      const buffer = device.createBuffer({ label, size, usage });
      made.push(buffer);
      return buffer;
    };
    const storage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
    const buffers = layout.memory.buffers.map((bytes, i) => create(`transient ${i}`, bytes, storage));
    const absent = wholeBuffer(create("absent operand", 16, storage));
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

    const all = lowered.steps.flatMap((s) => s.variant.dispatches);
    const offsets = uniformOffsets(all);
    const uniformData = new ArrayBuffer(Math.max(16, offsets.end));
    const view = new DataView(uniformData);
    all.forEach((d, i) => writeParams(d, view, offsets.at[i]!));
    const uniforms = create("params", uniformData.byteLength, GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST);
    device.queue.writeBuffer(uniforms, 0, uniformData);

    let next = 0;
    const steps = lowered.steps.map((step, s): BoundStep => {
      const resolve = (ref: Ref): BufferRange => {
        if (ref === "output") return rangeOf(step.node);
        if (ref === "second") return rangeOf(step.second!);
        if (ref === "absent") return absent;
        return "input" in ref ? rangeOf(step.node.inputs[ref.input]!) : rangeOfItem(layout.scratchOf[s]![ref.scratch]!);
      };
      const bound = step.variant.dispatches.map((d) => {
        const i = next++;
        return bindDispatch(
          gpu,
          kernels[i]!,
          d,
          `${step.name}/${d.shader}`,
          { buffer: uniforms, offset: offsets.at[i]! },
          (name) => resolve(refOf(d, name)),
        );
      });
      return { step, bound, estimatedMs: estimateMs(step, gpu.info.software) };
    });
    const chunks = chunk(steps, options.submitBudgetMs);

    return {
      steps,
      submits: chunks.length,
      chunks,
      memory: layout.memory,
      overheadBytes: uniformData.byteLength + 16,
      rangeOf,
      submit(finish) {
        chunks.forEach((bound, i) => {
          const encoder = device.createCommandEncoder();
          const pass = encoder.beginComputePass();
          encode(pass, bound);
          pass.end();
          if (i === chunks.length - 1) finish?.(encoder);
          device.queue.submit([encoder.finish()]);
        });
      },
      dispose: () => made.forEach((b) => b.destroy()),
    };
  });
}

function refOf(d: Dispatch, name: string): Ref {
  const ref = d.buffers[name];
  if (ref === undefined) throw new Error(`${d.shader}: the dispatch has no buffer ${name}`);
  return ref;
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

function uniformOffsets(dispatches: readonly Dispatch[]): { at: number[]; end: number } {
  let end = 0;
  const at = dispatches.map((d) => {
    const offset = end;
    end = offset + Math.ceil(paramsBytes(d) / UNIFORM_ALIGNMENT) * UNIFORM_ALIGNMENT;
    return offset;
  });
  return { at, end };
}

/** One submit per started `budgetMs` of estimated work, so that no watchdog strikes and the page stays alive. */
function chunk(steps: readonly BoundStep[], budgetMs: number): Bound[][] {
  const chunks: Bound[][] = [];
  let elapsed = 0;
  let current = -1;
  for (const { bound, estimatedMs } of steps) {
    const slice = Math.floor(elapsed / budgetMs);
    if (slice > current) chunks.push([]);
    current = slice;
    chunks[chunks.length - 1]!.push(...bound);
    elapsed += estimatedMs;
  }
  return chunks.length > 0 ? chunks : [[]];
}
