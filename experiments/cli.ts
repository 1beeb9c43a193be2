/**
 * `npm run experiments -- [--scale 160x120 | 320x240 | smoke] [--only PATTERN] [--list] [--test] [--results FOLDER]`: trains and evaluates on the photos beside the
 * repository, one run after the other, cheapest first. Ctrl-C stops it at the next step; the same command goes on. `--test` reads the test sets, once, when
 * all runs are done.
 */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { SingleBar } from "cli-progress";
import { openGpu, type Gpu } from "../src/index.js";
import { evaluateFcn, formatEvaluation } from "../src/training/index.js";
import { inOrder, listRuns, msLeft } from "./queue.js";
import { Results, type Result } from "./results.js";
import { isSearch, needs, runsOf, SCALES, type Run, type ScaleName } from "./runs.js";
import { Sets } from "./sets.js";
import { doRun, weightsOf } from "./train.js";

const USAGE = `usage: npm run experiments -- [--scale ${Object.keys(SCALES).join(" | ")}] [--only PATTERN] [--list] [--test] [--results FOLDER]`;
const STOPPED = 130;
const root = join(import.meta.dirname, "..");

interface Arguments {
  readonly scale: ScaleName | null;
  readonly only: RegExp;
  readonly list: boolean;
  readonly test: boolean;
  readonly results: string | null;
}

function readArguments(): Arguments {
  const { values } = parseArgs({
    options: {
      scale: { type: "string" },
      only: { type: "string" },
      list: { type: "boolean" },
      test: { type: "boolean" },
      results: { type: "string" },
    },
  });
  const { scale = null, only = "", list = false, test = false, results = null } = values;
  if (scale !== null && !Object.hasOwn(SCALES, scale)) throw new Error(USAGE);
  return { scale: scale as ScaleName | null, only: new RegExp(only), list, test, results };
}

/** Aborts at the first Ctrl-C, ends at the second, a second later or more: the launcher passes the first on too. */
function stopOnInterrupt(): AbortSignal {
  const controller = new AbortController();
  let first = 0;
  const stop = (): void => {
    if (controller.signal.aborted && performance.now() - first > 1000) process.exit(STOPPED);
    if (controller.signal.aborted) return;
    first = performance.now();
    console.log("\nstopping behind this step, with a checkpoint (Ctrl-C again: at once)");
    controller.abort(new Error("stopped"));
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  return controller.signal;
}

async function main(): Promise<number> {
  const args = readArguments();
  const signal = stopOnInterrupt();
  using gpu = await openGpu({ powerPreference: "high-performance" });
  const name = args.scale ?? (gpu.info.software ? "160x120" : "320x240");
  const scale = SCALES[name];
  const results = new Results(args.results ?? join(root, "out", "experiments", name, "results"));
  const work = join(root, "out", "experiments", name, "runs");
  const runs = withNeeded(runsOf(scale), args.only);
  const order = inOrder(runs);
  const isDone = (run: Run): boolean => results.read(run.id) !== null;
  if (args.list) {
    console.log(listRuns(order, isDone));
    return 0;
  }
  using sets = new Sets(scale);
  if (args.test) return await test(gpu, sets, results, work, order);
  const left = (): readonly Run[] => order.filter((run) => !isDone(run));
  for (const run of order) {
    if (isDone(run)) continue;
    const paces = order.flatMap((r) => results.read(r.id) ?? []);
    const ms = msLeft(left(), paces);
    console.log(
      `${order.length - left().length + 1} of ${order.length}: ${run.id}${ms === null ? "" : `; about ${hours(ms)} left in all`}`,
    );
    const started = performance.now();
    const bar = new SingleBar({
      format: "  {bar} {value}/{total} · {eta_formatted} · {training} · {note}",
      clearOnComplete: true,
      hideCursor: true,
    });
    bar.start(run.steps, 0, { note: "", training: "" });
    let logged = started;
    const onStep = (training: string, step: number, steps: number, note: string): void => {
      bar.update(step, { note, training });
      if (process.stdout.isTTY || performance.now() - logged < LOG_EVERY_MS) return;
      logged = performance.now();
      console.log(`  ${training}: ${step} of ${steps} · ${note}`);
    };
    const done = await doRun({ gpu, sets, results, work, signal, onStep }, run).finally(() => bar.stop());
    if (!done) return STOPPED;
    const facts = {
      adapter: gpu.info,
      command: `npm run experiments -- --scale ${name}`,
      commit: commit(),
      date: new Date().toISOString(),
    };
    const seconds = (performance.now() - started) / 1000;
    results.write({ format: 1, run, ...done, seconds, ...facts });
    const chosen = isSearch(run)
      ? `rate ${done.learningRate} of ${run.rates.join(", ")}`
      : `val mean IU ${(100 * done.val.meanIU).toFixed(1)}`;
    console.log(`  ${chosen}, ${done.msPerStep.toFixed(0)} ms a step, ${seconds.toFixed(0)} s`);
  }
  console.log("all runs are done; the test sets are read by: npm run experiments -- --test");
  return 0;
}

const LOG_EVERY_MS = 30_000;

/** Those that match, with all that they need. */
function withNeeded(runs: readonly Run[], only: RegExp): readonly Run[] {
  const wanted = new Set(runs.filter((run) => only.test(run.id)).map((run) => run.id));
  for (const id of wanted) for (const other of needs(runs.find((run) => run.id === id)!)) wanted.add(other);
  if (wanted.size === 0) throw new Error(`no run matches ${String(only)}: see --list`);
  return runs.filter((run) => wanted.has(run.id));
}

/** The test sets, once: a run that has its figures keeps them. */
async function test(gpu: Gpu, sets: Sets, results: Results, work: string, runs: readonly Run[]): Promise<number> {
  const missing = runs.filter((run) => results.read(run.id) === null);
  if (missing.length > 0)
    throw new Error(`${missing.map((run) => run.id).join(", ")} are not done yet: test is read when all choices are made`);
  for (const run of runs) {
    const result = results.read(run.id)!;
    if (isSearch(run) || result.test) continue;
    const source = await sets.of(run.set, "test");
    const net = { ...run.net, classes: source.classes.length };
    const evaluation = await evaluateFcn(gpu, { net, source, weights: await weightsOf(work, run) });
    results.write({ ...result, test: evaluation } satisfies Result);
    console.log(`${run.id}\n${formatEvaluation(evaluation)}\n`);
  }
  return 0;
}

function hours(ms: number): string {
  const minutes = Math.round(ms / 60_000);
  return minutes < 90 ? `${minutes} min` : `${(minutes / 60).toFixed(1)} h`;
}

function commit(): string {
  return execFileSync("git", ["describe", "--always", "--dirty"], { cwd: root, encoding: "utf8" }).trim();
}

// Dawn keeps Node alive: exit by hand.
await main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  },
);
