/** The results as a table: a row of the run in each, an engine in each column, and below it what needs words. */
import type { Entry, Report, Row } from "../report.js";
import { entryOf, fractionOfPeak, timingOf } from "../statistics.js";
import { figures, ms, outcome, ratioText } from "../text.js";
import { element } from "./dom.js";

export function fillTable(table: HTMLTableElement, report: Report): void {
  const names = report.engines.map(({ name }) => name);
  const head = ["row", "what", ...names].map((text, i) => element("th", { scope: "col", class: i < 2 ? "left" : "" }, text));
  table.replaceChildren(
    element("caption", { class: "unseen" }, "Median time of one run, and how many times as fast ours is"),
    element("thead", {}, element("tr", {}, ...head)),
    element("tbody", {}, ...report.rows.map((row) => line(row, names))),
  );
}

function line(row: Row, names: readonly string[]): HTMLElement {
  return element(
    "tr",
    { "data-row": row.id },
    element("th", { scope: "row", class: "left" }, row.id),
    element("td", { class: "left" }, row.title),
    ...names.map((name) => {
      const entry = entryOf(row, name);
      return entry === undefined ? element("td") : cell(row, entry);
    }),
  );
}

function cell(row: Row, entry: Entry): HTMLElement {
  const timing = entry.status === "ok" ? timingOf(entry) : null;
  const attributes = { "data-engine": entry.engine, "data-status": entry.status };
  if (timing === null)
    return element(
      "td",
      { ...attributes, class: entry.status === "unsupported" ? "" : "bad", title: entry.message ?? "" },
      outcome(entry) || "–",
    );
  const fraction = fractionOfPeak(row, entry);
  const spread = timing.spreadMs && `p10 ${ms(timing.spreadMs.p10)}, p90 ${ms(timing.spreadMs.p90)}`;
  const small = [
    entry.engine === "ours" ? "" : ratioText(row, entry),
    fraction === null ? "" : `${figures(100 * fraction)} % of peak`,
    [`n ${timing.samples}`, spread].filter((text) => text !== null).join(", "),
    entry.first === null ? "" : `first ${ms(entry.first.prepareMs + entry.first.runMs)}`,
  ].filter((text) => text !== "");
  return element("td", attributes, `${ms(timing.medianMs)} ms`, ...small.map((text) => element("small", {}, text)));
}

/** What became of engines that have no time, and what the engines remarked, each once. */
export function remarksOf(report: Report): HTMLElement | null {
  const told = new Map<string, string[]>();
  const tell = (text: string, id: string): void => void told.set(text, [...(told.get(text) ?? []), id]);
  for (const row of report.rows)
    for (const entry of row.entries) {
      if (entry.message !== null) tell(`${entry.engine}: ${outcome(entry) || "no part"}: ${entry.message}`, row.id);
      for (const note of entry.notes) tell(`${entry.engine}: ${note}`, row.id);
    }
  const about = report.engines.map(({ name, about: text }) => `${name}: ${text}`);
  return element(
    "ul",
    {},
    ...[...told].map(([text, ids]) => element("li", {}, `${ids.join(", ")}: ${text}`)),
    ...about.map((text) => element("li", {}, text)),
  );
}
