/** Where the time of a run goes: each node's kernels timed by repetition, by GPU timestamps where the device has them. */
import type { GpuContext } from "../gpu/context.js";
import { encode } from "./bind.js";
import type { BoundStep, Executable } from "./executable.js";
import { table } from "./table.js";

export interface ProfileRow {
  readonly node: string;
  readonly op: string;
  readonly variant: string;
  /** Median time of the node's dispatches. */
  readonly gpuMs: number;
  readonly flops: number;
  /** Inputs and output once. */
  readonly bytes: number;
}

export interface Profile {
  readonly rows: readonly ProfileRow[];
  /** Sum over the rows. */
  readonly gpuMs: number;
  /** Median wall time of a whole run: submit to done. */
  readonly wallMs: number;
  /** "timestamps" (GPU clock) or "wall" (one submit a node: includes its overhead). */
  readonly clock: "timestamps" | "wall";
  toTable(): string;
}

export async function profilePlan(gpu: GpuContext, executable: Executable, runs: number): Promise<Profile> {
  const wall: number[] = [];
  // The first run compiles on drivers that compile late.
  for (let i = 0; i <= runs; i++) {
    const start = performance.now();
    executable.submit();
    await gpu.orLost(gpu.device.queue.onSubmittedWorkDone());
    if (i > 0) wall.push(performance.now() - start);
  }
  const clock = gpu.device.features.has("timestamp-query") ? "timestamps" : "wall";
  const time = clock === "timestamps" ? await timestampClock(gpu, executable.steps.length) : wallClock(gpu);
  const samples: number[][] = executable.steps.map(() => []);
  for (let run = 0; run < runs; run++) {
    const times = await time.all(executable.steps);
    times.forEach((ms, i) => samples[i]!.push(ms));
  }
  time.dispose();
  const rows = executable.steps.map(({ step }, i) => ({
    node: step.name,
    op: step.node.op,
    variant: step.variant.name,
    gpuMs: median(samples[i]!),
    flops: step.flops,
    bytes: step.bytes,
  }));
  const gpuMs = rows.reduce((n, r) => n + r.gpuMs, 0);
  const wallMs = median(wall);
  return { rows, gpuMs, wallMs, clock, toTable: () => profileTable(rows, gpuMs, wallMs, clock) };
}

interface Clock {
  all(steps: readonly BoundStep[]): Promise<number[]>;
  dispose(): void;
}

function wallClock(gpu: GpuContext): Clock {
  return {
    async all(steps) {
      const times: number[] = [];
      for (const { bound } of steps) {
        const encoder = gpu.device.createCommandEncoder();
        const pass = encoder.beginComputePass();
        encode(pass, bound);
        pass.end();
        const start = performance.now();
        gpu.device.queue.submit([encoder.finish()]);
        await gpu.orLost(gpu.device.queue.onSubmittedWorkDone());
        times.push(performance.now() - start);
      }
      return times;
    },
    dispose: () => undefined,
  };
}

const MAX_QUERIES = 4096;

async function timestampClock(gpu: GpuContext, count: number): Promise<Clock> {
  const { device } = gpu;
  const sets = Array.from({ length: Math.ceil((2 * count) / MAX_QUERIES) }, (_, i) =>
    Math.min(MAX_QUERIES, 2 * count - i * MAX_QUERIES),
  ).map((n) => ({
    n,
    queries: device.createQuerySet({ type: "timestamp", count: n }),
    resolve: device.createBuffer({ size: 8 * n, usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC }),
    staging: device.createBuffer({ size: 8 * n, usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ }),
  }));
  return {
    async all(steps) {
      const encoder = device.createCommandEncoder();
      steps.forEach(({ bound }, i) => {
        const { queries } = sets[Math.floor((2 * i) / MAX_QUERIES)]!;
        const at = (2 * i) % MAX_QUERIES;
        const pass = encoder.beginComputePass({
          timestampWrites: { querySet: queries, beginningOfPassWriteIndex: at, endOfPassWriteIndex: at + 1 },
        });
        encode(pass, bound);
        pass.end();
      });
      for (const s of sets) {
        encoder.resolveQuerySet(s.queries, 0, s.n, s.resolve, 0);
        encoder.copyBufferToBuffer(s.resolve, 0, s.staging, 0, 8 * s.n);
      }
      device.queue.submit([encoder.finish()]);
      const stamps: bigint[] = [];
      for (const s of sets) {
        await gpu.mapped(s.staging);
        stamps.push(...new BigUint64Array(s.staging.getMappedRange()));
        s.staging.unmap();
      }
      return steps.map((_, i) => Number(stamps[2 * i + 1]! - stamps[2 * i]!) / 1e6);
    },
    dispose() {
      for (const s of sets) {
        s.queries.destroy();
        s.resolve.destroy();
        s.staging.destroy();
      }
    },
  };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.length === 0
    ? 0
    : (sorted[Math.floor((sorted.length - 1) / 2)]! + sorted[Math.ceil((sorted.length - 1) / 2)]!) / 2;
}

function profileTable(rows: readonly ProfileRow[], gpuMs: number, wallMs: number, clock: string): string {
  const cells = rows.map((r) => [
    r.node,
    r.op,
    r.variant,
    r.gpuMs.toFixed(3),
    gpuMs > 0 ? ((100 * r.gpuMs) / gpuMs).toFixed(1) : "0.0",
    r.gpuMs > 0 ? (r.flops / r.gpuMs / 1e6).toFixed(2) : "0.00",
    r.gpuMs > 0 ? (r.bytes / r.gpuMs / 1e6).toFixed(2) : "0.00",
  ]);
  return `${table(["node", "op", "variant", "ms", "%", "GFLOP/s", "GB/s"], cells)}\n${gpuMs.toFixed(3)} ms in kernels (${clock}), ${wallMs.toFixed(3)} ms a run`;
}
