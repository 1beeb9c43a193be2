/** Bars: ours beside each of the others over all rows, and all engines within each row. */
import * as Plot from "@observablehq/plot";
import type { Entry, Report, Row } from "../report.js";
import { ratioIn, timingOf } from "../statistics.js";
import { figures, ms, outcome } from "../text.js";
import { element } from "./dom.js";

const BAR = 26;

/** Plot's own is small. */
export const STYLE = { background: "none", overflow: "visible", fontSize: "12px" } as const;

/** Of an engine, the same everywhere; page.css has the colours. */
const colourOf = (engine: string, order: readonly string[]): string => `var(--engine-${Math.max(0, order.indexOf(engine)) % 9})`;

/** A figure for each engine but ours that has been timed beside it. `order` is that of the colours. */
export function ratioCharts(report: Report, order: readonly string[], width: number): readonly HTMLElement[] {
  const compared = report.engines
    .filter(({ name }) => name !== "ours")
    .map(({ name }) => ({ name, bars: report.rows.flatMap((row) => ratioBar(row, name)) }))
    .filter(({ bars }) => bars.length > 0);
  const all = compared.flatMap(({ bars }) => bars.flatMap(({ least, most }) => [least, most]));
  // The same scale for all, with room for the labels.
  const domain = [Math.min(0.8, ...all) * 0.8, Math.max(1.25, ...all) * 1.25];
  return compared.map(({ name, bars }) => {
    const chart = Plot.plot({
      width,
      height: bars.length * BAR + 50,
      marginLeft: 96,
      marginRight: 56,
      style: STYLE,
      ariaLabel: `Ours beside ${name}: ${bars.map(({ id, median }) => `${id} ${figures(median)} times as fast`).join(", ")}`,
      x: { type: "log", domain, label: null, ticks: 4, tickFormat: (value: number) => `${figures(value)}×` },
      y: { domain: bars.map(({ id }) => id), label: null, tickSize: 0 },
      marks: [
        Plot.gridX({ ticks: 4 }),
        Plot.barX(bars, { x1: () => 1, x2: "median", y: "id", fill: colourOf(name, order), insetTop: 3, insetBottom: 3 }),
        Plot.ruleY(bars, { x1: "least", x2: "most", y: "id", strokeWidth: 1.5 }),
        Plot.ruleX([1], { strokeWidth: 1.5 }),
        Plot.text(bars, {
          x: ({ most }: RatioBar) => Math.max(1, most),
          y: "id",
          text: (bar: RatioBar) => `${figures(bar.median)}×`,
          textAnchor: "start",
          dx: 6,
          fontWeight: 600,
        }),
      ],
    });
    return figure(element("h4", {}, `ours / ${name}`), chart);
  });
}

interface RatioBar {
  readonly id: string;
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

function ratioBar(row: Row, engine: string): RatioBar[] {
  const peer = row.entries.find((entry) => entry.engine === engine);
  const ratio = peer && ratioIn(row, peer);
  return ratio ? [{ id: row.id, ...ratio }] : [];
}

/** A figure for each row: its engines by speed, those without a time by what became of them. */
export function speedCharts(report: Report, order: readonly string[], width: number): readonly HTMLElement[] {
  return report.rows.map((row) => {
    const entries = row.entries.filter(({ status }) => status !== "unsupported");
    const least = Math.min(...entries.flatMap((entry) => timingOf(entry)?.medianMs ?? []));
    const bars = entries.map((entry) => speedBar(entry, least));
    const chart = Plot.plot({
      width,
      height: bars.length * BAR + 8,
      marginLeft: 96,
      marginRight: 84,
      marginTop: 4,
      marginBottom: 4,
      style: STYLE,
      ariaLabel: `${row.id}, ${row.title}: ${bars.map(({ engine, label }) => `${engine} ${label}`).join(", ")}`,
      x: { domain: [0, 1], axis: null },
      y: { domain: bars.map(({ engine }) => engine), label: null, tickSize: 0 },
      marks: [
        Plot.barX(bars, {
          x: "speed",
          y: "engine",
          fill: ({ engine }: SpeedBar) => colourOf(engine, order),
          insetTop: 3,
          insetBottom: 3,
        }),
        Plot.ruleX([0]),
        ...[true, false].map((ours) =>
          Plot.text(
            bars.filter(({ engine }) => (engine === "ours") === ours),
            { x: "speed", y: "engine", text: "label", textAnchor: "start", dx: 6, fontWeight: ours ? 700 : 400 },
          ),
        ),
      ],
      color: { type: "identity" },
    });
    return figure(element("h4", {}, row.id, element("small", {}, ` ${row.title}`)), chart);
  });
}

interface SpeedBar {
  readonly engine: string;
  /** Of the fastest. */
  readonly speed: number;
  readonly label: string;
}

function speedBar(entry: Entry, leastMs: number): SpeedBar {
  const timing = entry.status === "ok" ? timingOf(entry) : null;
  if (timing === null) return { engine: entry.engine, speed: 0, label: outcome(entry) };
  return { engine: entry.engine, speed: leastMs / timing.medianMs, label: `${ms(timing.medianMs)} ms` };
}

export function figure(heading: HTMLElement, ...parts: readonly (Node | null)[]): HTMLElement {
  return element("figure", {}, heading, ...parts);
}
