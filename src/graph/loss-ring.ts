/** Reads losses, and what else a step says of itself, back without stalling the loop: a few staging buffers in turn, and a bound on how far the host runs ahead. */
import { allocate } from "../gpu/allocate.js";
import type { BufferRange } from "../gpu/buffer-range.js";
import type { GpuContext } from "../gpu/context.js";
import { SCALING_BYTES } from "../kernels/loss-scale.js";
import { readFirst, type Guard } from "./guard.js";

const MAX_STEPS_AHEAD = 3;

export interface StepReading {
  /** The mean of the recorded losses. */
  readonly loss: number;
  /** The first batch that was not finite: null where there is none, or no guard. */
  readonly divergedAt: number | null;
  /** In mixed precision: the loss scale of the next step, and the steps skipped since the last reading. */
  readonly scaling?: { readonly lossScale: number; readonly skipped: number };
}

export class LossRing {
  /** Steps under way: when each is done, and whether its submits were good. */
  private readonly pending: { readonly done: Promise<unknown>; readonly submits: Promise<unknown> }[] = [];
  private readonly submits: Promise<unknown>[] = [];
  /** Steps, up to the last reading. */
  private skipped = 0;

  private constructor(
    private readonly gpu: GpuContext,
    private readonly staging: GPUBuffer,
    private readonly parts: number,
    private readonly scaling: GPUBuffer | undefined,
  ) {}

  /** `scaling`: the state of loss scaling (kernels/loss-scale.ts), in mixed precision. Throws OutOfMemoryError. */
  static async create(gpu: GpuContext, parts: number, scaling: GPUBuffer | undefined): Promise<LossRing> {
    const size = 16 * (parts + 1) + SCALING_BYTES;
    const need = { by: "train", what: "reading the loss back", remedy: "dispose other programs" };
    return allocate(gpu, need, (make) => {
      const staging = make.buffer("loss readback", size, GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST);
      return new LossRing(gpu, staging, parts, scaling);
    });
  }

  /** A submit of the step; its error comes with the next reading, or a few steps later. */
  submitted(work: Promise<unknown>): void {
    work.catch(() => undefined);
    this.submits.push(work);
  }

  /** Throws what submits were refused for. */
  async settled(): Promise<void> {
    const submits = [...this.pending.splice(0).map((step) => step.submits), ...this.submits.splice(0)];
    await Promise.all(submits);
  }

  /** Copies the loss of one of the step's batches, behind the update. */
  record(encoder: GPUCommandEncoder, loss: BufferRange, part: number): void {
    encoder.copyBufferToBuffer(loss.buffer, loss.offset, this.staging, 16 * part, 4);
    if (this.scaling) encoder.copyBufferToBuffer(this.scaling, 0, this.staging, 16 * (this.parts + 1), SCALING_BYTES);
  }

  /** Copies what the guard has seen up to here. */
  recordGuard(encoder: GPUCommandEncoder, guard: Guard): void {
    guard.record(encoder, this.staging, 16 * this.parts);
  }

  /** The same by a submit of its own. */
  recordGuardNow(guard: Guard): void {
    const encoder = this.gpu.device.createCommandEncoder();
    this.recordGuard(encoder, guard);
    this.gpu.device.queue.submit([encoder.finish()]);
  }

  async read(guard: Guard | undefined): Promise<StepReading> {
    await this.gpu.mapped(this.staging);
    const bytes = this.staging.getMappedRange();
    const values = new Float32Array(bytes);
    let total = 0;
    for (let part = 0; part < this.parts; part++) total += values[4 * part]!;
    const words = new Uint32Array(bytes);
    const divergedAt = guard ? readFirst(words[4 * this.parts]!) : null;
    const lossScale = values[4 * (this.parts + 1)]!;
    const skipped = words[4 * (this.parts + 1) + 2]!;
    this.staging.unmap();
    await this.settled();
    const reading = { loss: total / this.parts, divergedAt };
    if (!this.scaling) return reading;
    const before = this.skipped;
    this.skipped = skipped;
    return { ...reading, scaling: { lossScale, skipped: skipped - before } };
  }

  /** Waits only when the device is several steps behind. */
  async throttle(): Promise<void> {
    const submits = Promise.all(this.submits.splice(0));
    submits.catch(() => undefined);
    this.pending.push({ done: this.gpu.device.queue.onSubmittedWorkDone(), submits });
    if (this.pending.length <= MAX_STEPS_AHEAD) return;
    const oldest = this.pending.shift()!;
    await this.gpu.orLost(oldest.done);
    await oldest.submits;
  }

  dispose(): void {
    this.staging.destroy();
  }
}
