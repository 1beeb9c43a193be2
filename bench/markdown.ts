/** Published runs as Markdown: a table for each, under the name of its adapter. */
import { adapterText } from "./adapter-name.js";
import type { Entry, Report, Row } from "./report.js";
import { entryOf, fastest, fractionOfPeak, gpuPeers, timingOf } from "./statistics.js";
import { meanText, ms, outcome, ratioText } from "./text.js";

export interface PublishedRun {
  /** Its name in bench/results. */
  readonly file: string;
  readonly report: Report;
}

/** Sorted by adapter. Text that says so where nothing is published. */
export function readmeTables(runs: readonly PublishedRun[]): string {
  if (runs.length === 0) return "No run is published yet.";
  const byAdapter = [...runs].sort((a, b) => adapterText(a.report.adapter).localeCompare(adapterText(b.report.adapter)));
  return byAdapter.map(runText).join("\n\n");
}

function runText({ file, report }: PublishedRun): string {
  const { browser, machine, settings, commit, date, rows, command } = report;
  const loads = rows.flatMap(({ load }) => load ?? []);
  const others = loads.length === 0 ? "" : `, load ${Math.min(...loads).toFixed(1)} to ${Math.max(...loads).toFixed(1)}`;
  const mean = meanText(report);
  const busy = loads.length > 0 && Math.min(...loads) > machine.cores;
  return [
    `### ${adapterText(report.adapter)}: ${browser}`,
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
