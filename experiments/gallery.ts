/**
 * `npm run experiments:gallery -- [--scale NAME] [--results FOLDER] [--photos N]`: photos of test, their labels and the best net's prediction side by side, as PNG files in the
 * ignored out/experiments/<scale>/gallery. The photos are the data sets': not to be published.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import { encodePng, panel, type Picture } from "../demo/images.js";
import { openFcn, openGpu, vocPalette, type Gpu } from "../src/index.js";
import { VOID, type Sample } from "../src/training/index.js";
import { SET_TITLES } from "./report-tables.js";
import type { Result } from "./results.js";
import { SCALES, type ScaleName, type SetName } from "./runs.js";
import { bestNet, readScale } from "./scale-results.js";
import { Sets } from "./sets.js";
import { weightsOf } from "./train.js";

const root = join(import.meta.dirname, "..");
const USAGE = `usage: npm run experiments:gallery -- [--scale ${Object.keys(SCALES).join(" | ")}] [--results FOLDER] [--photos N]`;
const ZOOM = 2;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { scale: { type: "string" }, results: { type: "string" }, photos: { type: "string", default: "12" } },
  });
  using gpu = await openGpu({ powerPreference: "high-performance" });
  const scale = values.scale ?? (gpu.info.software ? "160x120" : "320x240");
  const photos = Number(values.photos);
  if (!Object.hasOwn(SCALES, scale) || !Number.isInteger(photos) || photos < 1) throw new Error(USAGE);
  const work = join(root, "out", "experiments", scale);
  const all = await readScale(values.results ?? join(work, "results"), scale as ScaleName);
  using sets = new Sets(SCALES[scale as ScaleName]);
  for (const set of ["camvid", "pets"] as const) {
    const best = bestNet(all, set)?.results[0];
    if (!best) {
      console.log(`${SET_TITLES[set]}: no run is done`);
      continue;
    }
    const folder = join(work, "gallery", set);
    const count = await gallery(gpu, { sets, set, best, weights: join(work, "runs"), folder, photos });
    console.log(`${SET_TITLES[set]}: ${count} photos by ${best.run.id}: ${relative(process.cwd(), join(folder, "index.html"))}`);
  }
}

interface Gallery {
  readonly sets: Sets;
  readonly set: SetName;
  readonly best: Result;
  /** Folder of the runs. */
  readonly weights: string;
  readonly folder: string;
  readonly photos: number;
}

/** Returns how many photos it labelled: evenly spread over test. */
async function gallery(gpu: Gpu, { sets, set, best: { run }, weights, folder, photos }: Gallery): Promise<number> {
  const source = await sets.of(set, "test");
  const { frozenTrunk: _, dropout: __, classWeights: ___, ...layers } = run.net;
  const net = { ...layers, classes: source.classes.length };
  using segmenter = await openFcn(gpu, { ...net, weights: await weightsOf(weights, run) });
  await mkdir(folder, { recursive: true });
  const count = Math.min(photos, source.length);
  const files: string[] = [];
  for (let i = 0; i < count; i++) {
    const sample = await source.load(Math.floor((i * source.length) / count));
    const { labels } = await segmenter.predict(sample.pixels, { size: [sample.height, sample.width] });
    const file = `${String(i + 1).padStart(2, "0")}.png`;
    const pictures = [photo(sample), inColours(sample, sample.labels), inColours(sample, labels)];
    await writeFile(join(folder, file), encodePng(panel(pictures, ZOOM)));
    files.push(file);
  }
  await writeFile(join(folder, "index.html"), page(`${SET_TITLES[set]}, ${run.id}`, source.classes, files));
  return count;
}

function photo({ width, height, pixels }: Sample): Picture {
  const rgb = new Uint8Array(3 * pixels.length);
  pixels.forEach((pixel, i) => rgb.set([pixel & 255, (pixel >>> 8) & 255, (pixel >>> 16) & 255], 3 * i));
  return { width, height, rgb };
}

/** VOC's colours; what counts for nothing is white. */
function inColours({ width, height }: Sample, labels: Uint8Array): Picture {
  const rgb = new Uint8Array(3 * labels.length);
  labels.forEach((label, i) => rgb.set(label === VOID ? WHITE : colourOf(label), 3 * i));
  return { width, height, rgb };
}

const WHITE = [255, 255, 255];
const palette = vocPalette();
const colourOf = (label: number): Uint8Array => palette.subarray(3 * label, 3 * label + 3);

/** The legend, then photo, labels and prediction of each. */
function page(title: string, classes: readonly string[], files: readonly string[]): string {
  const legend = classes.map(
    (name, i) => `<span style="border-left: 1em solid rgb(${colourOf(i).join(", ")}); padding: 0 1em 0 .3em">${name}</span>`,
  );
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>${title}</title>
<h1>${title}</h1>
<p>Photo, labels (white counts for nothing), prediction.</p>
<p>${legend.join("\n")}</p>
${files.map((file) => `<p><img src="${file}" alt="photo, labels, prediction">`).join("\n")}
</html>
`;
}

// Dawn keeps Node alive: exit by hand.
await main().then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  },
);
