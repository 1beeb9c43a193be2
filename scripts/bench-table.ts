/** The README's tables of speed, made from the published runs in bench/results. Writes them; with --check it only says whether they are up to date. */
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { readmeTables } from "../bench/markdown.js";
import { readReport } from "../bench/report-file.js";
import { putSection } from "./generated-section.js";
import { root } from "./paths.js";

const folder = join(root, "bench", "results");
// git keeps no empty folder.
const names = existsSync(folder) ? await readdir(folder) : [];
const files = names.filter((name) => name.endsWith(".json")).sort();
const runs = await Promise.all(files.map(async (file) => ({ file, report: (await readReport(join(folder, file)))! })));
await putSection(
  { document: join(root, "README.md"), name: "benchmarks", command: "npm run bench:table", content: readmeTables(runs) },
  process.argv.includes("--check"),
);
