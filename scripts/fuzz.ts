/**
 * Random conformance cases, drawn from a seed with PyTorch's results, outputs and gradients:
 *
 *     npm run fuzz -- [--seed N] [--count N] [--from N] [--op OP]... [--case NAME]... [--keep FILE]
 *                     [--on reference|node|chromium|firefox]... [--variants] [--precision f32|f16|mixed] [--report junit FILE]
 *
 * Case i of a seed is the same on every machine; its name, OP/SEED/i, is all that --case takes to run it alone. --op draws of these
 * operations alone, --keep writes the cases as a file that `npm run conformance` reads, --variants runs each case by every kernel that applies.
 * Without a Python with torch (tools/pytorch/python.ts) nothing is run: a line says so, and the exit code is 0.
 */
import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { parseArgs } from "node:util";
import { parseCases } from "../test/conformance/format.js";
import { findPython } from "../tools/pytorch/python.js";
import { readEngine, readPlatforms, RUN_FLAGS, RUN_USAGE, Tally } from "./conformance/run-platforms.js";
import { root } from "./paths.js";

const USAGE = `usage: npm run fuzz -- [--seed N] [--count N] [--from N] [--op OP]... [--case NAME]... [--keep FILE] ${RUN_USAGE} [--report junit FILE]`;
/** Cases of a file: a few of them take a megabyte. */
const BATCH = 250;

function readOptions() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      ...RUN_FLAGS,
      seed: { type: "string", default: "1" },
      count: { type: "string", default: "250" },
      from: { type: "string", default: "0" },
      op: { type: "string", multiple: true, default: [] },
      case: { type: "string", multiple: true, default: [] },
      keep: { type: "string" },
      report: { type: "string" },
    },
  });
  const here = process.env["INIT_CWD"] ?? process.cwd();
  if (values.report === undefined ? positionals.length > 0 : values.report !== "junit" || positionals.length !== 1)
    throw new Error("--report takes two words: junit FILE");
  return {
    platforms: readPlatforms(values.on),
    engine: readEngine(values),
    seed: integer("seed", values.seed),
    first: integer("from", values.from),
    count: integer("count", values.count),
    ops: values.op,
    names: values.case,
    keep: values.keep === undefined ? null : resolve(here, values.keep),
    junit: positionals[0] === undefined ? null : resolve(here, positionals[0]),
  };
}

function integer(name: string, value: string): number {
  if (!/^\d{1,9}$/.test(value)) throw new Error(`--${name} ${value}: use a whole number`);
  return Number(value);
}

/** The text of a file of cases. */
async function draw(python: string, args: readonly string[]): Promise<string> {
  const child = spawn(python, [join(root, "tools", "pytorch", "fuzz"), ...args], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise<number | string | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve(code ?? signal));
  });
  const [written, code] = await Promise.all([text(child.stdout), ended]);
  if (code !== 0) throw new Error(`${python} could not draw cases: it ended with ${code}`);
  return written;
}

async function main(): Promise<void> {
  const { platforms, engine, seed, first, count, ops, names, keep, junit } = readOptions();
  const python = findPython();
  if ("missing" in python) {
    console.log(`nothing was run: ${python.missing}`);
    return;
  }
  const tally = new Tally();
  const kept: unknown[] = [];
  const flags = ops.flatMap((op) => ["--op", op]);
  const total = names.length > 0 ? names.length : count;
  for (let done = 0; done < total; done += BATCH) {
    const batch = Math.min(BATCH, total - done);
    const chosen = names.slice(done, done + batch).flatMap((name) => ["--case", name]);
    const range = ["--seed", String(seed), "--from", String(first + done), "--count", String(batch)];
    console.log(
      `\ndrawing ${names.length > 0 ? "" : `seed ${seed}, `}cases ${first + done} to ${first + done + batch - 1} (${done} of ${total} are done)`,
    );
    const written = await draw(python.command, chosen.length > 0 ? chosen : [...range, ...flags]);
    if (keep !== null) kept.push(...(JSON.parse(written) as { cases: unknown[] }).cases);
    for (const name of platforms) await tally.run(name, parseCases(written), engine);
  }
  if (keep !== null)
    await writeFile(
      keep,
      JSON.stringify({ format: "conformance-cases/1", suite: "pytorch-fuzz", count: kept.length, cases: kept }),
    );
  if (junit !== null) await tally.writeJunit(junit);
  const { passed, failed, skipped } = tally.counts;
  console.log(`\n${passed} passed, ${failed} failed, ${skipped} skipped`);
  process.exitCode = failed > 0 || total === 0 ? 1 : 0;
}

await main().catch((error: unknown) => {
  console.error(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
  process.exitCode = 1;
});
