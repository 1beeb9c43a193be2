/** Reads losses, and what else a step says of itself, back without stalling the loop: a few staging buffers in turn, and a bound on how far the host runs ahead. */
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
  private readonly staging: GPUBuffer;
  private readonly pending: Promise<unknown>[] = [];
  /** Steps, up to the last reading. */
  private skipped = 0;

  constructor(
    private readonly gpu: GpuContext,
    private readonly parts: number,
    /** The state of loss scaling (kernels/loss-scale.ts), in mixed precision. */
    private readonly scaling: GPUBuffer | undefined,
  ) {
    this.staging = gpu.device.createBuffer({
      label: "loss readback",
      size: 16 * (parts + 1) + SCALING_BYTES,
      usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
    });
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
    this.pending.length = 0;
    const reading = { loss: total / this.parts, divergedAt };
    if (!this.scaling) return reading;
    const before = this.skipped;
    this.skipped = skipped;
    return { ...reading, scaling: { lossScale, skipped: skipped - before } };
  }

  /** Waits only when the device is several steps behind. */
  async throttle(): Promise<void> {
    this.pending.push(this.gpu.device.queue.onSubmittedWorkDone());
    if (this.pending.length > MAX_STEPS_AHEAD) await this.gpu.orLost(this.pending.shift()!);
  }

  dispose(): void {
    this.staging.destroy();
  }
}
