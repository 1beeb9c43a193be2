/** A profile as a roofline plot (Williams, Waterman and Patterson 2009), and as a table of the kernels that take longest. */
import * as Plot from "@observablehq/plot";
import type { Roofline } from "../report.js";
import { figures, ms } from "../text.js";
import { element } from "./dom.js";
import { figure, STYLE } from "./charts.js";

type Kernel = Roofline["rows"][number];

interface Point {
  readonly name: string;
  /** FLOP a byte. */
  readonly intensity: number;
  readonly gflops: number;
  readonly bound: string;
  /** Of the time of all kernels. */
  readonly share: number;
  readonly title: string;
}

const BOUND_COLOURS = ["var(--engine-0)", "var(--engine-2)", "var(--engine-1)"];
const BOUNDS = ["compute", "memory", "launch"];
const LABELS = 14;
const TABLE_ROWS = 15;

export function rooflineFigure(profile: Roofline, width: number): HTMLElement {
  const { id, title, device, gpuMs, rows } = profile;
  const points = rows.filter(({ flops, bytes }) => flops > 0 && bytes > 0).map((row) => pointOf(row, gpuMs));
  const heading = element(
    "h4",
    {},
    id,
    element("small", {}, ` ${title}: ${rows.length === 1 ? "1 kernel" : `${rows.length} kernels`}, ${ms(gpuMs)} ms`),
  );
  return figure(heading, plot(points, profile, width), kernelTable(profile), remarks(profile, points.length, device));
}

function pointOf(row: Kernel, gpuMs: number): Point {
  const share = row.gpuMs / gpuMs;
  const fractions = [
    row.peakFraction === undefined ? "" : `${percent(row.peakFraction)} of the multiply-add peak`,
    row.bandwidthFraction === undefined ? "" : `${percent(row.bandwidthFraction)} of the copy bandwidth`,
  ];
  const title = [
    `${row.node} (${row.op}, ${row.variant})`,
    `${ms(row.gpuMs)} ms, ${percent(share)} of the kernels' time`,
    `${figures(row.gflops)} GFLOP/s, ${figures(row.gbps)} GB/s`,
    ...fractions.filter((text) => text !== ""),
    row.bound === undefined ? "" : `bound by ${row.bound}`,
  ].join("\n");
  // What no one has named is called after its input.
  const name = row.node.includes("#") ? row.op : row.node;
  return { name, intensity: row.flops / row.bytes, gflops: row.gflops, bound: row.bound ?? "", share, title };
}

function plot(points: readonly Point[], { device, id }: Roofline, width: number): SVGSVGElement | HTMLElement {
  const { peakGflops, copyGbps } = device;
  const ridge = peakGflops / copyGbps;
  const intensities = [...points.map(({ intensity }) => intensity), ridge];
  const across = [Math.min(...intensities) / 2, Math.max(...intensities) * 3] as const;
  const [low, high] = across;
  const speeds = [...points.map(({ gflops }) => gflops), peakGflops];
  const height = Math.max(300, Math.min(480, width * 0.55));
  const up = [Math.min(...speeds) / 2, Math.max(...speeds) * 2];
  const roof = [low, ridge, high].map((intensity) => ({ intensity, gflops: Math.min(peakGflops, intensity * copyGbps) }));
  const labelled = withoutOverlap(points, { across, up, width, height });
  return Plot.plot({
    width,
    height,
    marginLeft: 56,
    marginRight: 24,
    marginBottom: 44,
    marginTop: 28,
    style: STYLE,
    ariaLabel: `Roofline of ${id}: ${figures(peakGflops)} GFLOP/s of multiply-adds, ${figures(copyGbps)} GB/s of copies, ${points.length} kernels; the table below has their figures`,
    x: { type: "log", domain: across, label: "arithmetic intensity, FLOP a byte →", grid: true, tickFormat: ticks(across) },
    y: {
      type: "log",
      domain: up,
      label: "↑ GFLOP/s",
      grid: true,
      tickFormat: ticks(up),
    },
    r: { type: "sqrt", domain: [0, 1], range: [3, 26] },
    color: { domain: BOUNDS, range: BOUND_COLOURS, legend: true, label: "bound by" },
    marks: [
      Plot.line(roof, { x: "intensity", y: "gflops", strokeWidth: 2, clip: true }),
      Plot.text([roof[2]!], {
        x: "intensity",
        y: "gflops",
        text: () => `${figures(peakGflops)} GFLOP/s of multiply-adds`,
        textAnchor: "end",
        dy: -9,
      }),
      Plot.text([{ intensity: Math.sqrt(low * ridge), gflops: Math.sqrt(low * ridge) * copyGbps }], {
        x: "intensity",
        y: "gflops",
        text: () => `${figures(copyGbps)} GB/s of copies`,
        textAnchor: "end",
        dx: -8,
        dy: -6,
      }),
      Plot.dot(points, {
        x: "intensity",
        y: "gflops",
        r: "share",
        fill: "bound",
        fillOpacity: 0.55,
        stroke: "bound",
        channels: { kernel: "title" },
      }),
      Plot.text(labelled, {
        x: "intensity",
        y: "gflops",
        text: "name",
        dy: -10,
        fontSize: 11.5,
        stroke: "var(--surface)",
        strokeWidth: 4,
        fill: "currentColor",
      }),
      Plot.tip(points, Plot.pointer({ x: "intensity", y: "gflops", title: "title" })),
    ],
  });
}

interface Frame {
  readonly across: readonly number[];
  readonly up: readonly number[];
  readonly width: number;
  readonly height: number;
}

/** The points that take longest, as far as their names have room. */
function withoutOverlap(points: readonly Point[], { across, up, width, height }: Frame): readonly Point[] {
  const along = (value: number, [low, high]: readonly number[]): number => Math.log(value / low!) / Math.log(high! / low!);
  const placed: { readonly x: number; readonly y: number; readonly halfWidth: number }[] = [];
  return [...points]
    .sort((a, b) => b.share - a.share)
    .slice(0, LABELS)
    .filter(({ intensity, gflops, name }) => {
      const box = { x: width * along(intensity, across), y: height * along(gflops, up), halfWidth: name.length * 3.6 };
      const free = placed.every((one) => Math.abs(one.x - box.x) > one.halfWidth + box.halfWidth || Math.abs(one.y - box.y) > 13);
      if (free) placed.push(box);
      return free;
    });
}

/** The plot for those who cannot see it, and for those who want the figures. */
function kernelTable({ rows, gpuMs, id }: Roofline): HTMLElement {
  const longest = [...rows].sort((a, b) => b.gpuMs - a.gpuMs).slice(0, TABLE_ROWS);
  const heads = ["kernel", "variant", "ms", "of all", "GFLOP/s", "of peak", "GB/s", "of copies", "bound by"];
  const line = (row: Kernel): HTMLElement =>
    element(
      "tr",
      {},
      element("td", {}, row.node),
      ...[
        `${row.op}, ${row.variant}`,
        ms(row.gpuMs),
        percent(row.gpuMs / gpuMs),
        figures(row.gflops),
        row.peakFraction === undefined ? "" : percent(row.peakFraction),
        figures(row.gbps),
        row.bandwidthFraction === undefined ? "" : percent(row.bandwidthFraction),
        row.bound ?? "",
      ].map((text, i) => element("td", { class: i === 0 ? "left" : "" }, text)),
    );
  const head = element("tr", {}, ...heads.map((text, i) => element("th", { scope: "col", class: i === 1 ? "left" : "" }, text)));
  return element(
    "details",
    {},
    element("summary", {}, rows.length > TABLE_ROWS ? `The ${TABLE_ROWS} kernels that take longest` : "Its kernels"),
    element(
      "div",
      { class: "scroll", tabindex: "0", role: "region", "aria-label": `Kernels of ${id}` },
      element("table", {}, element("thead", {}, head), element("tbody", {}, ...longest.map(line))),
    ),
  );
}

function remarks(
  { rows, gapMs, wallMs, submitMs, warnings, clock }: Roofline,
  shown: number,
  device: Roofline["device"],
): HTMLElement {
  const hidden = rows.length - shown;
  return element(
    "p",
    { class: "help" },
    [
      `A whole run takes ${ms(wallMs)} ms: ${ms(gapMs)} ms of it are gaps between kernels, ${ms(submitMs)} ms the host needs to encode and submit.`,
      `A launch takes ${(device.launchMs * 1000).toFixed(1)} µs. Clock: ${clock}.`,
      ...(hidden > 0 ? [`${hidden} kernels do no arithmetic and are in the table only.`] : []),
      ...warnings.map((text) => `${text}.`),
    ].join(" "),
  );
}

const percent = (fraction: number): string => `${(100 * fraction).toFixed(fraction < 0.1 ? 1 : 0)} %`;

/** Labels of a logarithmic axis: powers of ten, on short axes 2 and 5 times them too. */
function ticks([low, high]: readonly number[]): (value: number) => string {
  const leading = high! / low! < 200 ? [1, 2, 5] : [1];
  return (value) => {
    const digit = value / 10 ** Math.floor(Math.log10(value) + 1e-9);
    return leading.some((one) => Math.abs(digit - one) < 1e-6) ? String(Number(value.toPrecision(1))) : "";
  };
}
