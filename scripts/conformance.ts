/**
 * Runs conformance cases, forward and gradients, through the public API:
 *
 *     npm run conformance -- [--on reference|node|chromium|firefox]... [--grep PATTERN] [--report junit FILE] [PATH...]
 *
 * A PATH is a file of cases (.json, .json.gz) or a folder of them; without one it is ../shared/conformance/open beside the repository. Without
 * --on it runs in Node; --on may be repeated. --grep takes a regular expression over "OP SUITE: NAME". The last line counts over all
 * platforms: `N passed, N failed, N skipped`. A case is skipped only where its file calls its value a quirk of the source and it fails.
 * Exits 1 when a case failed, when none ran, when a platform could not be run to its end, and when a file could not be read.
 */
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import type { ConformanceCase } from "../test/conformance/format.js";
import type { CaseResult } from "../test/conformance/run-cases.js";
import { readCases } from "./conformance/files.js";
import { PLATFORMS, type PlatformName } from "./conformance/platforms.js";
import { countOutcomes, formatFailures, formatTable, showProgress } from "./conformance/report.js";
import { sharedFolder } from "./paths.js";
import { writeJunit } from "./tests/junit.js";
import type { TestResult } from "./tests/report.js";

const USAGE = `usage: npm run conformance -- [--on ${Object.keys(PLATFORMS).join("|")}]... [--grep PATTERN] [--report junit FILE] [PATH...]`;

interface Options {
  readonly platforms: readonly PlatformName[];
  readonly grep: RegExp | null;
  readonly junit: string | null;
  readonly paths: readonly string[];
}

function readOptions(): Options {
  const { values, tokens } = parseArgs({
    allowPositionals: true,
    tokens: true,
    options: { on: { type: "string", multiple: true }, grep: { type: "string" }, report: { type: "string" } },
  });
  const isPlatform = (name: string): name is PlatformName => Object.hasOwn(PLATFORMS, name);
  const platforms = [...new Set(values.on ?? ["node"])];
  if (!platforms.every(isPlatform))
    throw new Error(`--on ${platforms.find((name) => !isPlatform(name))} is none of the platforms\n${USAGE}`);
  // npm starts this in the repository, wherever it was called.
  const here = process.env["INIT_CWD"] ?? process.cwd();
  const report = tokens.findIndex((token) => token.kind === "option" && token.name === "report");
  const file = report === -1 ? undefined : tokens[report + 1];
  if (report !== -1 && (values.report !== "junit" || file?.kind !== "positional"))
    throw new Error(`--report takes two words: junit FILE\n${USAGE}`);
  const junit = file?.kind === "positional" ? resolve(here, file.value) : null;
  const given = tokens.flatMap((token) => (token.kind === "positional" && token !== file ? [resolve(here, token.value)] : []));
  return {
    platforms,
    grep: values.grep === undefined ? null : new RegExp(values.grep),
    junit,
    paths: given.length > 0 ? given : [openCases()],
  };
}

function openCases(): string {
  const shared = sharedFolder();
  if (shared === null)
    throw new Error(`there is no folder ../shared beside the repository: name a file or folder of cases\n${USAGE}`);
  return join(shared, "conformance", "open");
}

/** Prints the platform's section; returns its results and what went wrong beside the cases. */
async function runPlatform(
  name: PlatformName,
  cases: readonly ConformanceCase[],
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
    await PLATFORMS[name](cases, { onResult, onAdapter, onError: (text) => errors.push(text) });
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
  console.log(
    `${name}: ${passed} passed, ${failed} failed, ${skipped} skipped (${((performance.now() - started) / 1000).toFixed(1)} s)`,
  );
  return { results, errors };
}

async function main(): Promise<void> {
  const options = readOptions();
  const { cases: all, errors } = await readCases(options.paths);
  const cases = all.filter(({ op, suite, name }) => options.grep === null || options.grep.test(`${op} ${suite}: ${name}`));
  const suites: Record<string, readonly TestResult[]> =
    errors.length === 0 ? {} : { files: errors.map((error) => failure(["files"], error)) };
  const counts = { passed: 0, failed: errors.length, skipped: 0 };
  for (const error of errors) console.log(`  failed: ${error}`);
  for (const name of cases.length === 0 ? [] : options.platforms) {
    const run = await runPlatform(name, cases);
    const { passed, failed, skipped } = countOutcomes(run.results);
    counts.passed += passed;
    counts.failed += failed + run.errors.length;
    counts.skipped += skipped;
    suites[name] = [...run.results.map(toTest), ...run.errors.map((error) => failure([name], error))];
  }
  if (options.junit !== null) await writeJunit(options.junit, suites);
  if (cases.length === 0)
    console.log(`no case was run: ${all.length === 0 ? "none was read" : `--grep matches none of ${all.length}`}`);
  console.log(`\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  process.exitCode = counts.failed > 0 || cases.length === 0 ? 1 : 0;
}

function toTest({ op, suite, name, outcome, ms, error }: CaseResult): TestResult {
  return { title: [op, suite, name], outcome, ms, ...(error === null ? {} : { error }) };
}

function failure(title: readonly string[], error: string): TestResult {
  return { title, outcome: "failed", ms: 0, error };
}

await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
