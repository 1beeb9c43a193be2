/**
 * The JSON of a run, as `npm run bench -- --json FILE` writes it: what was measured and nothing derived. Medians, ratios and fractions of peak
 * are made of it by statistics.ts, in the command line, in the README's table and in pages alike.
 */
import type { DeviceSpeed, Profile } from "../src/index.js";
import type { Group } from "./workloads.js";

export const REPORT_FORMAT = 1;

export interface Report {
  readonly format: typeof REPORT_FORMAT;
  /** As given to npm. */
  readonly command: string;
  /** ISO 8601, of the start. */
  readonly date: string;
  /** With "-dirty" where files differed from it. */
  readonly commit: string;
  readonly platform: Platform;
  /** Name and version of the browser, or of Node. */
  readonly browser: string;
  /** Null where there is no WebGPU. */
  readonly adapter: AdapterName | null;
  readonly machine: { readonly cpu: string; readonly cores: number; readonly os: string };
  readonly settings: Settings;
  /** Engines in the order asked for, with what each says of itself or why it could not be opened. */
  readonly engines: readonly EngineName[];
  /** Finished rows. */
  readonly rows: readonly Row[];
  /** Profiles of ours, where they were asked for with the rows. */
  readonly rooflines?: readonly Roofline[];
}

/** Where the command runs engines, each in a process of its own. */
export const PLATFORMS = ["chromium", "firefox", "node"] as const;
export type CommandPlatform = (typeof PLATFORMS)[number];
/** "page": the benchmark page, each engine in a worker of its own; they share the browser's GPU process. */
export type Platform = CommandPlatform | "page";

export interface AdapterName {
  readonly vendor: string;
  readonly architecture: string;
  readonly description: string;
  /** A CPU pretending to be a GPU. */
  readonly software: boolean;
}

export interface Settings {
  readonly rounds: number;
  /** Longest time that one engine may take in one row, in seconds; three times that in a row of nets. */
  readonly capSeconds: number;
}

export interface EngineName {
  readonly name: string;
  readonly webgpu: boolean;
  readonly about: string;
}

/** One workload, all engines. */
export interface Row {
  readonly id: string;
  readonly group: Group;
  readonly title: string;
  readonly flops: number;
  /** ISO 8601, of the end. */
  readonly date: string;
  /** Just before and just after; null where there is no WebGPU. */
  readonly peak: { readonly before: AdapterPeak; readonly after: AdapterPeak } | null;
  /** Load average of the last minute when the row began: what else the machine was doing. Null where nobody tells (in a page). */
  readonly load: number | null;
  readonly entries: readonly Entry[];
}

export interface AdapterPeak {
  /** Multiply-adds, each counted as two. */
  readonly gflops: number;
  /** Copying from one buffer to another, bytes read and written. */
  readonly gbps: number;
}

/** Where the time of ours goes in one workload, kernel by kernel, next to what the device can do at most. */
export interface Roofline extends Pick<Profile, "rows" | "gpuMs" | "wallMs" | "gapMs" | "submitMs" | "clock" | "warnings"> {
  /** Of the workload. */
  readonly id: string;
  readonly title: string;
  readonly device: DeviceSpeed;
}

/**
 * - ok: right, and timed
 * - wrong: the output differs from the reference's by more than {@link TOLERANCE}: not timed
 * - failed: it threw, crashed, or lost the device; `message` quotes it
 * - slow: not done within the cap; `message` says with what
 * - unsupported: this engine does not do this
 */
export type Status = "ok" | "wrong" | "failed" | "slow" | "unsupported";

/** One engine in one row. */
export interface Entry {
  readonly engine: string;
  readonly status: Status;
  readonly message: string | null;
  readonly first: FirstRun | null;
  /** Largest difference from the reference, as a fraction of its largest value; of a training step, of the range of the losses. */
  readonly error: number | null;
  /** Of one run; null for engines that are not on WebGPU. */
  readonly counts: GpuCounts | null;
  /** Times in ms, in the order in which they were taken, by round. A round in which it had no time left is empty. */
  readonly rounds: readonly (readonly number[])[];
  readonly notes: readonly string[];
}

export interface FirstRun {
  /** Building and loading the model: planning, compiling as far as the engine does it now, uploading. */
  readonly prepareMs: number;
  /** The first run, with what is compiled in it. */
  readonly runMs: number;
}

export interface GpuCounts {
  readonly dispatches: number;
  readonly passes: number;
  readonly submits: number;
  /** Made by preparing and the first run. */
  readonly pipelines: number;
  /** Most bytes of buffers and textures alive at once, above those from before the workload. */
  readonly peakBytes: number;
}

/** Of `error`, above which an engine is wrong. */
export const TOLERANCE = 1e-3;
