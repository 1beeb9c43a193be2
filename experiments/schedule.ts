/** The queue at work: a few runs beside each other, each in a process of its own, until all are done or somebody stops it. */
import { fork, type ChildProcess } from "node:child_process";
import { join } from "node:path";
import { MultiBar } from "cli-progress";
import { msLeft, nextRun } from "./queue.js";
import type { Results } from "./results.js";
import type { Run, ScaleName } from "./runs.js";

/** What a run's process tells. */
export type Told =
  | { readonly type: "step"; readonly training: string; readonly step: number; readonly steps: number; readonly note: string }
  | { readonly type: "done"; readonly outcome: string }
  | { readonly type: "failed"; readonly message: string };

export interface Schedule {
  readonly scale: ScaleName;
  readonly results: Results;
  readonly resultsFolder: string;
  /** Checkpoints and weights. */
  readonly work: string;
  /** As it stands in the results. */
  readonly command: string;
  /** Runs at the same time. */
  readonly parallel: number;
  /** Variables of a run's process. */
  readonly env: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

const LOG_EVERY_MS = 30_000;

/** False where the signal came. Throws what a run failed with, when those beside it have stopped too. */
export async function runQueue(order: readonly Run[], schedule: Schedule): Promise<boolean> {
  const { results, parallel, signal } = schedule;
  const isDone = (run: Run): boolean => results.read(run.id) !== null;
  const bars = new MultiBar({
    format: "  {bar} {value}/{total} · {eta_formatted} · {training} · {note}",
    clearOnComplete: true,
    hideCursor: true,
  });
  const say = (line: string): void => (process.stdout.isTTY ? bars.log(`${line}\n`) : console.log(line));
  const running = new Map<Run, Promise<void>>();
  let failure: Error | null = null;
  try {
    for (;;) {
      const left = order.filter((run) => !isDone(run));
      const next = signal.aborted || failure || running.size === parallel ? null : nextRun(order, isDone, (r) => running.has(r));
      if (next) {
        const ms = msLeft(
          left,
          order.flatMap((r) => results.read(r.id) ?? []),
        );
        const time = ms === null ? "" : `; about ${hours(ms / parallel)} left in all`;
        say(`${order.length - left.length + running.size + 1} of ${order.length}: ${next.id}${time}`);
        const work = runInChild(next, schedule, bars, say)
          .catch((error: Error) => void (failure ??= error))
          .finally(() => running.delete(next));
        running.set(next, work);
        continue;
      }
      if (running.size === 0) break;
      await Promise.race(running.values());
    }
  } finally {
    bars.stop();
  }
  if (failure) throw failure as Error;
  return !signal.aborted;
}

/** Resolves when the run is done or was stopped; rejects where it failed. */
async function runInChild(run: Run, schedule: Schedule, bars: MultiBar, say: (line: string) => void): Promise<void> {
  const { scale, resultsFolder, work, command, env, signal } = schedule;
  const child = fork(join(import.meta.dirname, "child.ts"), [scale, run.id, resultsFolder, work, command], {
    env: { ...process.env, ...env },
  });
  const stop = (): void => void child.kill("SIGTERM");
  signal.addEventListener("abort", stop);
  const bar = process.stdout.isTTY ? bars.create(run.steps, 0, { note: "", training: run.id }) : null;
  let logged = performance.now();
  let failed: string | null = null;
  child.on("message", (told: Told) => {
    if (told.type === "failed") failed = told.message;
    if (told.type === "done") say(`  ${run.id}: ${told.outcome}`);
    if (told.type !== "step") return;
    const { training, step, steps, note } = told;
    bar?.update(step, { note, training });
    if (bar || performance.now() - logged < LOG_EVERY_MS) return;
    logged = performance.now();
    say(`  ${training}: ${step} of ${steps} · ${note}`);
  });
  try {
    const ended = await endOf(child);
    if (failed !== null) throw new Error(`${run.id}: ${failed}`);
    if (ended !== 0 && !signal.aborted) throw new Error(`${run.id}: its process ended with ${ended}`);
  } finally {
    signal.removeEventListener("abort", stop);
    if (bar) bars.remove(bar);
  }
}

function endOf(child: ChildProcess): Promise<number | string> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve(code ?? signal ?? "no code"));
  });
}

function hours(ms: number): string {
  const minutes = Math.round(ms / 60_000);
  return minutes < 90 ? `${minutes} min` : `${(minutes / 60).toFixed(1)} h`;
}
