/** The test sets, read once: when all runs are done, and all choices made. */
import { SingleBar } from "cli-progress";
import type { Gpu } from "../src/index.js";
import { evaluateFcn, formatEvaluation } from "../src/training/index.js";
import { originOf, type Results } from "./results.js";
import { isSearch, type Run } from "./runs.js";
import type { Sets } from "./sets.js";
import { weightsOf } from "./train.js";

export interface TestBench {
  readonly gpu: Gpu;
  readonly sets: Sets;
  readonly results: Results;
  /** Where the weights are. */
  readonly work: string;
  /** As it stands in the results. */
  readonly command: string;
  readonly signal: AbortSignal;
}

/**
 * A run that has its figures keeps them, so that a stopped reading goes on. False where the signal came. Throws where a run is not done: `runs` are all
 * of a scale.
 */
export async function readTest(runs: readonly Run[], bench: TestBench): Promise<boolean> {
  const { results, signal } = bench;
  const missing = runs.filter((run) => results.read(run.id) === null);
  if (missing.length > 0)
    throw new Error(`${missing.map((run) => run.id).join(", ")} are not done yet: test is read when all choices are made`);
  const open = runs.filter((run) => !isSearch(run) && !results.read(run.id)!.test);
  for (const [i, run] of open.entries()) {
    try {
      await testRun(run, bench, `${i + 1} of ${open.length}: ${run.id}`);
    } catch (error) {
      if (signal.aborted) return false;
      throw error;
    }
  }
  return true;
}

async function testRun(run: Run, { gpu, sets, results, work, command, signal }: TestBench, title: string): Promise<void> {
  console.log(title);
  const bar = process.stdout.isTTY
    ? new SingleBar({ format: "  {bar} {value}/{total} · {eta_formatted}", clearOnComplete: true, hideCursor: true })
    : null;
  const started = performance.now();
  const source = await sets.of(run.set, "test");
  bar?.start(source.length, 0);
  try {
    const evaluation = await evaluateFcn(gpu, {
      net: { ...run.net, classes: source.classes.length },
      source,
      weights: await weightsOf(work, run),
      signal,
      onProgress: ({ stage, done }) => stage === "evaluate" && bar?.update(done),
    });
    const seconds = (performance.now() - started) / 1000;
    results.write({ ...results.read(run.id)!, test: { ...evaluation, ...originOf(gpu.info, command), seconds } });
    console.log(`${formatEvaluation(evaluation)}\n`);
  } finally {
    bar?.stop();
  }
}
