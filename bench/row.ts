/**
 * One row: every engine computes a workload, is checked against the reference, and then they take turns, round by round, so that whatever else the
 * machine does falls on all of them. Ratios are made within a round.
 */
import { loadavg } from "node:os";
import { decodeFloats } from "./base64.js";
import type { CatalogEntry } from "./catalog.js";
import { messageOf, TimeoutError } from "./hosts.js";
import { TOLERANCE, type Entry, type FirstRun, type GpuCounts, type Row, type Settings, type Status } from "./report.js";
import type { PrepareReply } from "./session.js";
import type { Sessions } from "./sessions.js";
import { largestError } from "./statistics.js";
import type { Workload } from "./workloads.js";

export interface RowOptions {
  readonly sessions: Sessions;
  readonly engines: readonly CatalogEntry[];
  readonly settings: Settings;
  /** Told what is being done. */
  readonly onStage: (text: string) => void;
}

/** Nets may take so many times the cap of a layer. */
const NET_CAP = 3;

/** Of one engine in one round. */
const VISIT_MS = 300;
const VISIT_SAMPLES = 20;

/** One engine's way through a row. */
interface Runner {
  readonly name: string;
  status: Status;
  message: string | null;
  first: FirstRun | null;
  error: number | null;
  counts: GpuCounts | null;
  pipelines: number;
  readonly rounds: number[][];
  notes: readonly string[];
  /** Its process has not been killed. */
  alive: boolean;
  readonly capMs: number;
  /** Of the cap. */
  leftMs: number;
  /** The longest run of the last visit: what another may take. The first run says little of it, since it compiles. */
  lastMs: number;
}

export async function runRow(workload: Workload, options: RowOptions): Promise<Row> {
  const { sessions, engines, settings, onStage } = options;
  const load = loadavg()[0]!;
  // The first run of a net is a figure by itself: nothing of it may be compiled already.
  if (workload.group === "F") await sessions.closeUsed();
  onStage("reference");
  const expected = await sessions.expectedOutput(workload.id);
  const before = await sessions.peak();
  const capMs = settings.capSeconds * 1000 * (workload.net.layers.length > 1 ? NET_CAP : 1);
  const runners = engines.map(({ name }): Runner => newRunner(name, capMs));
  for (const [i, runner] of runners.entries()) {
    onStage(`${runner.name}: first run`);
    await guarded(runner, sessions, () => prepare(runner, engines[i]!, workload, expected, options));
  }
  for (let round = 0; round < settings.rounds; round++) {
    const first = round % runners.length;
    for (const runner of [...runners.slice(first), ...runners.slice(0, first)]) {
      if (runner.status !== "ok") continue;
      onStage(`round ${round + 1} of ${settings.rounds}: ${runner.name}`);
      await guarded(runner, sessions, () => visit(runner, sessions));
    }
  }
  for (const runner of runners)
    if (runner.alive) await guarded(runner, sessions, () => sessions.ask(runner.name, { kind: "release" }, 30_000));
  const after = await sessions.peak();
  return {
    id: workload.id,
    group: workload.group,
    title: workload.title,
    flops: workload.flops,
    date: new Date().toISOString(),
    peak: before && after && { before, after },
    load,
    entries: runners.map(entryOf),
  };
}

function newRunner(name: string, capMs: number): Runner {
  const results = { first: null, error: null, counts: null, pipelines: 0, rounds: [], notes: [] };
  return { name, status: "ok", message: null, ...results, alive: true, capMs, leftMs: capMs, lastMs: 0 };
}

/** What goes wrong with one engine is noted, and its process killed: the others go on. */
async function guarded(runner: Runner, sessions: Sessions, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (error instanceof TimeoutError) overCap(runner);
    else [runner.status, runner.message] = ["failed", messageOf(error)];
    runner.alive = false;
    await sessions.close(runner.name);
  }
}

/** With samples of earlier rounds there still is something to show. */
function overCap(runner: Runner): void {
  if (runner.rounds.flat().length > 0) return;
  runner.status = "slow";
  runner.message = `${runner.first ? "no second run" : "not even the first result"} within ${(runner.capMs / 1000).toFixed(0)} s`;
}

async function prepare(
  runner: Runner,
  engine: CatalogEntry,
  workload: Workload,
  expected: Float32Array,
  { sessions }: RowOptions,
): Promise<void> {
  await sessions.open(engine);
  const reply = await charged(runner, () => sessions.ask(runner.name, { kind: "prepare", workload: workload.id }, runner.leftMs));
  if (reply.cannot !== null) {
    [runner.status, runner.message] = ["unsupported", reply.cannot];
    return;
  }
  runner.first = reply.first;
  runner.pipelines = reply.pipelines;
  runner.notes = reply.notes;
  check(runner, workload, reply, expected);
}

function check(runner: Runner, workload: Workload, { outputs }: PrepareReply, expected: Float32Array): void {
  const error = largestError(decodeFloats(outputs), expected, { ofRange: workload.kind === "training" });
  runner.error = Number.isFinite(error) ? error : null;
  if (error <= TOLERANCE) return;
  runner.status = "wrong";
  runner.message = Number.isFinite(error)
    ? `differs from the reference by ${error.toExponential(1)} of its ${workload.kind === "training" ? "range" : "largest value"}`
    : "is not a number somewhere, or has another size than the reference";
}

async function visit(runner: Runner, sessions: Sessions): Promise<void> {
  const samples: number[] = [];
  runner.rounds.push(samples);
  if (!runner.alive || runner.lastMs > runner.leftMs) return;
  const reply = await charged(runner, () =>
    sessions.ask(runner.name, { kind: "visit", budgetMs: VISIT_MS, most: VISIT_SAMPLES }, runner.leftMs),
  );
  if (reply.gpuErrors.length > 0) throw new Error(`WebGPU errors: ${reply.gpuErrors.join("; ")}`);
  samples.push(...reply.samplesMs.map((ms) => Number(ms.toFixed(4))));
  runner.lastMs = Math.max(...reply.samplesMs);
  runner.counts = reply.counts && { ...reply.counts, pipelines: runner.pipelines };
}

/** Takes what the work lasted off the engine's cap. */
async function charged<T>(runner: Runner, work: () => Promise<T>): Promise<T> {
  const started = performance.now();
  try {
    return await work();
  } finally {
    runner.leftMs -= performance.now() - started;
  }
}

function entryOf({ name, status, message, first, error, counts, rounds, notes }: Runner): Entry {
  return { engine: name, status, message, first, error, counts, rounds, notes };
}
