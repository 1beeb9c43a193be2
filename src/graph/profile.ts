/** Where the time of a run goes: each node's kernels timed by repetition inside one pass, next to what the device can do at most. */
import type { GpuContext } from "../gpu/context.js";
import { createStopwatch, median } from "../gpu/stopwatch.js";
import { encode } from "./bind.js";
import type { DeviceSpeed } from "./device-speed.js";
import type { BoundStep, Executable } from "./executable.js";
import { profileTable, profileTrace } from "./profile-text.js";

/**
 * What bounds a kernel: starting its dispatches, where that takes half of its time or more; else arithmetic or moving bytes, whichever would take
 * longer at the device's full speed.
 */
export type Bottleneck = "compute" | "memory" | "launch";

export interface ProfileRow {
  readonly node: string;
  readonly op: string;
  readonly variant: string;
  /** Median time of the node's dispatches, each reading long enough for the clock. Caches are warm, weights prepared. */
  readonly gpuMs: number;
  /** Of the direct algorithm: a variant that needs fewer shows more GFLOP/s than it computes. */
  readonly flops: number;
  /** Inputs and output once. */
  readonly bytes: number;
  readonly dispatches: number;
  /** Runs in one reading. */
  readonly repeats: number;
  readonly gflops: number;
  readonly gbps: number;
  /** Where `device` was given: of its FMA peak and of its copy bandwidth, and what bounds the kernel. */
  readonly peakFraction?: number;
  readonly bandwidthFraction?: number;
  readonly bound?: Bottleneck;
}

export interface ProfileOptions<Loss = PropertyKey> {
  /** Readings of each time, of which the median counts. Default 5. */
  readonly runs?: number;
  /** From `gpu.measure()`: rows then say what fraction of it they reach, and what bounds them. */
  readonly device?: DeviceSpeed;
  /** Profile a training step for this output: forward and backward, not the optimiser's update, so weights stay as they are. */
  readonly loss?: Loss;
}

export interface Profile {
  readonly rows: readonly ProfileRow[];
  /** Sum over the rows. */
  readonly gpuMs: number;
  /** Median wall time of a whole run: submit to done. */
  readonly wallMs: number;
  /** "timestamps" (GPU clock) or "wall" (host's clock less an empty submit). */
  readonly clock: "timestamps" | "wall";
  /** Time of all dispatches one behind another, as a run has them, by the same clock. */
  readonly replayMs: number;
  /** What `replayMs` has over the sum of the rows: launches, and caches that are cold. Not below 0. */
  readonly gapMs: number;
  /** Mean time that the host takes to encode and submit a run. */
  readonly submitMs: number;
  /** Runs behind `wallMs` and `submitMs`. */
  readonly replays: number;
  readonly dispatches: number;
  readonly submits: number;
  /** What to know before believing the figures. */
  readonly warnings: readonly string[];
  readonly device?: DeviceSpeed;
  toTable(): string;
  /** The rows one behind another as a Chrome trace (JSON): for chrome://tracing, Perfetto or DevTools. */
  toTrace(): string;
}

/** A run's own times are taken over as many dispatches as this, or for as long, but over `runs` runs at least. */
const REPLAYED_DISPATCHES = 1000;
const REPLAYED_MS = 5000;

export async function profilePlan(gpu: GpuContext, executable: Executable, options: ProfileOptions = {}): Promise<Profile> {
  const { runs = 5, device } = options;
  const dispatches = executable.steps.reduce((n, s) => n + s.bound.length, 0);
  const { wall, submit } = await replay(gpu, executable, runs, dispatches);
  using stopwatch = await createStopwatch(gpu);
  const rows: ProfileRow[] = [];
  for (const { step, bound } of executable.steps) {
    const { ms, repeats } = await stopwatch.time((pass) => encode(pass, bound), { samples: runs });
    rows.push({ ...rates({ step, bound }, ms, device), repeats });
  }
  let replayMs = 0;
  for (const bound of executable.chunks) replayMs += (await stopwatch.time((pass) => encode(pass, bound), { samples: runs })).ms;
  const gpuMs = rows.reduce((n, r) => n + r.gpuMs, 0);
  const warnings: string[] = [];
  if (stopwatch.clock === "wall") warnings.push("the device has no timestamps: times are by the host's clock");
  if (stopwatch.quantumNs > 0)
    warnings.push(
      `the GPU's clock goes in steps of ${stopwatch.quantumNs.toLocaleString("en")} ns: kernels were repeated until the steps no longer matter`,
    );
  const figures = {
    rows,
    gpuMs,
    wallMs: median(wall),
    clock: stopwatch.clock,
    replayMs,
    gapMs: Math.max(0, replayMs - gpuMs),
    submitMs: submit.reduce((n, ms) => n + ms, 0) / submit.length,
    replays: submit.length,
    dispatches,
    submits: executable.submits,
    warnings,
    ...(device ? { device } : {}),
  };
  return { ...figures, toTable: () => profileTable(figures), toTrace: () => profileTrace(figures) };
}

/** Whole runs: wall time, and how much of it the host encodes and submits. */
async function replay(
  gpu: GpuContext,
  executable: Executable,
  runs: number,
  dispatches: number,
): Promise<{ readonly wall: readonly number[]; readonly submit: readonly number[] }> {
  const [wall, submit]: [number[], number[]] = [[], []];
  const once = async (): Promise<void> => {
    const start = performance.now();
    executable.submit();
    submit.push(performance.now() - start);
    await gpu.orLost(gpu.device.queue.onSubmittedWorkDone());
    wall.push(performance.now() - start);
  };
  await once(); // compiles, on drivers that compile late
  const until = performance.now() + REPLAYED_MS;
  while (submit.length <= runs || (submit.length * Math.max(1, dispatches) <= REPLAYED_DISPATCHES && performance.now() < until))
    await once();
  return { wall: wall.slice(1), submit: submit.slice(1) };
}

function rates(
  { step, bound }: Pick<BoundStep, "step" | "bound">,
  gpuMs: number,
  device: DeviceSpeed | undefined,
): Omit<ProfileRow, "repeats"> {
  const { flops, bytes } = step;
  const per = (work: number): number => (gpuMs > 0 ? work / gpuMs / 1e6 : 0);
  const row = {
    node: step.name,
    op: step.node.op,
    variant: step.variant.name,
    gpuMs,
    flops,
    bytes,
    dispatches: bound.length,
    gflops: per(flops),
    gbps: per(bytes),
  };
  if (!device) return row;
  return {
    ...row,
    peakFraction: row.gflops / device.peakGflops,
    bandwidthFraction: row.gbps / device.copyGbps,
    bound: bottleneck(row, device),
  };
}

export function bottleneck(
  { gpuMs, flops, bytes, dispatches }: Pick<ProfileRow, "gpuMs" | "flops" | "bytes" | "dispatches">,
  { peakGflops, copyGbps, launchMs }: DeviceSpeed,
): Bottleneck {
  if (2 * dispatches * launchMs >= gpuMs) return "launch";
  return flops / peakGflops >= bytes / copyGbps ? "compute" : "memory";
}
