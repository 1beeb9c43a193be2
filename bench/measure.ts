/** The rows of a run, one behind another: what the command and the page do alike. */
import type { CatalogEntry } from "./catalog.js";
import type { Clock } from "./progress.js";
import type { EngineName, Row, Settings } from "./report.js";
import { runRow } from "./row.js";
import type { Sessions } from "./sessions.js";
import type { Workload } from "./workloads.js";

/** The caller's signal. */
export class Stopped extends Error {}

export interface MeasureOptions {
  readonly sessions: Sessions;
  readonly workloads: readonly Workload[];
  readonly engines: readonly CatalogEntry[];
  readonly settings: Settings;
  /** Of these rows, and of what the caller does after them. */
  readonly clock: Clock;
  /** The caller also ends the sessions, so that nobody waits for them. */
  readonly stopping: AbortSignal;
  /** Load average, or null where nobody tells. */
  readonly load: () => number | null;
  readonly onProgress: (progress: Progress) => void;
  /** Each finished row. */
  readonly onRow: (row: Row) => void | Promise<void>;
}

export interface Progress {
  readonly workload: Workload;
  /** Of `workload`, from 0. */
  readonly index: number;
  /** What is being done. */
  readonly stage: string;
  /** Of everything, from 0 to 1. */
  readonly done: number;
  /** Null while there is no telling. */
  readonly leftMs: number | null;
}

/** Throws Stopped when it was told to: the rows before are whole. */
export async function measure(options: MeasureOptions): Promise<void> {
  const { sessions, workloads, engines, settings, clock, stopping, load, onProgress, onRow } = options;
  const orStopped = (): void => {
    if (stopping.aborted) throw new Stopped("stopped");
  };
  for (const [index, workload] of workloads.entries()) {
    const onStage = (stage: string, ofRow: number): void => {
      orStopped();
      onProgress({ workload, index, stage, done: clock.at(index, ofRow), leftMs: clock.leftMs() });
    };
    const running = runRow(workload, { sessions, engines, settings, load, onStage });
    const row = await running.catch((error: unknown) => {
      orStopped(); // a session that was ended has nothing to say
      throw error;
    });
    orStopped(); // what it says of the killed engines is not so
    await onRow(row);
  }
}

/** What each engine has said of itself. */
export function engineNames(sessions: Sessions, engines: readonly CatalogEntry[]): readonly EngineName[] {
  return engines.map(({ name }) => {
    const known = sessions.about.get(name);
    return known === undefined || known instanceof Error ? { name, webgpu: false, about: known?.message ?? "not opened" } : known;
  });
}
