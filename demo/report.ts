/** Writes the report: out/demo/index.html with everything in it, a PNG panel per scene of the gallery, and the figures as JSON. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { GalleryRow, SeedResult } from "./experiment.js";
import type { Goal } from "./goals.js";
import { encodePng, inkPicture, labelPicture, PALETTE, panel, pngDataUri, type Picture } from "./images.js";
import { CLASS_NAMES } from "./scenes.js";
import { comparisonTable, mapsTable, type Table } from "./tables.js";
import type { Curve } from "./train.js";

export interface Report {
  /** Which run this is: settings, adapter, command, commit, time. */
  readonly facts: readonly string[];
  readonly metrics: Table;
  readonly goals: readonly Goal[];
  /** The first seed's curves and gallery are shown. */
  readonly results: readonly SeedResult[];
}

const ZOOM = 4;

/** Returns the paths of the files, the page first. */
export async function writeReport(folder: string, report: Report): Promise<string[]> {
  const panels = join(folder, "panels");
  await mkdir(panels, { recursive: true });
  const first = report.results[0]!;
  const page = join(folder, "index.html");
  await writeFile(page, await html(report, first));
  const files = [page];
  for (const [i, row] of first.gallery.entries()) {
    const file = join(panels, `scene-${String(i + 1).padStart(2, "0")}.png`);
    await writeFile(file, encodePng(panel(pictures(row), ZOOM)));
    files.push(file);
  }
  const figures = join(folder, "figures.json");
  const withoutGallery = report.results.map(({ gallery: _, ...rest }) => rest);
  await writeFile(figures, `${JSON.stringify({ ...report, results: withoutGallery }, null, 1)}\n`);
  return [...files, figures];
}

function pictures({ size, image, truth, single, skip }: GalleryRow): Picture[] {
  return [inkPicture(image, size), labelPicture(truth, size), labelPicture(single, size), labelPicture(skip, size)];
}

async function html({ facts, metrics, goals }: Report, first: SeedResult): Promise<string> {
  const plot = dirname(createRequire(import.meta.url).resolve("uplot/package.json"));
  const [script, style, own] = await Promise.all([
    readFile(join(plot, "dist", "uPlot.iife.min.js"), "utf8"),
    readFile(join(plot, "dist", "uPlot.min.css"), "utf8"),
    readFile(join(import.meta.dirname, "report.css"), "utf8"),
  ]);
  const [classifier, ...scenes] = first.curves as [Curve, ...Curve[]];
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>LeNet becomes an FCN</title>
<style>${style}${own}</style>
<h1>LeNet becomes an FCN</h1>
<ul>${facts.map((fact) => `<li>${escape(fact)}`).join("")}</ul>
<h2>Held-out scenes, percent</h2>
${htmlTable(metrics)}
<ul class="goals">${goals.map((goal) => `<li class="${goal.reached ? "reached" : "missed"}">${escape(goal.text)}`).join("")}</ul>
<h2>Loss</h2>
<div class="charts"><div id="classifier"></div><div id="scenes"></div></div>
<h2>Gallery</h2>
<p>The first scene of each of ${first.gallery.length} sizes: image, truth, single stream (stride 4), skip from pool1 (stride 2).</p>
<p class="legend">${CLASS_NAMES.map((name, i) => `<span style="--colour: rgb(${PALETTE[i]!.join(" ")})">${name}</span>`).join("")}</p>
<div class="gallery">${first.gallery.map(galleryRow).join("\n")}</div>
<h2>The classifier as convolutions</h2>
<p>Largest difference of a score on 28 x 28 pixels: ${first.convolutional.difference.toExponential(1)}. Weights that changed their shape: ${escape(first.convolutional.reshaped.join("; "))}.</p>
${htmlTable(mapsTable(first))}
<h2>One scene on the GPU and on the CPU</h2>
${htmlTable(comparisonTable(first))}
<script>${script}</script>
<script>
${chart("classifier", "LeNet on single digits", [classifier])}
${chart("scenes", "FCN-LeNet on scenes", consecutive(scenes))}
</script>
`;
}

/** Control and skip net start where the single stream ended. */
function consecutive([single, ...further]: readonly Curve[]): Curve[] {
  const offset = single!.points.at(-1)?.step ?? 0;
  return [
    single!,
    ...further.map(({ name, points }) => ({ name, points: points.map(({ step, loss }) => ({ step: step + offset, loss })) })),
  ];
}

const STROKES = ["#4e79a7", "#f28e2b", "#e15759"];

function chart(id: string, title: string, curves: readonly Curve[]): string {
  const steps = [...new Set(curves.flatMap((c) => c.points.map((p) => p.step)))].sort((a, b) => a - b);
  const columns = curves.map((c) => {
    const byStep = new Map(c.points.map((p) => [p.step, p.loss]));
    return steps.map((step) => byStep.get(step) ?? null);
  });
  const series = [{ label: "step" }, ...curves.map((c, i) => ({ label: c.name, stroke: STROKES[i], width: 2 }))];
  const options = { title, width: 560, height: 320, scales: { x: { time: false }, y: { distr: 3 } }, series };
  return `new uPlot(${inScript(options)}, ${inScript([steps, ...columns])}, document.getElementById(${inScript(id)}));`;
}

function galleryRow(row: GalleryRow): string {
  const [height, width] = row.size;
  const names = ["image", "truth", "single stream", "skip"];
  const images = pictures(row).map(
    (p, i) => `<img src="${pngDataUri(p)}" width="${2 * width}" height="${2 * height}" alt="${names[i]!}" title="${names[i]!}">`,
  );
  return `<figure>${images.join("")}<figcaption>${height} x ${width}</figcaption></figure>`;
}

function htmlTable({ head, rows }: Table): string {
  const line = (cells: readonly string[], tag: string): string =>
    `<tr>${cells.map((cell) => `<${tag}>${escape(cell)}</${tag}>`).join("")}</tr>`;
  return `<table>${line(head, "th")}${rows.map((row) => line(row, "td")).join("")}</table>`;
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

/** A value as a JavaScript literal that cannot end the script element. */
function inScript(value: unknown): string {
  return JSON.stringify(value).replaceAll("<", "\\u003c");
}
