/**
 * `npm run demo -- [--full | --short] [--seeds N] [--seed S] [--out FOLDER]`: LeNet becomes an FCN, from single digits to segmented scenes, on whatever
 * WebGPU adapter there is. Without --full or --short a real GPU gets the full run, a software adapter the short one.
 */
import { execFileSync } from "node:child_process";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import { openGpu, type GpuInfo } from "../src/index.js";
import { runDemo } from "./demo.js";
import { loadDigits } from "./digits.js";
import { terminalProgress } from "./progress.js";
import { FULL, SHORT, type Settings } from "./settings.js";

const USAGE = "usage: npm run demo -- [--full | --short] [--seeds N] [--seed S] [--out FOLDER]";
const STOPPED = 130;

interface Arguments {
  readonly settings: Settings | null;
  readonly seeds: readonly number[];
  readonly folder: string;
}

function readArguments(): Arguments {
  const { values } = parseArgs({
    options: {
      full: { type: "boolean" },
      short: { type: "boolean" },
      seeds: { type: "string" },
      seed: { type: "string" },
      out: { type: "string" },
    },
  });
  const [count, first] = [Number(values.seeds ?? 1), Number(values.seed ?? 1)];
  if ((values.full && values.short) || !Number.isInteger(count) || count < 1 || !Number.isInteger(first)) throw new Error(USAGE);
  return {
    settings: values.full ? FULL : values.short ? SHORT : null,
    seeds: Array.from({ length: count }, (_, i) => first + i),
    folder: values.out ?? join(import.meta.dirname, "..", "out", "demo"),
  };
}

/** Aborts at the first Ctrl-C; at another one, a second later or more (the launcher passes the first on too), gives up waiting. */
function stopOnInterrupt(): AbortSignal {
  const controller = new AbortController();
  let first = 0;
  const stop = (): void => {
    if (controller.signal.aborted && performance.now() - first > 1000) process.exit(STOPPED);
    if (controller.signal.aborted) return;
    first = performance.now();
    controller.abort(new Error("stopped"));
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  return controller.signal;
}

function factsOf(settings: Settings, info: GpuInfo): string[] {
  const command = `npm run demo -- ${process.argv.slice(2).join(" ")}`;
  return [
    `${settings.name} run on ${info.description || info.vendor} (${info.software ? "software" : "GPU"}, Node ${process.versions.node})`,
    `${command.trimEnd()}; commit ${commit()}; ${new Date().toISOString().slice(0, 10)}`,
  ];
}

function commit(): string {
  try {
    return execFileSync("git", ["rev-parse", "--short", "HEAD"], {
      cwd: import.meta.dirname,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  } catch {
    return "unknown";
  }
}

async function main(): Promise<number> {
  const args = readArguments();
  const signal = stopOnInterrupt();
  using gpu = await openGpu({ powerPreference: "high-performance" });
  const settings = args.settings ?? (gpu.info.software ? SHORT : FULL);
  console.log(
    settings.name === "full"
      ? "The full run."
      : "The short run: the same path in fewer steps. The full one: npm run demo -- --full",
  );
  const { results, goals, files } = await runDemo(
    gpu,
    loadDigits(),
    { ...args, settings, facts: factsOf(settings, gpu.info) },
    terminalProgress(),
    signal,
  );
  for (const { text, reached } of goals)
    console.log(`${reached ? "reached" : settings.name === "full" ? "MISSED " : "not yet"}  ${text}`);
  if (settings.name === "short") {
    console.log(
      `\nThat was the short run: mean IU ${(100 * results[0]!.skip.meanIU).toFixed(1)} with the skip. The goals are those of the full run: npm run demo -- --full`,
    );
  }
  console.log(`\nReport: ${relative(process.cwd(), files[0]!)}`);
  return settings.name === "full" && goals.some((goal) => !goal.reached) ? 1 : 0;
}

// Dawn keeps Node alive: exit by hand.
await main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    const stopped = error instanceof Error && error.message === "stopped";
    console.error(stopped ? "\nStopped; nothing was written." : error instanceof Error ? error.message : error);
    process.exit(stopped ? STOPPED : 1);
  },
);
