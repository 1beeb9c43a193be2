/** Integer outputs summed over many runs on the GPU: counts of a whole set of images with one read-back at the end. */
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
  after: () => Promise<void>,
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
        () => totals.throttle(),
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
    private readonly uniforms: GPUBuffer,
    private readonly bindPlan: (plan: CompiledPlan) => readonly Bound[],
  ) {}

  /** Throws InputError for an output that is not a vector, matrix or cube of integers. */
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
    return gpu.scoped("total", () => {
      const { device } = gpu;
      const storage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC;
      const buffers = outputs.map((t) =>
        device.createBuffer({ label: `total of ${t.name}`, size: totalBytes(numel(t.shape)), usage: storage }),
      );
      const { data, offsets } = packUniforms(dispatches);
      const uniforms = device.createBuffer({
        label: "total params",
        size: data.byteLength,
        usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
      });
      device.queue.writeBuffer(uniforms, 0, data);
      const bindPlan = (plan: CompiledPlan): readonly Bound[] =>
        dispatches.flatMap((d, i) => {
          const own = { dispatches: [d], kernels: [kernels[i]!], uniforms, offsets: [offsets[i]!] };
          return bindAll(gpu, { name: "total", ...own }, (ref) =>
            ref === "output" ? wholeBuffer(buffers[i]!) : plan.executable.rangeOf(plan.outputs[i]!.parts[0]!),
          );
        });
      return new Totals(gpu, buffers, uniforms, bindPlan);
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
  async throttle(): Promise<void> {
    this.pending.push(this.gpu.device.queue.onSubmittedWorkDone());
    if (this.pending.length > MAX_RUNS_AHEAD) await this.gpu.orLost(this.pending.shift()!);
  }

  /** One array per output. */
  async read(): Promise<Float64Array[]> {
    const { device } = this.gpu;
    const staging = this.buffers.map((b) =>
      device.createBuffer({ label: "total readback", size: b.size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST }),
    );
    try {
      const encoder = device.createCommandEncoder();
      this.buffers.forEach((b, i) => encoder.copyBufferToBuffer(b, 0, staging[i]!, 0, b.size));
      device.queue.submit([encoder.finish()]);
      for (const s of staging) await this.gpu.mapped(s);
      return staging.map((s) => readTotals(new Uint32Array(s.getMappedRange())));
    } finally {
      staging.forEach((s) => s.destroy());
    }
  }

  dispose(): void {
    this.buffers.forEach((b) => b.destroy());
    this.uniforms.destroy();
  }
}
