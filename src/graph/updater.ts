/** The optimiser's update kernels over the parameters that a loss trains, one for all that lie in a row, encoded behind every backward pass. */
import { allocate } from "../gpu/allocate.js";
import { wholeBuffer } from "../gpu/buffer-range.js";
import type { GpuContext } from "../gpu/context.js";
import type { PipelineCache } from "../gpu/pipelines.js";
import { scaledSgdUpdate } from "../kernels/loss-scale.js";
import { accumulateGradient, HYPER_BYTES, sgdUpdate } from "../kernels/sgd.js";
import type { Param } from "../tensor/tensor.js";
import { bindDispatch, encode, kernelFor, paramsBytes, UNIFORM_ALIGNMENT, writeParams, type Bound } from "./bind.js";
import { LossScaler } from "./loss-scaler.js";
import type { Sgd } from "./optimizer.js";
import type { WeightStore, StateKind } from "./weight-store.js";

export class Updater {
  private constructor(
    private readonly gpu: GpuContext,
    private readonly store: WeightStore,
    /** What the kernels read besides gradients (kernels/sgd.ts). */
    readonly hyper: GPUBuffer,
    private readonly uniforms: GPUBuffer,
    /** In mixed precision. */
    readonly scaler: LossScaler | undefined,
    private readonly fromGradient: readonly Bound[],
    private readonly fromAccumulator: () => { readonly add: readonly Bound[]; readonly update: readonly Bound[] },
  ) {}

  /** What it updates is there: gradients and velocities of `params`, and where batches are added up, accumulators. Throws OutOfMemoryError. */
  static async create(gpu: GpuContext, pipelines: PipelineCache, store: WeightStore, params: readonly Param[]): Promise<Updater> {
    const jobs = store.joined(params.map((p) => p.name)).map((run) => {
      const update = store.precision === "mixed" ? scaledSgdUpdate : sgdUpdate;
      return { run, add: accumulateGradient(run.bytes), update: update(run.bytes, run.param) };
    });
    const [addKernel, updateKernel] = jobs[0]
      ? await Promise.all([kernelFor(pipelines, jobs[0].add), kernelFor(pipelines, jobs[0].update)])
      : [undefined, undefined];
    const scaler = store.precision === "mixed" ? await LossScaler.create(gpu, pipelines, store, params) : undefined;
    const need = { by: "train", what: "the optimiser's kernels", remedy: "dispose other programs" };
    return allocate(gpu, need, (make) => {
      if (scaler) make.keep({ destroy: () => scaler.dispose() });
      const { device } = gpu;
      const storage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
      const hyper = make.buffer("hyper", HYPER_BYTES, storage);
      const data = new ArrayBuffer(Math.max(16, 2 * jobs.length * UNIFORM_ALIGNMENT));
      const uniforms = make.buffer("update params", data.byteLength, GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST);
      const offsetOf = (job: number, second: boolean): number => (2 * job + (second ? 1 : 0)) * UNIFORM_ALIGNMENT;
      jobs.forEach((job, j) => {
        if (paramsBytes(job.update) > UNIFORM_ALIGNMENT) throw new Error("the update's params outgrew their alignment");
        writeParams(job.add, new DataView(data), offsetOf(j, false));
        writeParams(job.update, new DataView(data), offsetOf(j, true));
      });
      device.queue.writeBuffer(uniforms, 0, data);
      const bind = (kernel: typeof addKernel, which: "add" | "update", buffers: Readonly<Record<string, StateKind>>): Bound[] =>
        jobs.map((job, j) =>
          bindDispatch(
            gpu,
            kernel!,
            job[which],
            `like ${job.run.param.name}/${job[which].shader}`,
            { buffer: uniforms, offset: offsetOf(j, which === "update") },
            (name) =>
              name === "hyper"
                ? wholeBuffer(hyper)
                : name === "scaling"
                  ? wholeBuffer(store.scaling)
                  : job.run.range(buffers[name]!),
          ),
        );
      const fromGradient = bind(updateKernel, "update", { grad: "gradient", velocity: "velocity", weight: "weight" });
      let accumulating: { add: Bound[]; update: Bound[] } | undefined;
      return new Updater(gpu, store, hyper, uniforms, scaler, fromGradient, () => {
        accumulating ??= {
          add: bind(addKernel, "add", { grad: "gradient", total: "accumulator" }),
          update: bind(updateKernel, "update", { grad: "accumulator", velocity: "velocity", weight: "weight" }),
        };
        return accumulating;
      });
    });
  }

  /** Puts the step's learning rate and the rest where the kernels read them. */
  writeHyper(optimizer: Sgd, step: number): void {
    const { momentum, weightDecay, accumulate } = optimizer;
    this.gpu.device.queue.writeBuffer(
      this.hyper,
      0,
      Float32Array.of(optimizer.learningRate(step), momentum, weightDecay, 1 / accumulate),
    );
  }

  /** `accumulate`: add this batch's gradients up; `update`: change the weights (by the sum, which is then cleared, or by this batch's gradients). */
  encode(encoder: GPUCommandEncoder, { accumulate, update }: { readonly accumulate: boolean; readonly update: boolean }): void {
    const pass = encoder.beginComputePass();
    if (accumulate) encode(pass, this.fromAccumulator().add);
    if (update) {
      this.scaler?.encodeCheck(pass, accumulate ? "accumulator" : "gradient");
      encode(pass, accumulate ? this.fromAccumulator().update : this.fromGradient);
      this.scaler?.encodeAdjust(pass);
    }
    pass.end();
    if (update) this.store.version++;
    if (accumulate && update) this.store.clear(encoder, "accumulator");
  }

  dispose(): void {
    this.scaler?.dispose();
    this.hyper.destroy();
    this.uniforms.destroy();
  }
}
