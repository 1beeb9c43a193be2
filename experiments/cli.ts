/**
 * `npm run experiments -- [--scale 160x120 | 320x240 | smoke] [--only PATTERN] [--parallel N] [--list] [--results FOLDER]`, or with `--test`: trains and evaluates on the photos beside the
 * repository, a few runs beside each other, cheapest first. Ctrl-C stops it at the next step; the same command goes on. `--test` reads the test sets, once, when
 * all runs are done.
 */
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { openGpu } from "../src/index.js";
import { inOrder, listRuns } from "./queue.js";
import { Results } from "./results.js";
import { needs, runsOf, SCALES, type Run, type ScaleName } from "./runs.js";
import { Sets } from "./sets.js";
import { runQueue } from "./schedule.js";
import { readTest } from "./test-sets.js";

const USAGE = `usage: npm run experiments -- [--scale ${Object.keys(SCALES).join(" | ")}] [--results FOLDER] [--only PATTERN] [--parallel N] [--list], or [--scale ...] [--results FOLDER] --test`;
const STOPPED = 130;
const root = join(import.meta.dirname, "..");

interface Arguments {
  readonly scale: ScaleName | null;
  readonly only: RegExp;
  /** Runs at the same time; null: as many as a software adapter has cores, one on a GPU. */
  readonly parallel: number | null;
  readonly list: boolean;
  readonly test: boolean;
  readonly results: string | null;
}

function readArguments(): Arguments {
  const { values } = parseArgs({
    options: {
      scale: { type: "string" },
      only: { type: "string" },
      parallel: { type: "string" },
      list: { type: "boolean" },
      test: { type: "boolean" },
      results: { type: "string" },
    },
  });
  // A part of the runs does not make all choices.
  if (values.test && (values.only !== undefined || values.parallel !== undefined || values.list)) throw new Error(USAGE);
  const { scale = null, only = "", parallel, list = false, test = false, results = null } = values;
  if (scale !== null && !Object.hasOwn(SCALES, scale)) throw new Error(USAGE);
  const atOnce = parallel === undefined ? null : Number(parallel);
  if (atOnce !== null && (!Number.isInteger(atOnce) || atOnce < 1))
    throw new Error(`--parallel is ${parallel}: use a whole number of at least 1`);
  return { scale: scale as ScaleName | null, only: new RegExp(only), parallel: atOnce, list, test, results };
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
  const { software } = gpu.info;
  const name = args.scale ?? (software ? "160x120" : "320x240");
  const scale = SCALES[name];
  const resultsFolder = resolve(args.results ?? join(root, "out", "experiments", name, "results"));
  const results = new Results(resultsFolder);
  const work = join(root, "out", "experiments", name, "runs");
  const order = inOrder(withNeeded(runsOf(scale), args.only));
  if (args.list) {
    console.log(listRuns(order, (run) => results.read(run.id) !== null));
    return 0;
  }
  if (args.test) {
    using sets = new Sets(scale);
    return (await readTest(order, { gpu, sets, results, work, command: `npm run experiments -- --scale ${name} --test`, signal }))
      ? 0
      : STOPPED;
  }
  // Small maps leave cores idle: a run for each core gets more done than one run on all of them.
  const parallel = args.parallel ?? (software ? availableParallelism() : 1);
  const threads = Math.max(1, Math.floor(availableParallelism() / parallel));
  const env = software ? { LP_NUM_THREADS: String(threads) } : {};
  const only = args.only.source === "(?:)" ? "" : ` --only '${args.only.source}'`;
  const command = `npm run experiments -- --scale ${name}${only}`;
  if (!(await runQueue(order, { scale: name, results, resultsFolder, work, command, parallel, env, signal }))) return STOPPED;
  console.log("all runs are done; the test sets are read by: npm run experiments -- --test");
  return 0;
}

/** Those that match, with all that they need. */
function withNeeded(runs: readonly Run[], only: RegExp): readonly Run[] {
  const wanted = new Set(runs.filter((run) => only.test(run.id)).map((run) => run.id));
  for (const id of wanted) for (const other of needs(runs.find((run) => run.id === id)!)) wanted.add(other);
  if (wanted.size === 0) throw new Error(`no run matches ${String(only)}: see --list`);
  return runs.filter((run) => wanted.has(run.id));
}

// Dawn keeps Node alive: exit by hand.
await main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  },
);
