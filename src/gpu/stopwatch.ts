/**
 * Times of GPU work by repetition: what a pass records is recorded again and again in one pass until it lasts long enough to be read off the
 * clock, which is the GPU's where the device has timestamps, else the host's less the time of an empty submit.
 */
import { allocate } from "./allocate.js";
import type { GpuContext } from "./context.js";

export interface Stopwatch extends Disposable {
  readonly clock: "timestamps" | "wall";
  /** Step of the GPU's clock in ns where it is coarse, as browsers make it (65,536); 0 where it is fine, or not read yet. */
  readonly quantumNs: number;
  /** Time of what `record` records, once. It has run before: drivers compile at the first run. */
  time(record: (pass: GPUComputePassEncoder) => void, options?: TimingOptions): Promise<Timed>;
}

export interface TimingOptions {
  /** Readings of which the median counts. Default 3. */
  readonly samples?: number;
  /** By `performance.now()`: after that no reading is begun but the first. */
  readonly until?: number;
}

export interface Timed {
  /** The median reading. */
  readonly ms: number;
  readonly leastMs: number;
  /** Runs in one reading. */
  readonly repeats: number;
}

/** A reading lasts at least this long: 76 steps of a clock of 65,536 ns. */
const LEAST_MS = 5;
/** A reading by the host's clock lasts so many empty submits at least. */
const LEAST_OVERHEADS = 10;
const MOST_REPEATS = 4096;
/** A clock whose stamps are all multiples of this many ns is coarse. */
const COARSE_NS = 4096;

export async function createStopwatch(gpu: GpuContext): Promise<Stopwatch> {
  const clock = gpu.device.features.has("timestamp-query") ? await timestampClock(gpu) : await wallClock(gpu);
  return {
    clock: clock.name,
    get quantumNs() {
      return clock.quantumNs();
    },
    async time(record, { samples = 3, until = Infinity } = {}) {
      let repeats = 1;
      let last = await clock.read(record, repeats);
      while (last < clock.leastMs && repeats < MOST_REPEATS && performance.now() < until) {
        const wanted = last > 0 ? (1.25 * clock.leastMs) / last : Infinity;
        repeats = Math.min(MOST_REPEATS, Math.ceil(repeats * Math.min(16, Math.max(2, wanted))));
        last = await clock.read(record, repeats);
      }
      const readings = [last];
      while (readings.length < samples && performance.now() < until) readings.push(await clock.read(record, repeats));
      return { ms: median(readings) / repeats, leastMs: Math.min(...readings) / repeats, repeats };
    },
    [Symbol.dispose]: () => clock.dispose(),
  };
}

interface Clock {
  readonly name: "timestamps" | "wall";
  readonly leastMs: number;
  quantumNs(): number;
  /** ms of so many runs in one pass. */
  read(record: (pass: GPUComputePassEncoder) => void, repeats: number): Promise<number>;
  dispose(): void;
}

async function timestampClock(gpu: GpuContext): Promise<Clock> {
  const { device } = gpu;
  const need = { by: "timing", what: "reading the GPU's clock", remedy: "dispose other programs" };
  const { querySet, resolve, staging, dispose } = await allocate(gpu, need, (make) => ({
    querySet: make.keep(device.createQuerySet({ type: "timestamp", count: 2 })),
    resolve: make.buffer("clock", 16, GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC),
    staging: make.buffer("clock readback", 16, GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ),
    dispose: make.dispose,
  }));
  let bits = 0n;
  return {
    name: "timestamps",
    leastMs: LEAST_MS,
    quantumNs: () => (bits !== 0n && bits % BigInt(COARSE_NS) === 0n ? Number(bits & -bits) : 0),
    async read(record, repeats) {
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass({
        timestampWrites: { querySet, beginningOfPassWriteIndex: 0, endOfPassWriteIndex: 1 },
      });
      for (let i = 0; i < repeats; i++) record(pass);
      pass.end();
      encoder.resolveQuerySet(querySet, 0, 2, resolve, 0);
      encoder.copyBufferToBuffer(resolve, 0, staging, 0, 16);
      device.queue.submit([encoder.finish()]);
      await gpu.mapped(staging);
      const [from, to] = new BigUint64Array(staging.getMappedRange()) as unknown as [bigint, bigint];
      staging.unmap();
      bits |= from | to;
      return Number(to - from) / 1e6;
    },
    dispose,
  };
}

async function wallClock(gpu: GpuContext): Promise<Clock> {
  const read = async (record: (pass: GPUComputePassEncoder) => void, repeats: number): Promise<number> => {
    const encoder = gpu.device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    for (let i = 0; i < repeats; i++) record(pass);
    pass.end();
    const start = performance.now();
    gpu.device.queue.submit([encoder.finish()]);
    await gpu.orLost(gpu.device.queue.onSubmittedWorkDone());
    return performance.now() - start;
  };
  const empty: number[] = [];
  for (let i = 0; i < 5; i++) empty.push(await read(() => undefined, 0));
  const overheadMs = median(empty);
  return {
    name: "wall",
    leastMs: Math.max(LEAST_MS, LEAST_OVERHEADS * overheadMs),
    quantumNs: () => 0,
    read: async (record, repeats) => Math.max(0, (await read(record, repeats)) - overheadMs),
    dispose: () => undefined,
  };
}

/** 0 of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.length === 0
    ? 0
    : (sorted[Math.floor((sorted.length - 1) / 2)]! + sorted[Math.ceil((sorted.length - 1) / 2)]!) / 2;
}
