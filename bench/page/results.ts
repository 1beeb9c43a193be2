/** The results section, drawn anew whenever the report has grown or the page has another width. */
import { adapterText } from "../adapter-name.js";
import type { Report } from "../report.js";
import { meanRatio } from "../statistics.js";
import { meanText, meanWords } from "../text.js";
import { ratioCharts, speedCharts } from "./charts.js";
import { byId } from "./dom.js";
import { rooflineFigure } from "./roofline-chart.js";
import { fillTable, remarksOf } from "./table.js";

/** `order` is that of the engines' colours: the same whatever is chosen. */
export function showResults(report: Report, order: readonly string[]): void {
  byId("results").hidden = false;
  const { settings, machine, rows, rooflines = [] } = report;
  const beside = meanRatio(report, ["reference"]);
  byId("headline").textContent = meanText(report) ?? "";
  byId("beside").textContent = beside && `Against the CPU reference: ${meanWords(beside)}`;
  byId("conditions").textContent = [
    adapterText(report.adapter),
    report.browser,
    `${machine.cpu}, ${machine.cores} threads, ${machine.os}`,
    `${settings.rounds} rounds, cap ${settings.capSeconds} s`,
    `commit ${report.commit}`,
    report.date.slice(0, 10),
  ].join("; ");
  byId("ratios").replaceChildren(...ratioCharts(report, order, cardWidth("ratios")));
  byId("speeds").replaceChildren(...speedCharts(report, order, cardWidth("speeds")));
  byId("rooflines-section").hidden = rooflines.length === 0;
  if (rooflines.length > 0)
    byId("rooflines").replaceChildren(
      ...rooflines.map((profile) => rooflineFigure(profile, Math.min(byId("rooflines").clientWidth, 860))),
    );
  fillTable(byId<HTMLTableElement>("table"), report);
  const remarks = rows.length > 0 ? remarksOf(report) : null;
  byId("remarks").replaceChildren(...(remarks ? [remarks] : []));
  byId("json").textContent = jsonOf(report);
}

/** As the command writes it. */
export const jsonOf = (report: Report): string => JSON.stringify(report, null, 1) + "\n";

/** Of a column of the grid, which page.css makes as wide as fits. */
function cardWidth(id: string): number {
  const columns = getComputedStyle(byId(id)).gridTemplateColumns.split(" ");
  return Math.max(240, Math.floor(parseFloat(columns[0] ?? "340") || 340));
}
