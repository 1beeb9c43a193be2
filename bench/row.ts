/**
 * One row: every engine computes a workload, is checked against the reference, and then they take turns, round by round, so that whatever else the
 * machine does falls on all of them. Ratios are made within a round.
 */
import { decodeFloats } from "./base64.js";
import type { CatalogEntry } from "./catalog.js";
import { LostBeforeError, messageOf, TimeoutError } from "./host.js";
import { TOLERANCE, type Entry, type FirstRun, type GpuCounts, type Row, type Settings, type Status } from "./report.js";
import type { PrepareReply } from "./session.js";
import type { Sessions } from "./sessions.js";
import { largestError } from "./statistics.js";
import type { Workload } from "./workloads.js";

export interface RowOptions {
  readonly sessions: Sessions;
  readonly engines: readonly CatalogEntry[];
  readonly settings: Settings;
  /** Load average, or null where nobody tells. */
  readonly load: () => number | null;
  /** Told what is being done, and how much of the row is, from 0 to 1. */
  readonly onStage: (text: string, done: number) => void;
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
  /** Its session has not been ended. */
  alive: boolean;
  /** The workload is loaded. */
  prepared: boolean;
  readonly capMs: number;
  /** Of the cap. */
  leftMs: number;
  /** The longest run of the last visit: what another may take. The first run says little of it, since it compiles. */
  lastMs: number;
}

export async function runRow(workload: Workload, options: RowOptions): Promise<Row> {
  const { sessions, engines, settings } = options;
  const load = options.load();
  const steps = 1 + engines.length * (1 + settings.rounds);
  let step = 0;
  const onStage = (text: string): void => options.onStage(text, step++ / steps);
  // The first run of a net is a figure by itself: nothing of it may be compiled already.
  if (workload.group === "F") await sessions.closeUsed();
  onStage("reference");
  const expected = await sessions.expectedOutput(workload.id);
  const before = await sessions.peak();
  const capMs = settings.capSeconds * 1000 * (workload.net.layers.length > 1 ? NET_CAP : 1);
  const runners = engines.map(({ name }): Runner => newRunner(name, capMs));
  const attempt = async (runner: Runner, work: () => Promise<unknown>): Promise<void> => {
    if (await guarded(runner, sessions, work)) return;
    options.onStage(`waiting until the work of ${runner.name} has ended`, step / steps);
    if (await sessions.settle()) return;
    const others = runners.filter((other) => other !== runner && other.status === "ok");
    for (const other of others) note(other, `work of ${runner.name}, which was ended, may have gone on beside it`);
  };
  const prepareOne = async (runner: Runner): Promise<void> => {
    const engine = engines.find(({ name }) => name === runner.name)!;
    await attempt(runner, () => prepare(runner, engine, workload, expected, sessions));
  };
  for (const runner of runners) {
    onStage(`${runner.name}: first run`);
    await prepareOne(runner);
  }
  for (let round = 0; round < settings.rounds; round++) {
    const first = round % runners.length;
    for (const runner of [...runners.slice(first), ...runners.slice(0, first)]) {
      onStage(`round ${round + 1} of ${settings.rounds}: ${runner.name}`);
      if (runner.status === "ok" && runner.alive && !runner.prepared) await prepareOne(runner);
      if (runner.status === "ok") await attempt(runner, () => visit(runner, sessions));
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
  return { name, status: "ok", message: null, ...results, alive: true, prepared: false, capMs, leftMs: capMs, lastMs: 0 };
}

/**
 * What goes wrong with one engine is noted, and its session ended: the others go on. One whose device was lost while others were at work is opened
 * anew for its next turn. Returns whether nothing did.
 */
async function guarded(runner: Runner, sessions: Sessions, work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    const lost = error instanceof LostBeforeError;
    if (lost) note(runner, `${error.message}, while others were at work`);
    else if (error instanceof TimeoutError) overCap(runner);
    else [runner.status, runner.message] = ["failed", messageOf(error)];
    runner.alive = lost;
    runner.prepared = false;
    await sessions.close(runner.name);
    return false;
  }
}

/** With samples of earlier rounds there still is something to show. */
function overCap(runner: Runner): void {
  const within = `within ${(runner.capMs / 1000).toFixed(0)} s`;
  if (runner.rounds.flat().length > 0) return note(runner, `ended: not done with round ${runner.rounds.length} ${within}`);
  runner.status = "slow";
  runner.message = `${runner.first ? "no second run" : "not even the first result"} ${within}`;
}

function note(runner: Runner, text: string): void {
  if (!runner.notes.includes(text)) runner.notes = [...runner.notes, text];
}

async function prepare(
  runner: Runner,
  engine: CatalogEntry,
  workload: Workload,
  expected: Float32Array,
  sessions: Sessions,
): Promise<void> {
  await sessions.open(engine);
  const reply = await charged(runner, () => sessions.ask(runner.name, { kind: "prepare", workload: workload.id }, runner.leftMs));
  if (reply.cannot !== null) {
    [runner.status, runner.message] = ["unsupported", reply.cannot];
    return;
  }
  runner.prepared = true;
  runner.first ??= reply.first;
  runner.pipelines = reply.pipelines;
  for (const text of reply.notes) note(runner, text);
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
  if (!runner.alive || !runner.prepared || runner.lastMs > runner.leftMs) return;
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
