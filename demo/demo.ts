/** The demo as a function: all seeds, the tables and the report. */
import type { Gpu, SegmentationMetrics } from "../src/index.js";
import { strideBound } from "./bounds.js";
import type { DigitSets } from "./digits.js";
import { runSeed, type SeedResult } from "./experiment.js";
import { goals, type Goal } from "./goals.js";
import { seconds, type Progress } from "./progress.js";
import { writeReport } from "./report.js";
import { CLASSES, labelMapsOf, sceneSet } from "./scenes.js";
import type { Settings } from "./settings.js";
import { comparisonTable, formatTable, mapsTable, metricsTable } from "./tables.js";

export interface DemoOptions {
  readonly settings: Settings;
  /** Each trains everything anew; the held-out scenes are the same for all. */
  readonly seeds: readonly number[];
  readonly folder: string;
  /** What the report says about where and how it ran. */
  readonly facts: readonly string[];
}

export interface DemoOutcome {
  readonly results: readonly SeedResult[];
  readonly goals: readonly Goal[];
  /** The page first. */
  readonly files: readonly string[];
}

const HELD_OUT_SEED = 2015;

/** Rejects with the signal's reason when stopped. */
export async function runDemo(
  gpu: Gpu,
  digits: DigitSets,
  options: DemoOptions,
  progress: Progress,
  signal: AbortSignal,
): Promise<DemoOutcome> {
  const { settings, seeds } = options;
  const started = performance.now();
  const heldOut = sceneSet(digits.heldOut, HELD_OUT_SEED, "held-out scenes", settings.heldOut.sizes, settings.heldOut.perSize);
  const boundOf = (stride: number): SegmentationMetrics => strideBound(labelMapsOf(heldOut), { classes: CLASSES, stride });
  const bounds = { stride2: boundOf(2), stride4: boundOf(4) };

  const results: SeedResult[] = [];
  for (const seed of seeds) {
    if (seeds.length > 1) progress.say(`\nseed ${seed}`);
    results.push(await runSeed({ gpu, digits, heldOut, settings, progress, signal }, seed));
  }

  const metrics = metricsTable(results, bounds);
  const reached = goals(results, bounds);
  const first = results[0]!;
  const facts = [...options.facts, `seeds ${seeds.join(", ")}; ${seconds(performance.now() - started)}`];
  const files = await writeReport(options.folder, { facts, metrics, goals: reached, results });
  progress.say(`\n${formatTable(metrics)}\n\n${formatTable(mapsTable(first))}\n\n${formatTable(comparisonTable(first))}\n`);
  return { results, goals: reached, files };
}
