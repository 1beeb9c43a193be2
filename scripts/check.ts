/**
 * Everything that is checked without running the code, two checks at a time, one line each with its time. Begins no more once a check has found something, prints what
 * it found and fails. `tsx scripts/check.ts [NAME...]` runs only the named ones.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { delimiter, join, relative } from "node:path";
import { cacheFolder, root } from "./paths.js";

const packed = join(cacheFolder, "packed");

interface Check {
  readonly finds: string;
  readonly command: readonly string[];
  /** What must be done before, where it is asked for: dist, which tsc writes, is what publint and attw look at. */
  readonly behind?: string;
}

/** One thread each, as a rule; their memory adds up. */
const AT_A_TIME = 2;

/** In the order in which they begin, unless one waits for another. */
const CHECKS: Readonly<Record<string, Check>> = {
  tsc: { finds: "type errors of the library", command: ["tsc", "-p", "tsconfig.json"] },
  "tsc-data": { finds: "type errors of what needs Node", command: ["tsc", "-p", "tsconfig.data.json"], behind: "tsc" },
  "tsc-tools": { finds: "type errors of scripts, tests, demo and benchmarks", command: ["tsc", "-p", "tsconfig.tools.json"] },
  eslint: { finds: "un-awaited promises and other defects that types allow", command: ["eslint", "--max-warnings", "0", "."] },
  prettier: { finds: "other than the agreed formatting", command: ["prettier", "--check", "--log-level", "warn", "."] },
  knip: { finds: "files, exports and dependencies that nothing uses", command: ["knip"] },
  publint: {
    finds: "a package that some tool cannot import",
    command: ["publint", "--strict", "--pack", "false"],
    behind: "tsc-data",
  },
  attw: {
    finds: "types that do not match what is imported",
    command: ["attw", "--profile", "esm-only", "--quiet", join(relative(root, packed), "PACKED")],
    behind: "tsc-data",
  },
  kernels: { finds: "a list of kernels in docs/ that is out of date", command: ["tsx", "scripts/kernel-list.ts", "--check"] },
  benchmarks: {
    finds: "tables in README.md that differ from bench/results",
    command: ["tsx", "scripts/bench-table.ts", "--check"],
  },
  results: {
    finds: "tables and drawings of docs/results.md that differ from experiments/results",
    command: ["tsx", "experiments/report.ts", "--check"],
  },
  typedoc: { finds: "public names without or with broken documentation", command: ["typedoc"] },
};

async function main(): Promise<void> {
  const asked = process.argv.slice(2);
  const unknown = asked.filter((name) => !Object.hasOwn(CHECKS, name));
  if (unknown.length > 0) throw new Error(`there is no check ${unknown.join(", ")}: they are ${Object.keys(CHECKS).join(", ")}`);
  const started = performance.now();
  let waiting = Object.keys(CHECKS).filter((name) => asked.length === 0 || asked.includes(name));
  const running = new Map<string, Promise<void>>();
  const isReady = (name: string): boolean => {
    const { behind } = CHECKS[name]!;
    return behind === undefined || !(waiting.includes(behind) || running.has(behind));
  };
  const found: string[] = [];
  while (found.length === 0 && waiting.length + running.size > 0) {
    const next = running.size < AT_A_TIME ? waiting.find(isReady) : undefined;
    if (next === undefined) {
      await Promise.race(running.values());
      continue;
    }
    waiting = waiting.filter((name) => name !== next);
    const work = check(next).then((trouble) => {
      running.delete(next);
      if (trouble !== null) found.push(trouble);
    });
    running.set(next, work);
  }
  await Promise.all(running.values());
  if (found.length > 0) throw new Error(found.join("\n"));
  console.log(`checks passed in ${((performance.now() - started) / 1000).toFixed(1)} s`);
}

/** Tells what it found; null for nothing. */
async function check(name: string): Promise<string | null> {
  const { finds, command } = CHECKS[name]!;
  const started = performance.now();
  const { code, output } = await run(name === "attw" ? await withTarball(command) : command);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${code === 0 ? "✓" : "✗"} ${name} (${seconds} s): ${finds}`);
  return code === 0 ? null : `${output}\n${name} failed: ${command.join(" ")}`;
}

/** attw reads the tarball that would be published, made from the dist that tsc has just written. */
async function withTarball(command: readonly string[]): Promise<readonly string[]> {
  await rm(packed, { recursive: true, force: true });
  await mkdir(packed, { recursive: true });
  const { code, output } = await run(["npm", "pack", "--ignore-scripts", "--silent", "--pack-destination", packed]);
  if (code !== 0) throw new Error(`npm pack failed: ${output}`);
  const tarball = output.trim().split("\n").at(-1)!;
  if (!existsSync(join(packed, tarball))) throw new Error(`npm pack printed ${output}, which names no file`);
  return command.map((word) => word.replace("PACKED", tarball));
}

/** Ctrl-C reaches the child as well: both end. */
function run([program, ...args]: readonly string[]): Promise<{ code: number; output: string }> {
  const path = [join(root, "node_modules", ".bin"), process.env["PATH"] ?? ""].join(delimiter);
  const child = spawn(program!, args, {
    cwd: root,
    env: { ...process.env, PATH: path },
    stdio: ["ignore", "pipe", "pipe"],
    shell: process.platform === "win32",
  });
  let output = "";
  const collect = (chunk: Buffer): void => void (output += chunk.toString());
  child.stdout.on("data", collect);
  child.stderr.on("data", collect);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code: code ?? 1, output }));
  });
}

await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
