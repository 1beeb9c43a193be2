/** What the conformance command prints: progress while it runs, a row per operation, the first failures with their values. */
import { UNBOUNDED } from "../../test/conformance/compare.js";
import type { CaseResult } from "../../test/conformance/run-cases.js";

const FAILURES_SHOWN = 12;
const PROGRESS_EVERY_MS = 5_000;

export interface Progress {
  add(result: CaseResult): void;
  /** Clears the line, on a terminal. */
  end(): void;
}

/** On a terminal the last line counts; elsewhere a line comes every five seconds. */
export function showProgress(total: number): Progress {
  let done = 0;
  let failed = 0;
  let printed = performance.now();
  const { isTTY } = process.stdout;
  return {
    add(result) {
      done++;
      if (result.outcome === "failed") failed++;
      const line = `  ${done}/${total}, ${failed} failed: ${result.op}: ${result.name}`;
      if (isTTY) process.stdout.write(`\r\u001b[K${line.slice(0, process.stdout.columns - 1)}`);
      else if (performance.now() - printed > PROGRESS_EVERY_MS) {
        printed = performance.now();
        console.log(line);
      }
    },
    end() {
      if (isTTY) process.stdout.write("\r\u001b[K");
    },
  };
}

/** A row per operation: passed, failed, skipped, worst error as a fraction of the tolerance. */
export function formatTable(results: readonly CaseResult[]): string {
  const ops = [...new Set(results.map(({ op }) => op))].sort();
  const rows = ops.map((op) => {
    const own = results.filter((result) => result.op === op);
    const { passed, failed, skipped } = countOutcomes(own);
    return [op, String(passed), String(failed), String(skipped), formatFraction(Math.max(...own.map(({ worst }) => worst)))];
  });
  const table = [["op", "passed", "failed", "skipped", "worst error / tolerance"], ...rows];
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
  return table
    .map((row) => `  ${row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join("  ")}`)
    .join("\n");
}

export function formatFailures(results: readonly CaseResult[]): string {
  const failures = results.filter(({ outcome }) => outcome !== "passed");
  const lines = failures
    .slice(0, FAILURES_SHOWN)
    .map(({ outcome, op, suite, name, error }) => `  ${outcome}: ${op}: ${suite}: ${name}\n      ${error}`);
  if (failures.length > FAILURES_SHOWN)
    lines.push(`  and ${failures.length - FAILURES_SHOWN} more: --grep runs some of them, --report junit FILE writes all`);
  return lines.join("\n");
}

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export function countOutcomes(results: readonly CaseResult[]): Counts {
  const count = (outcome: CaseResult["outcome"]): number => results.filter((result) => result.outcome === outcome).length;
  return { passed: count("passed"), failed: count("failed"), skipped: count("skipped") };
}

function formatFraction(worst: number): string {
  if (worst === UNBOUNDED) return "unbounded";
  return worst === 0 ? "0" : worst.toPrecision(2);
}
