/** What the harness asks of an engine, ours or another. Each runs in a process of its own (hosts.ts) and talks to the runner by messages (session.ts). */
import type { WorkloadData } from "./data.js";
import type { Workload } from "./workloads.js";

export interface EngineHost {
  /** Folder with the peers' packages: a URL of the page's server, or a path in Node. Ends in "/". */
  readonly packages: string;
  readonly platform: "page" | "node";
  /** Resolves when every WebGPU device of this process has done what was submitted. */
  finished(): Promise<void>;
  /** Resolves when what is submitted next, in one go, is done: asked of the queue before a readback that comes behind it. */
  nextSubmitDone(): Promise<void>;
  /** Submits so far. */
  submits(): number;
}

export interface Engine {
  /** Whether it computes on WebGPU: only then are dispatches and buffers counted. */
  readonly webgpu: boolean;
  /** Why it cannot do this workload at all, or null. */
  cannot(workload: Workload): string | null;
  /** Loads the engine and opens its device. Returns what it says of itself (version, threads). */
  open(host: EngineHost): Promise<string>;
  /** Builds the model with weights and input in the engine's own memory. */
  prepare(workload: Workload, data: WorkloadData): Promise<Prepared>;
}

export interface Prepared {
  /** One run; resolves when the work is done, without bringing the result to the CPU. `read` says that the result will be asked for. */
  run(read: boolean): Promise<RunResult>;
  release(): void | Promise<void>;
  /** Remarks for the report, such as a fallback. */
  readonly notes?: readonly string[];
}

/** Both are outside the time of the run. */
export interface RunResult {
  /** Row-major: the output, [C, H, W]; the gradient; of a training step its loss alone. */
  read(): Promise<Float32Array>;
  release(): void | Promise<void>;
}
