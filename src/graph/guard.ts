/**
 * Stops the optimiser before infinities or NaNs reach the weights: behind each backward pass the loss and all gradients are looked at, by bit pattern, and from the
 * first that is not finite on every update does nothing. The host finds out when it next reads the loss.
 */
import { allocate } from "../gpu/allocate.js";
import { wholeBuffer, type BufferRange } from "../gpu/buffer-range.js";
import type { GpuContext } from "../gpu/context.js";
import type { Kernel, PipelineCache } from "../gpu/pipelines.js";
import { GUARD_AT, guard, type UpdateDispatch } from "../kernels/sgd.js";
import { numel, type Shape } from "../tensor/shape.js";
import type { Param } from "../tensor/tensor.js";
import { bindDispatch, encode, kernelFor, UNIFORM_ALIGNMENT, writeParams, type Bound } from "./bind.js";
import type { WeightStore } from "./weight-store.js";

/** No batch is called so. */
const NONE = 0xffffffff;

export class Guard {
  private readonly losses = new WeakMap<GPUBuffer, Map<number, Bound>>();

  private constructor(
    private readonly gpu: GpuContext,
    private readonly hyper: GPUBuffer,
    private readonly uniforms: GPUBuffer,
    private readonly gradients: readonly Bound[],
    private readonly bindLoss: (loss: BufferRange) => Bound,
  ) {}

  static async create(
    gpu: GpuContext,
    pipelines: PipelineCache,
    store: WeightStore,
    params: readonly Param[],
    hyper: GPUBuffer,
  ): Promise<Guard> {
    const jobs = [{ count: 1, range: null }, ...looks(store, params)];
    const dispatches = jobs.map(({ count }) => guard(count));
    const kernel = await kernelFor(pipelines, dispatches[0]!);
    const need = { by: "train", what: "the check for infinities (checkFinite)", remedy: "dispose other programs" };
    return allocate(gpu, need, (make) => {
      const data = new ArrayBuffer(jobs.length * UNIFORM_ALIGNMENT);
      dispatches.forEach((d, i) => writeParams(d, new DataView(data), i * UNIFORM_ALIGNMENT));
      const uniforms = make.buffer("guard params", data.byteLength, GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST);
      gpu.device.queue.writeBuffer(uniforms, 0, data);
      const bind = (i: number, x: BufferRange): Bound => bindGuard(gpu, kernel, dispatches[i]!, { uniforms, i, x, hyper });
      const gradients = jobs.flatMap(({ range }, i) => (range ? [bind(i, range)] : []));
      return new Guard(gpu, hyper, uniforms, gradients, (loss) => bind(0, loss));
    });
  }

  /** Updates do something again. */
  reset(): void {
    this.gpu.device.queue.writeBuffer(this.hyper, GUARD_AT.halted, Uint32Array.of(0, 0, NONE));
  }

  /** The batch that is submitted next, as the host counts them. */
  writeBatch(batch: number): void {
    this.gpu.device.queue.writeBuffer(this.hyper, GUARD_AT.batch, Uint32Array.of(batch >>> 0));
  }

  /** In front of the update. */
  encode(encoder: GPUCommandEncoder, loss: BufferRange): void {
    const pass = encoder.beginComputePass();
    encode(pass, [this.lossBound(loss), ...this.gradients]);
    pass.end();
  }

  /** Copies what was seen behind `offset` of a staging buffer: 4 bytes for {@link readFirst}. */
  record(encoder: GPUCommandEncoder, staging: GPUBuffer, offset: number): void {
    encoder.copyBufferToBuffer(this.hyper, GUARD_AT.first, staging, offset, 4);
  }

  dispose(): void {
    this.uniforms.destroy();
  }

  private lossBound(loss: BufferRange): Bound {
    let byOffset = this.losses.get(loss.buffer);
    if (!byOffset) this.losses.set(loss.buffer, (byOffset = new Map<number, Bound>()));
    let bound = byOffset.get(loss.offset);
    if (!bound) byOffset.set(loss.offset, (bound = this.bindLoss(loss)));
    return bound;
  }
}

/** The first batch that was not finite, or null. */
export function readFirst(word: number): number | null {
  return word === NONE ? null : word;
}

/** Ranges of gradients without slack: runs of those that fill their memory, and the others one by one. */
function looks(store: WeightStore, params: readonly Param[]): { readonly count: number; readonly range: BufferRange }[] {
  const fills = (shape: Shape): boolean => shape.length === 4 || numel(shape) % 4 === 0;
  const isFull = ({ name }: Param): boolean => store.piecesOf(name).parts.every((part) => fills(part.shape));
  const runs = store.joined(params.filter(isFull).map((p) => p.name));
  const single = params
    .filter((p) => !isFull(p))
    .flatMap(({ name }) => {
      const ranges = store.ranges(name, "gradient");
      return store.piecesOf(name).parts.map((part, i) => ({ count: numel(part.shape), range: ranges[i]! }));
    });
  return [...runs.map((run) => ({ count: run.bytes / 4, range: run.range("gradient") })), ...single];
}

function bindGuard(
  gpu: GpuContext,
  kernel: Kernel,
  dispatch: UpdateDispatch<"guard.direct">,
  {
    uniforms,
    i,
    x,
    hyper,
  }: { readonly uniforms: GPUBuffer; readonly i: number; readonly x: BufferRange; readonly hyper: GPUBuffer },
): Bound {
  const params = { buffer: uniforms, offset: i * UNIFORM_ALIGNMENT };
  return bindDispatch(gpu, kernel, dispatch, `guard/${dispatch.shader}`, params, (name) =>
    name === "hyper" ? wholeBuffer(hyper) : x,
  );
}
