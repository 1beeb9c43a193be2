/** One run of the queue in a process of its own, started by schedule.ts: `child.ts SCALE ID RESULTS WORK COMMAND`. Tells its parent how it goes, and stops at the next step when asked. */
import { openGpu } from "../src/index.js";
import { originOf, Results } from "./results.js";
import { isSearch, runsOf, SCALES, type ScaleName } from "./runs.js";
import type { Told } from "./schedule.js";
import { Sets } from "./sets.js";
import { doRun } from "./train.js";

async function main([scaleName, id, resultsFolder, work, command]: readonly string[]): Promise<void> {
  const scale = SCALES[scaleName as ScaleName];
  const run = runsOf(scale).find((r) => r.id === id)!;
  const tell = (told: Told): void => void process.send!(told);
  const controller = new AbortController();
  const stop = (): void => controller.abort(new Error("stopped"));
  process.on("SIGINT", stop).on("SIGTERM", stop).on("disconnect", stop);
  using gpu = await openGpu({ powerPreference: "high-performance" });
  using sets = new Sets(scale);
  const results = new Results(resultsFolder!);
  const done = await doRun(
    {
      gpu,
      sets,
      results,
      work: work!,
      signal: controller.signal,
      onStep: (training, step, steps, note) => tell({ type: "step", training, step, steps, note }),
    },
    run,
  );
  if (!done) return;
  results.write({ format: 1, run, ...done, ...originOf(gpu.info, command!) });
  const outcome = isSearch(run)
    ? `rate ${done.learningRate} of ${run.rates.join(", ")}`
    : `val mean IU ${(100 * done.val.meanIU).toFixed(1)}`;
  tell({ type: "done", outcome: `${outcome}, ${done.msPerStep.toFixed(0)} ms a step` });
}

// Dawn keeps Node alive: exit by hand, when what was told has gone out.
await main(process.argv.slice(2)).then(
  () => leave(0),
  (error: unknown) => {
    process.send?.({ type: "failed", message: error instanceof Error ? error.message : String(error) } satisfies Told);
    leave(1);
  },
);

function leave(code: number): void {
  process.once("disconnect", () => process.exit(code));
  if (process.connected) process.disconnect();
  else process.exit(code);
}
