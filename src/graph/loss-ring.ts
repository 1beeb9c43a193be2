/** Reads losses back without stalling the loop: a few staging buffers in turn, and a bound on how far the host runs ahead. */
import type { BufferRange } from "../gpu/buffer-range.js";
import type { GpuContext } from "../gpu/context.js";

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
      size: 16 * parts,
      usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
    });
  }

  /** Copies the loss of one of the step's batches. */
  record(encoder: GPUCommandEncoder, loss: BufferRange, part: number): void {
    encoder.copyBufferToBuffer(loss.buffer, loss.offset, this.staging, 16 * part, 4);
  }

  /** The mean of the recorded losses. */
  async read(): Promise<number> {
    await this.gpu.mapped(this.staging);
    const values = new Float32Array(this.staging.getMappedRange());
    let total = 0;
    for (let part = 0; part < this.parts; part++) total += values[4 * part]!;
    this.staging.unmap();
    this.pending.length = 0;
    return total / this.parts;
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
