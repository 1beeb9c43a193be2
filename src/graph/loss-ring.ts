/** Reads losses back without stalling the loop: a few staging buffers in turn, and a bound on how far the host runs ahead. */
import type { BufferRange } from "../gpu/buffer-range.js";
import type { GpuContext } from "../gpu/context.js";
import { readFirst, type Guard } from "./guard.js";

const MAX_STEPS_AHEAD = 3;

export class LossRing {
  private readonly staging: GPUBuffer;
  private readonly pending: Promise<unknown>[] = [];

  constructor(
    private readonly gpu: GpuContext,
    private readonly parts: number,
  ) {
    this.staging = gpu.device.createBuffer({
      label: "loss readback",
      size: 16 * (parts + 1),
      usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
    });
  }

  /** Copies the loss of one of the step's batches. */
  record(encoder: GPUCommandEncoder, loss: BufferRange, part: number): void {
    encoder.copyBufferToBuffer(loss.buffer, loss.offset, this.staging, 16 * part, 4);
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

  /** The mean of the recorded losses, and the first batch that was not finite: null where there is none, or no guard. */
  async read(guard: Guard | undefined): Promise<{ readonly loss: number; readonly divergedAt: number | null }> {
    await this.gpu.mapped(this.staging);
    const bytes = this.staging.getMappedRange();
    const values = new Float32Array(bytes);
    let total = 0;
    for (let part = 0; part < this.parts; part++) total += values[4 * part]!;
    const divergedAt = guard ? readFirst(new Uint32Array(bytes)[4 * this.parts]!) : null;
    this.staging.unmap();
    this.pending.length = 0;
    return { loss: total / this.parts, divergedAt };
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
