/** Collects what a platform reports and prints it as it comes: a line per suite, failures in full, the running test on a terminal's last line. */
import type { TestEvent, TestTitle } from "./events.js";

export interface TestResult {
  readonly title: TestTitle;
  readonly outcome: "passed" | "failed" | "skipped";
  readonly ms: number;
  readonly error?: string;
}

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export interface Report {
  readonly results: readonly TestResult[];
  /** The test under way, to name it when the platform hangs or dies. */
  readonly running: TestTitle | null;
  readonly ended: boolean;
  add(event: TestEvent): void;
  /** A failure of the platform itself. */
  fail(title: TestTitle, error: string): void;
  /** Prints what is still held back. */
  finish(): void;
}

export interface ReportOptions {
  /** A line per test instead of one per suite. */
  readonly verbose?: boolean;
  readonly print?: (text: string) => void;
}

/** `skips` maps the full titles of tests that may be skipped to the reason; any other skipped test counts as failed. */
export function createReport(
  skips: Readonly<Record<string, string>>,
  { verbose = false, print = printAboveRunning }: ReportOptions = {},
): Report {
  const results: TestResult[] = [];
  let running: TestTitle | null = null;
  let ended = false;
  let failures = 0;
  let suite = "";
  let suiteResults: TestResult[] = [];

  function record(result: TestResult): void {
    results.push(result);
    running = null;
    const name = result.title.slice(0, -1).join(" › ");
    if (name !== suite) printSuite();
    suite = name;
    suiteResults.push(result);
    if (verbose) print(`${MARKS[result.outcome]} ${result.title.join(" › ")} (${Math.round(result.ms)} ms)`);
    if (result.outcome === "failed") printFailure(result);
    if (result.outcome === "skipped") print(`  - skipped: ${result.title.join(" › ")}: ${skips[result.title.join(" ")]}`);
  }

  function printFailure({ title, error = "" }: TestResult): void {
    failures++;
    const shown = failures <= FULL_FAILURES ? error : (error.split("\n")[0] ?? "");
    print(`  ✗ ${title.join(" › ")}\n${indent(shown)}`);
  }

  function printSuite(): void {
    if (suiteResults.length === 0) return;
    const ms = suiteResults.reduce((total, result) => total + result.ms, 0);
    const failed = suiteResults.filter((result) => result.outcome === "failed").length;
    const outcome = failed === 0 ? `${suiteResults.length}` : `${failed} of ${suiteResults.length} FAILED`;
    if (!verbose) print(`  ${failed === 0 ? "✓" : "✗"} ${suite} (${outcome}, ${(ms / 1000).toFixed(1)} s)`);
    suiteResults = [];
  }

  return {
    results,
    get running() {
      return running;
    },
    get ended() {
      return ended;
    },
    add(event) {
      switch (event.type) {
        case "start":
          running = event.title;
          showRunning(event.title);
          break;
        case "pass":
          record({ title: event.title, outcome: "passed", ms: event.ms });
          break;
        case "fail":
          record({ title: event.title, outcome: "failed", ms: event.ms, error: event.error });
          break;
        case "skip":
          if (skips[event.title.join(" ")] === undefined) {
            record({
              title: event.title,
              outcome: "failed",
              ms: 0,
              error: "skipped, but test/skips.json does not name it with a reason",
            });
          } else record({ title: event.title, outcome: "skipped", ms: 0 });
          break;
        case "adapter":
          print(`adapter: ${event.line}`);
          break;
        case "gpu-error": {
          const where = running ?? results.at(-1)?.title ?? ["before the first test"];
          record({ title: [...where, "uncaptured GPU error"], outcome: "failed", ms: 0, error: event.text });
          break;
        }
        case "end":
          ended = true;
          break;
      }
    },
    fail(title, error) {
      record({ title, outcome: "failed", ms: 0, error });
    },
    finish() {
      printSuite();
    },
  };
}

export function countResults(results: readonly TestResult[]): Counts {
  const count = (outcome: TestResult["outcome"]): number => results.filter((result) => result.outcome === outcome).length;
  return { passed: count("passed"), failed: count("failed"), skipped: count("skipped") };
}

/** The closing line that CI reads. */
export function formatCounts({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}

/** So many failures are printed with their stacks, the rest with one line each. */
const FULL_FAILURES = 20;
const MARKS = { passed: "  ✓", failed: "  ✗", skipped: "  -" } as const;
const CLEAR_LINE = "\r\u001b[K";

function printAboveRunning(text: string): void {
  process.stdout.write(`${process.stdout.isTTY ? CLEAR_LINE : ""}${text}\n`);
}

function showRunning(title: TestTitle): void {
  if (!process.stdout.isTTY) return;
  process.stdout.write(`${CLEAR_LINE}${title.join(" › ").slice(0, process.stdout.columns - 1)}`);
}

function indent(text: string): string {
  return text.replace(/^/gm, "      ");
}
