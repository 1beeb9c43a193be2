/** Runs cases on platforms, prints a section for each, and adds up: what the commands conformance and fuzz share. */
import { PLAIN, type EngineOptions } from "../../test/conformance/engine.js";
import type { ConformanceCase } from "../../test/conformance/format.js";
import type { CaseResult } from "../../test/conformance/run-cases.js";
import type { Precision } from "../../src/index.js";
import { writeJunit } from "../tests/junit.js";
import type { TestResult } from "../tests/report.js";
import { PLATFORMS, type PlatformName } from "./platforms.js";
import { countOutcomes, formatFailures, formatTable, showProgress, type Counts } from "./report.js";

/** What `parseArgs` is told of the flags of {@link readEngine} and {@link readPlatforms}. */
export const RUN_FLAGS = {
  on: { type: "string", multiple: true },
  variants: { type: "boolean", default: false },
  precision: { type: "string", default: PLAIN.precision },
} as const;

export const RUN_USAGE = `[--on ${Object.keys(PLATFORMS).join("|")}]... [--variants] [--precision f32|f16|mixed]`;

/** Node unless told. Throws for a name that is none. */
export function readPlatforms(on: readonly string[] = ["node"]): readonly PlatformName[] {
  const isPlatform = (name: string): name is PlatformName => Object.hasOwn(PLATFORMS, name);
  const platforms = [...new Set(on)];
  if (!platforms.every(isPlatform))
    throw new Error(
      `--on ${platforms.find((name) => !isPlatform(name))} is none of the platforms: ${Object.keys(PLATFORMS).join(", ")}`,
    );
  return platforms;
}

export function readEngine({ variants, precision }: { readonly variants: boolean; readonly precision: string }): EngineOptions {
  const known: readonly string[] = ["f32", "f16", "mixed"] satisfies Precision[];
  if (!known.includes(precision)) throw new Error(`--precision ${precision}: use ${known.join(", ")}`);
  return { variants, precision: precision as Precision };
}

/** What ran so far, on all platforms. */
export class Tally {
  private readonly suites: Record<string, TestResult[]> = {};
  private passed = 0;
  private failed = 0;
  private skipped = 0;

  get counts(): Counts {
    return { passed: this.passed, failed: this.failed, skipped: this.skipped };
  }

  /** Failures outside any platform: files that could not be read. */
  addErrors(suite: string, errors: readonly string[]): void {
    this.failed += errors.length;
    if (errors.length > 0) (this.suites[suite] ??= []).push(...errors.map((error) => failure([suite], error)));
  }

  /** Prints the platform's section. */
  async run(name: PlatformName, cases: readonly ConformanceCase[], engine: EngineOptions): Promise<void> {
    const { results, errors } = await runPlatform(name, cases, engine);
    const { passed, failed, skipped } = countOutcomes(results);
    this.passed += passed;
    this.failed += failed;
    this.skipped += skipped;
    (this.suites[name] ??= []).push(...results.map(toTest));
    this.addErrors(name, errors);
  }

  async writeJunit(file: string): Promise<void> {
    await writeJunit(file, this.suites);
  }
}

async function runPlatform(
  name: PlatformName,
  cases: readonly ConformanceCase[],
  engine: EngineOptions,
): Promise<{ results: readonly CaseResult[]; errors: readonly string[] }> {
  const results: CaseResult[] = [];
  const errors: string[] = [];
  const started = performance.now();
  console.log(`\n── ${name}: ${cases.length} cases ──`);
  const progress = showProgress(cases.length);
  const onResult = (result: CaseResult): void => {
    results.push(result);
    progress.add(result);
  };
  const onAdapter = (line: string): void => console.log(`adapter: ${line}`);
  try {
    await PLATFORMS[name]({ cases, engine }, { onResult, onAdapter, onError: (text) => errors.push(text) });
  } catch (error) {
    const next = cases[results.length];
    const where = next
      ? ` (in ${next.op}: ${next.suite}: ${next.name}; ${cases.length - results.length} cases did not finish)`
      : "";
    errors.push(`could not be run to its end${where}: ${error instanceof Error ? error.message : String(error)}`);
  }
  progress.end();
  console.log(formatTable(results));
  const failures = formatFailures(results);
  if (failures !== "") console.log(failures);
  for (const error of errors) console.log(`  failed: ${name}: ${error}`);
  const { passed, failed, skipped } = countOutcomes(results);
  const runs = results.reduce((sum, result) => sum + result.runs, 0);
  const how = `${runs === results.length ? "" : `${runs} runs, `}${((performance.now() - started) / 1000).toFixed(1)} s`;
  console.log(`${name}: ${passed} passed, ${failed} failed, ${skipped} skipped (${how})`);
  return { results, errors };
}

function toTest({ op, suite, name, outcome, ms, error }: CaseResult): TestResult {
  return { title: [op, suite, name], outcome, ms, ...(error === null ? {} : { error }) };
}

function failure(title: readonly string[], error: string): TestResult {
  return { title, outcome: "failed", ms: 0, error };
}
