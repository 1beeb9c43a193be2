/** Integer outputs summed over many runs on the GPU: counts of a whole set of images with one read-back at the end. */
import { allocate } from "../gpu/allocate.js";
import { wholeBuffer } from "../gpu/buffer-range.js";
import type { GpuContext } from "../gpu/context.js";
import type { PipelineCache } from "../gpu/pipelines.js";
import { addToTotal, readTotals, totalBytes } from "../kernels/total.js";
import { InputError } from "../tensor/errors.js";
import { formatShape, numel } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { bindAll, encode, kernelFor, packUniforms, type Bound } from "./bind.js";
import type { SomeInputs } from "./inputs.js";
import type { CompiledPlan } from "./plan.js";

export interface TotalsOptions<K> {
  /** Integer outputs (confusionMatrix), whose shapes do not depend on the inputs'. */
  readonly outputs: readonly K[];
  readonly signal?: AbortSignal;
  /** Told how many runs were handed to the GPU. */
  readonly onRun?: (done: number) => void;
}

/** The host is at most so many runs ahead. */
const MAX_RUNS_AHEAD = 3;

export type SomeBatches<I> = Iterable<SomeInputs<I>> | AsyncIterable<SomeInputs<I>>;

/** Runs on some inputs: `finish` adds to the last submit of the run, `after` ends its turn. */
type Submit<I> = (
  inputs: SomeInputs<I>,
  finish: (encoder: GPUCommandEncoder, plan: CompiledPlan) => void,
  after: (plan: CompiledPlan, submitted: Promise<void>) => Promise<void>,
) => Promise<void>;

/** The totals of `outputs` over a run for each batch, by name. Throws the signal's reason. */
export async function sumOver<I, K extends PropertyKey>(
  gpu: GpuContext,
  pipelines: PipelineCache,
  outputs: readonly Tensor[],
  batches: SomeBatches<I>,
  { outputs: names, signal, onRun }: TotalsOptions<K>,
  submit: Submit<I>,
): Promise<{ readonly [N in K]: Float64Array }> {
  const totals = await Totals.create(gpu, pipelines, outputs);
  try {
    let done = 0;
    for await (const batch of batches) {
      signal?.throwIfAborted();
      await submit(
        batch,
        (encoder, plan) => totals.encode(encoder, plan),
        (_, submitted) => totals.throttle(submitted),
      );
      onRun?.(++done);
    }
    const values = await totals.read();
    return Object.fromEntries([...new Set(names)].map((name, i) => [name, values[i]])) as { [N in K]: Float64Array };
  } finally {
    totals.dispose();
  }
}

class Totals {
  private readonly bound = new WeakMap<CompiledPlan, readonly Bound[]>();
  private readonly pending: Promise<unknown>[] = [];

  private constructor(
    private readonly gpu: GpuContext,
    private readonly buffers: readonly GPUBuffer[],
    private readonly staging: readonly GPUBuffer[],
    private readonly bindPlan: (plan: CompiledPlan) => readonly Bound[],
    readonly dispose: () => void,
  ) {}

  /** Throws InputError for an output that is not a vector, matrix or cube of integers; OutOfMemoryError, before anything is run. */
  static async create(gpu: GpuContext, pipelines: PipelineCache, outputs: readonly Tensor[]): Promise<Totals> {
    for (const { name, dtype, shape } of outputs) {
      // Rank 4 has padding lanes.
      if (dtype !== "i32" || shape.length === 4)
        throw new InputError(
          `total: output ${name} is ${dtype} ${formatShape(shape)}: only i32 outputs of another rank than 4 are summed, as confusionMatrix gives`,
        );
    }
    const dispatches = outputs.map((t) => addToTotal(numel(t.shape)));
    const kernels = await Promise.all(dispatches.map((d) => kernelFor(pipelines, d)));
    const need = { by: "total", what: "the sums of its outputs", remedy: "ask for fewer outputs, or dispose other programs" };
    return allocate(gpu, need, (make) => {
      const sizes = outputs.map((t) => totalBytes(numel(t.shape)));
      const buffers = outputs.map((t, i) =>
        make.buffer(`total of ${t.name}`, sizes[i]!, GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC),
      );
      const staging = sizes.map((size) => make.buffer("total readback", size, GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST));
      const { data, offsets } = packUniforms(dispatches);
      const uniforms = make.buffer("total params", data.byteLength, GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST);
      gpu.device.queue.writeBuffer(uniforms, 0, data);
      const bindPlan = (plan: CompiledPlan): readonly Bound[] =>
        dispatches.flatMap((d, i) => {
          const own = { dispatches: [d], kernels: [kernels[i]!], uniforms, offsets: [offsets[i]!] };
          return bindAll(gpu, { name: "total", ...own }, (ref) =>
            ref === "output" ? wholeBuffer(buffers[i]!) : plan.executable.rangeOf(plan.outputs[i]!.parts[0]!),
          );
        });
      return new Totals(gpu, buffers, staging, bindPlan, make.dispose);
    });
  }

  /** Adds the outputs of a run to the totals, behind it. */
  encode(encoder: GPUCommandEncoder, plan: CompiledPlan): void {
    let bound = this.bound.get(plan);
    if (!bound) this.bound.set(plan, (bound = this.bindPlan(plan)));
    const pass = encoder.beginComputePass();
    encode(pass, bound);
    pass.end();
  }

  /** Waits only when the device is several runs behind. */
  async throttle(submitted: Promise<void>): Promise<void> {
    const done = Promise.all([this.gpu.device.queue.onSubmittedWorkDone(), submitted]);
    done.catch(() => undefined);
    this.pending.push(done);
    if (this.pending.length > MAX_RUNS_AHEAD) await this.gpu.orLost(this.pending.shift()!);
  }

  /** One array per output. */
  async read(): Promise<Float64Array[]> {
    const { device } = this.gpu;
    const encoder = device.createCommandEncoder();
    this.buffers.forEach((b, i) => encoder.copyBufferToBuffer(b, 0, this.staging[i]!, 0, b.size));
    device.queue.submit([encoder.finish()]);
    for (const s of this.staging) await this.gpu.mapped(s);
    await this.gpu.orLost(Promise.all(this.pending));
    return this.staging.map((s) => readTotals(new Uint32Array(s.getMappedRange())));
  }
}
