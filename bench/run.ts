/**
 * Times the engine against its CPU reference:
 *
 *     npm run bench -- [--on node|chromium]... [--json FILE]
 *
 * Without --on it runs in Node. Outputs are checked before anything is timed. Times are medians with the 10th and 90th percentile.
 */
import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { runInBrowser } from "../scripts/browser/page-runner.js";
import { benchNarrowFcn, type Report } from "./narrow-fcn.js";

const onStage = (text: unknown): void => console.log(`  ${String(text)}`);

const PLATFORMS = {
  node: async () => ({ platform: `Node ${process.versions.node}`, ...(await benchNarrowFcn(onStage)) }),
  chromium: async () => {
    const { result, browser } = await runInBrowser<Report>({
      browser: "chromium",
      entry: "bench/page.ts",
      onMessage: onStage,
      idleTimeoutMs: 600_000,
    });
    return { platform: browser, ...result };
  },
} as const;

function formatReport({ workload, adapter, compileMs, firstRunMs, differences, rows }: Report): string {
  const ms = (value: number): string => value.toFixed(value < 10 ? 2 : 0);
  const lines = rows.map(({ pass, engine, timing: { runs, medianMs, p10Ms, p90Ms } }) => {
    const reference = rows.find((row) => row.pass === pass && row.engine === "cpu reference")!;
    const ratio = reference.timing.medianMs / medianMs;
    return [pass, engine, `${ms(medianMs)} ms`, `${ms(p10Ms)} to ${ms(p90Ms)}`, String(runs), `${ratio.toFixed(1)} x`];
  });
  const table = [["pass", "engine", "median", "p10 to p90", "runs", "of the reference's speed"], ...lines];
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
  return [
    workload,
    `adapter: ${[adapter.vendor, adapter.architecture, adapter.description].filter((text) => text !== "").join(", ")}${adapter.software ? " (software)" : ""}`,
    `compiled in ${ms(compileMs)} ms; first forward pass ${ms(firstRunMs.forward)} ms, first training step ${ms(firstRunMs.trainingStep)} ms`,
    `differences from the reference, of the largest value: scores ${differences.scores.toExponential(1)}, weights after a step ${differences.weights.toExponential(1)}`,
    ...table.map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join("  ")
        .trimEnd(),
    ),
  ].join("\n");
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { on: { type: "string", multiple: true }, json: { type: "string" } } });
  const names = [...new Set(values.on ?? ["node"])];
  const isPlatform = (name: string): name is keyof typeof PLATFORMS => Object.hasOwn(PLATFORMS, name);
  if (!names.every(isPlatform))
    throw new Error(`usage: npm run bench -- [--on ${Object.keys(PLATFORMS).join("|")}]... [--json FILE]`);
  const reports = [];
  for (const name of names) {
    console.log(`\n── ${name} ──`);
    const report = await PLATFORMS[name]();
    console.log(formatReport(report));
    reports.push({ ...report, date: new Date().toISOString() });
  }
  // npm starts this in the repository, wherever it was called.
  if (values.json !== undefined)
    await writeFile(resolve(process.env["INIT_CWD"] ?? process.cwd(), values.json), JSON.stringify(reports, null, 2) + "\n");
}

await main().then(
  // Not left to the event loop: Dawn keeps it alive for a while.
  () => process.exit(0),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  },
);
