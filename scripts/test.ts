/**
 * Runs the tests on one or more platforms:
 *
 *     tsx scripts/test.ts unit node chromium [--grep PATTERN] [--report junit FILE] [--verbose] [--idle-timeout SECONDS]
 *
 * Ends with one line over all platforms, `N passed, N failed[, N skipped]`. Fails when a test failed, when a platform could not be run, and
 * when it ran no test.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { root } from "./paths.js";
import { writeJunit } from "./tests/junit.js";
import { PLATFORMS, type PlatformName, testFiles } from "./tests/platforms.js";
import { countResults, createReport, formatCounts, type TestResult } from "./tests/report.js";

const USAGE = `usage: tsx scripts/test.ts ${Object.keys(PLATFORMS).join("|")}... [--grep PATTERN] [--report junit FILE] [--verbose] [--idle-timeout SECONDS]`;

interface Options {
  readonly platforms: readonly PlatformName[];
  readonly grep: string | null;
  readonly junit: string | null;
  readonly verbose: boolean;
  readonly idleTimeoutMs: number;
}

function readOptions(): Options {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      grep: { type: "string" },
      report: { type: "string" },
      verbose: { type: "boolean" },
      "idle-timeout": { type: "string" },
    },
  });
  const isPlatform = (name: string): name is PlatformName => Object.hasOwn(PLATFORMS, name);
  const platforms = positionals.filter(isPlatform);
  const others = positionals.filter((name) => !isPlatform(name));
  const junit = values.report === undefined ? null : others.shift();
  if (
    (values.report !== undefined && values.report !== "junit") ||
    junit === undefined ||
    others.length > 0 ||
    platforms.length === 0
  )
    throw new Error(USAGE);
  const idleTimeoutMs = Number(values["idle-timeout"] ?? 180) * 1000;
  return { platforms, grep: values.grep ?? null, junit, verbose: values.verbose ?? false, idleTimeoutMs };
}

async function runPlatform(
  name: PlatformName,
  options: Options,
  skips: Readonly<Record<string, string>>,
): Promise<readonly TestResult[]> {
  const { folders, run } = PLATFORMS[name];
  const report = createReport(skips, { verbose: options.verbose });
  const started = performance.now();
  console.log(`\n── ${name} ──`);
  try {
    await run(await testFiles(folders), {
      grep: options.grep,
      idleTimeoutMs: options.idleTimeoutMs,
      onEvent: (event) => report.add(event),
    });
  } catch (error) {
    const title = report.running === null ? [name, "could not be run to its end"] : [...report.running];
    report.fail(title, error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
  if (report.results.length === 0) report.fail([name, "ran no test"], "no test file, or --grep matched none");
  report.finish();
  console.log(`${name}: ${formatCounts(countResults(report.results))} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
  return report.results;
}

async function main(): Promise<void> {
  const options = readOptions();
  const skips = JSON.parse(await readFile(join(root, "test", "skips.json"), "utf8")) as Record<string, string>;
  const suites: Record<string, readonly TestResult[]> = {};
  for (const name of options.platforms) suites[name] = await runPlatform(name, options, skips);
  if (options.junit !== null) await writeJunit(options.junit, suites);
  const counts = countResults(Object.values(suites).flat());
  console.log(`\n${formatCounts(counts)}`);
  process.exitCode = counts.failed === 0 ? 0 : 1;
}

await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
