/**
 * Runs conformance cases, forward and gradients, through the public API:
 *
 *     npm run conformance -- [--on reference|node|chromium|firefox]... [--variants] [--precision f32|f16|mixed] [--grep PATTERN] [--report junit FILE] [PATH...]
 *
 * A PATH is a file of cases (.json, .json.gz) or a folder of them; without one it is ../shared/conformance/open beside the repository. Without
 * --on it runs in Node; --on may be repeated. --variants runs each case by every kernel that applies, not by the chosen ones alone. --grep takes a
 * regular expression over "OP SUITE: NAME". The last line counts over all platforms: `N passed, N failed, N skipped`. A case is skipped only where
 * its file calls its value a quirk of the source and it fails.
 * Exits 1 when a case failed, when none ran, when a platform could not be run to its end, and when a file could not be read.
 */
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import type { EngineOptions } from "../test/conformance/engine.js";
import { readCases } from "./conformance/files.js";
import type { PlatformName } from "./conformance/platforms.js";
import { readEngine, readPlatforms, RUN_FLAGS, RUN_USAGE, Tally } from "./conformance/run-platforms.js";
import { sharedFolder } from "./paths.js";

const USAGE = `usage: npm run conformance -- ${RUN_USAGE} [--grep PATTERN] [--report junit FILE] [PATH...]`;

interface Options {
  readonly platforms: readonly PlatformName[];
  readonly engine: EngineOptions;
  readonly grep: RegExp | null;
  readonly junit: string | null;
  readonly paths: readonly string[];
}

function readOptions(): Options {
  const { values, tokens } = parseArgs({
    allowPositionals: true,
    tokens: true,
    options: { ...RUN_FLAGS, grep: { type: "string" }, report: { type: "string" } },
  });
  // npm starts this in the repository, wherever it was called.
  const here = process.env["INIT_CWD"] ?? process.cwd();
  const report = tokens.findIndex((token) => token.kind === "option" && token.name === "report");
  const file = report === -1 ? undefined : tokens[report + 1];
  if (report !== -1 && (values.report !== "junit" || file?.kind !== "positional"))
    throw new Error("--report takes two words: junit FILE");
  const junit = file?.kind === "positional" ? resolve(here, file.value) : null;
  const given = tokens.flatMap((token) => (token.kind === "positional" && token !== file ? [resolve(here, token.value)] : []));
  return {
    platforms: readPlatforms(values.on),
    engine: readEngine(values),
    grep: values.grep === undefined ? null : new RegExp(values.grep),
    junit,
    paths: given.length > 0 ? given : [openCases()],
  };
}

function openCases(): string {
  const shared = sharedFolder();
  if (shared === null) throw new Error("there is no folder ../shared beside the repository: name a file or folder of cases");
  return join(shared, "conformance", "open");
}

async function main(): Promise<void> {
  const options = readOptions();
  const { cases: all, errors } = await readCases(options.paths);
  const cases = all.filter(({ op, suite, name }) => options.grep === null || options.grep.test(`${op} ${suite}: ${name}`));
  const tally = new Tally();
  tally.addErrors("files", errors);
  for (const error of errors) console.log(`  failed: ${error}`);
  for (const name of cases.length === 0 ? [] : options.platforms) await tally.run(name, cases, options.engine);
  if (options.junit !== null) await tally.writeJunit(options.junit);
  if (cases.length === 0)
    console.log(`no case was run: ${all.length === 0 ? "none was read" : `--grep matches none of ${all.length}`}`);
  const { passed, failed, skipped } = tally.counts;
  console.log(`\n${passed} passed, ${failed} failed, ${skipped} skipped`);
  process.exitCode = failed > 0 || cases.length === 0 ? 1 : 0;
}

await main().catch((error: unknown) => {
  console.error(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
  process.exitCode = 1;
});
