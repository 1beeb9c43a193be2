/**
 * `npm run experiments:report`: makes the tables of docs/results.md and the drawings in docs/results/ from the results in experiments/results/<scale>/<id>.json, which are
 * committed. With `--check` it only says whether they are up to date. `-- --results FOLDER --scale NAME` looks at results that are not: into out/experiments/report/.
 */
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import { putSection } from "../scripts/generated-section.js";
import { curvesOf } from "./curves.js";
import { resultsSection, type PublishedScale } from "./report-text.js";
import { SCALES, type ScaleName } from "./runs.js";
import { readScale, resultsOf } from "./scale-results.js";
import { readStrideBounds } from "./stride-bounds.js";

const root = join(import.meta.dirname, "..");
const DOCUMENT = join(root, "docs", "results.md");
/** Where results are published, a folder for each scale. */
const PUBLISHED = join(root, "experiments", "results");
const PREVIEW = join(root, "out", "experiments", "report");
/** The smoke run shows that the queue works: it has no results. */
const PUBLISHED_SCALES: readonly ScaleName[] = ["160x120", "320x240"];
const USAGE = `usage: npm run experiments:report -- [--check] [--results FOLDER --scale ${Object.keys(SCALES).join(" | ")}]`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { check: { type: "boolean" }, results: { type: "string" }, scale: { type: "string" } },
  });
  const { check = false, results, scale } = values;
  if (results === undefined) {
    if (scale !== undefined) throw new Error(USAGE);
    const scales = await Promise.all(PUBLISHED_SCALES.map((name) => readScale(join(PUBLISHED, name), name)));
    return await report(scales, DOCUMENT, check);
  }
  if (check || scale === undefined || !Object.hasOwn(SCALES, scale)) throw new Error(USAGE);
  if (!existsSync(results)) throw new Error(`--results ${results}: there is no such folder`);
  await mkdir(PREVIEW, { recursive: true });
  const document = join(PREVIEW, "results.md");
  await copyFile(DOCUMENT, document);
  await report([await readScale(results, scale as ScaleName)], document, false);
  console.log(relative(process.cwd(), document));
}

/** The section in the document, and the drawings in a folder of its name beside it. */
async function report(scales: Awaited<ReturnType<typeof readScale>>[], document: string, check: boolean): Promise<void> {
  const drawn: PublishedScale[] = scales.map((all) => ({ all, curves: resultsOf(all).length > 0 ? curvesOf(all) : [] }));
  const files = new Map(
    drawn.flatMap(({ all: { scale }, curves }) =>
      curves.flatMap((group) => group.files.map(({ name, svg }) => [`${scale}-${name}`, svg] as const)),
    ),
  );
  await putDrawings(document.replace(/\.md$/, ""), files, check);
  const content = resultsSection(drawn, await readStrideBounds());
  await putSection({ document, name: "results", command: "npm run experiments:report", content }, check);
  await checkProse(document);
}

/** What is written by hand may cite the tables and nothing else: a figure of "What came of it" that they have not fails the process. */
async function checkProse(document: string): Promise<void> {
  const text = await readFile(document, "utf8");
  const figuresOf = (part: RegExp): readonly string[] => {
    const found = part.exec(text);
    if (!found) throw new Error(`${relative(root, document)}: nothing matches ${part}`);
    return found[1]!.match(/\d+\.\d+/g) ?? [];
  };
  const tables = figuresOf(/^<!-- results: made by(.*)/ms);
  const unknown = figuresOf(/^## What came of it$(.*?)^## /ms).filter((figure) => !tables.includes(figure));
  if (unknown.length === 0) return;
  console.error(
    `${relative(root, document)}: "What came of it" says ${unknown.join(", ")}, which no table has: write what they say now`,
  );
  process.exitCode = 1;
}

/** Writes them and removes others; with `check` it fails the process where a file differs. */
async function putDrawings(folder: string, files: ReadonlyMap<string, string>, check: boolean): Promise<void> {
  const there = existsSync(folder) ? (await readdir(folder)).filter((name) => name.endsWith(".svg")) : [];
  const before = new Map(
    await Promise.all(there.map(async (name) => [name, await readFile(join(folder, name), "utf8")] as const)),
  );
  const stray = there.filter((name) => !files.has(name));
  const changed = [...files].filter(([name, svg]) => before.get(name) !== svg);
  if (check) {
    for (const name of [...stray, ...changed.map(([changedName]) => changedName)]) {
      console.error(`${relative(root, join(folder, name))} is out of date: npm run experiments:report`);
      process.exitCode = 1;
    }
    return;
  }
  if (files.size > 0) await mkdir(folder, { recursive: true });
  await Promise.all(stray.map((name) => rm(join(folder, name))));
  await Promise.all(changed.map(([name, svg]) => writeFile(join(folder, name), svg)));
}

await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
