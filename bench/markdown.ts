/** Published runs as Markdown: a table for each, under the name of its adapter. */
import type { AdapterName, Entry, Report, Row } from "./report.js";
import { entryOf, fastest, fractionOfPeak, geometricMean, ratioOf, timingOf, type Ratio } from "./statistics.js";
import { ms } from "./text.js";

export interface PublishedRun {
  /** Its name in bench/results. */
  readonly file: string;
  readonly report: Report;
}

/** Sorted by adapter. Text that says so where nothing is published. */
export function readmeTables(runs: readonly PublishedRun[]): string {
  if (runs.length === 0) return "No run is published yet.";
  const byAdapter = [...runs].sort((a, b) => adapterText(a.report).localeCompare(adapterText(b.report)));
  return byAdapter.map(runText).join("\n\n");
}

/** Vendor, architecture and description, without what is empty or said twice. */
function adapterText({ adapter }: Report): string {
  if (adapter === null) return "no WebGPU";
  const names = [adapter.vendor, adapter.architecture, adapter.description];
  const telling = names.filter((name, i) => name !== "" && !names.some((other, j) => j > i && other.includes(name)));
  return telling.join(", ") + software(adapter);
}

const software = ({ software: isSoftware }: AdapterName): string => (isSoftware ? " (software adapter)" : "");

function runText({ file, report }: PublishedRun): string {
  const { browser, machine, settings, commit, date, rows, command } = report;
  const loads = rows.map(({ load }) => load);
  const others = loads.length === 0 ? "" : `, load ${Math.min(...loads).toFixed(1)} to ${Math.max(...loads).toFixed(1)}`;
  const mean = meanText(report);
  const busy = loads.length > 0 && Math.min(...loads) > machine.cores;
  return [
    `### ${adapterText(report)}: ${browser}`,
    `${machine.cpu}, ${machine.cores} cores${others}; ${settings.rounds} rounds; commit ${commit}, ${date.slice(0, 10)}; [${file}](bench/results/${file}), by \`${command}\``,
    ["| row | what | ours | of peak | fastest WebGPU peer | reference | native CPU |", "|---|---|--:|--:|:--|--:|--:|"]
      .concat(rows.map((row) => rowText(row, report)))
      .join("\n"),
    ...(mean === null ? [] : [mean]),
    ...(busy ? ["The machine had much else to do all the while: times and fractions of peak say little, ratios more."] : []),
  ].join("\n\n");
}

function rowText(row: Row, report: Report): string {
  const ours = entryOf(row, "ours");
  const fraction = ours && fractionOfPeak(row, ours);
  const cells = [
    row.id,
    row.title,
    ours ? timeText(ours) : "",
    fraction === null || fraction === undefined ? "" : `${(100 * fraction).toFixed(0)} %`,
    peerText(row, report),
    comparedWith(row, "reference"),
    comparedWith(row, "ort-node"),
  ];
  return `| ${cells.join(" | ")} |`;
}

function timeText(entry: Entry): string {
  const timing = timingOf(entry);
  return entry.status !== "ok" || timing === null ? outcome(entry) : `${ms(timing.medianMs)} ms`;
}

/** In place of a time. */
function outcome({ status }: Entry): string {
  return { ok: "no time", slow: "> cap", wrong: "WRONG", failed: "failed", unsupported: "" }[status];
}

function gpuPeers({ engines }: Report): string[] {
  return engines.filter(({ name, webgpu }) => webgpu && name !== "ours").map(({ name }) => name);
}

/** Its name and how many times as fast ours is; or what became of each of them. */
function peerText(row: Row, report: Report): string {
  const best = fastest(row, gpuPeers(report));
  if (best) return `${best.engine} ${ratioText(row, best)}`;
  const tried = row.entries.filter((entry) => gpuPeers(report).includes(entry.engine) && entry.status !== "unsupported");
  return tried.map((entry) => `${entry.engine} ${outcome(entry)}`).join(", ");
}

function comparedWith(row: Row, engine: string): string {
  const entry = entryOf(row, engine);
  return entry === undefined ? "" : entry.status === "ok" ? ratioText(row, entry) : outcome(entry);
}

function ratio(row: Row, peer: Entry): Ratio | null {
  const ours = entryOf(row, "ours");
  return ours?.status === "ok" ? ratioOf(ours, peer) : null;
}

function ratioText(row: Row, peer: Entry): string {
  const found = ratio(row, peer);
  if (found === null) return "";
  const [middle, least, most] = [found.median, found.least, found.most].map(figures);
  return `${middle} x (${least} to ${most})`;
}

/** Two digits that count, never as a power of ten. */
const figures = (value: number): string => String(Number(value.toPrecision(value >= 100 ? 3 : 2)));

function meanText(report: Report): string | null {
  const ratios = report.rows.flatMap((row) => {
    const best = fastest(row, gpuPeers(report));
    const found = best && ratio(row, best);
    return found ? [found.median] : [];
  });
  if (ratios.length === 0) return null;
  return `Against the fastest WebGPU peer of each row: ${figures(geometricMean(ratios))} x as fast in the geometric mean of ${ratios.length} rows.`;
}
