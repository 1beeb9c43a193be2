/**
 * Everything that is checked without running the code, one line each with its time. Stops at the first check that finds something, prints what
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
}

/** In the order in which they run: dist, which tsc writes, is what publint and attw look at. */
const CHECKS: Readonly<Record<string, Check>> = {
  tsc: { finds: "type errors of the library", command: ["tsc", "-p", "tsconfig.json"] },
  "tsc-data": { finds: "type errors of what needs Node", command: ["tsc", "-p", "tsconfig.data.json"] },
  "tsc-tools": { finds: "type errors of scripts, tests, demo and benchmarks", command: ["tsc", "-p", "tsconfig.tools.json"] },
  eslint: { finds: "un-awaited promises and other defects that types allow", command: ["eslint", "--max-warnings", "0", "."] },
  prettier: { finds: "other than the agreed formatting", command: ["prettier", "--check", "--log-level", "warn", "."] },
  knip: { finds: "files, exports and dependencies that nothing uses", command: ["knip"] },
  publint: { finds: "a package that some tool cannot import", command: ["publint", "--strict", "--pack", "false"] },
  attw: {
    finds: "types that do not match what is imported",
    command: ["attw", "--profile", "esm-only", "--quiet", join(relative(root, packed), "PACKED")],
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
  for (const [name, { finds, command }] of Object.entries(CHECKS)) {
    if (asked.length > 0 && !asked.includes(name)) continue;
    if (process.stdout.isTTY) process.stdout.write(`… ${name}`);
    const checkStarted = performance.now();
    const { code, output } = await run(name === "attw" ? await withTarball(command) : command);
    const seconds = ((performance.now() - checkStarted) / 1000).toFixed(1);
    console.log(`${process.stdout.isTTY ? "\r\u001b[K" : ""}${code === 0 ? "✓" : "✗"} ${name} (${seconds} s): ${finds}`);
    if (code !== 0) throw new Error(`${output}\n${name} failed: ${command.join(" ")}`);
  }
  console.log(`checks passed in ${((performance.now() - started) / 1000).toFixed(1)} s`);
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
