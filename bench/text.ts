/** Figures in words, and a row as text for a terminal. */
import type { Entry, Report, Row } from "./report.js";
import {
  entryOf,
  fractionOfPeak,
  gflopsOf,
  gpuPeers,
  meanRatio,
  ratioIn,
  ratioOf,
  timingOf,
  type MeanRatio,
} from "./statistics.js";
import { outputPixels, WORKLOADS } from "./workloads.js";

/** Three significant digits. */
export function ms(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

export function rowText(row: Row): string {
  const peak = row.peak && [row.peak.before, row.peak.after];
  const along = (unit: "gflops" | "gbps", name: string): string =>
    peak === null ? "" : `${peak.map((one) => one[unit].toFixed(1)).join(" then ")} ${name}`;
  const load = row.load === null ? "" : `load ${row.load.toFixed(1)}`;
  const around = [load, along("gflops", "GFLOP/s peak"), along("gbps", "GB/s copy")].filter((text) => text !== "");
  const heading = `${row.id}  ${row.title}  (${around.join(", ")})`;
  const ours = entryOf(row, "ours");
  const width = Math.max(...row.entries.map(({ engine }) => engine.length));
  return [heading, ...row.entries.map((entry) => `  ${entry.engine.padEnd(width)}  ${entryText(row, entry, ours)}`)].join("\n");
}

function entryText(row: Row, entry: Entry, ours: Entry | undefined): string {
  const timing = timingOf(entry);
  const first = entry.first && `first ${ms(entry.first.prepareMs + entry.first.runMs)} ms`;
  if (timing === null)
    return [entry.status === "slow" ? "> cap" : entry.status.toUpperCase(), entry.message, first].filter(Boolean).join("  ");
  const [gflops, fraction] = [gflopsOf(row, entry), fractionOfPeak(row, entry)];
  const { counts } = entry;
  return [
    `${ms(timing.medianMs)} ms`.padStart(9),
    `n ${timing.samples}`.padEnd(5),
    timing.spreadMs && `p10 ${ms(timing.spreadMs.p10)} p90 ${ms(timing.spreadMs.p90)}`,
    gflops !== null && `${gflops.toFixed(1)} GFLOP/s${fraction === null ? "" : ` (${(100 * fraction).toFixed(0)} % of peak)`}`,
    row.group === "G" && `${((timing.medianMs * 1e6) / pixelsOf(row)).toFixed(0)} ns a pixel`,
    first,
    counts &&
      `${round(counts.dispatches)} dispatches, ${round(counts.submits)} submits, ${(counts.peakBytes / 1e6).toFixed(1)} MB`,
    entry.error !== null && `error ${entry.error.toExponential(0)}`,
    ours && entry !== ours && speedText(ours, entry),
    entry.message,
    ...entry.notes,
  ]
    .filter(Boolean)
    .join("  ");
}

function pixelsOf({ id }: Row): number {
  return outputPixels(WORKLOADS.find((workload) => workload.id === id)!);
}

function speedText(ours: Entry, entry: Entry): string {
  const ratio = ratioOf(ours, entry);
  if (ratio === null) return "";
  const [middle, least, most] = [ratio.median, ratio.least, ratio.most].map((value) => value.toPrecision(3));
  return `ours ${middle} x as fast (${least} to ${most}, ${ratio.rounds} rounds)`;
}

/** In place of a time. */
export function outcome({ status }: Entry): string {
  return { ok: "no time", slow: "> cap", wrong: "WRONG", failed: "failed", unsupported: "" }[status];
}

/** How many times as fast ours is, with the least and the most of the rounds. */
export function ratioText(row: Row, peer: Entry): string {
  const found = ratioIn(row, peer);
  if (found === null) return "";
  const [middle, least, most] = [found.median, found.least, found.most].map(figures);
  return `${middle} x (${least} to ${most})`;
}

/** Two digits that count, never as a power of ten. */
export const figures = (value: number): string => String(Number(value.toPrecision(value >= 100 ? 3 : 2)));

export function meanText(report: Report): string | null {
  const found = meanRatio(report, gpuPeers(report));
  return found && `Against the fastest WebGPU peer of each row: ${meanWords(found)}`;
}

export const meanWords = ({ mean, rows }: MeanRatio): string =>
  `${figures(mean)} x as fast in the geometric mean of ${rows} ${rows === 1 ? "row" : "rows"}.`;

const round = (count: number): string => String(Number(count.toFixed(1)));

/** "about 3 min". */
export function durationText(totalMs: number): string {
  return totalMs < 90_000 ? `${Math.ceil(totalMs / 1000)} s` : `${Math.round(totalMs / 60_000)} min`;
}
