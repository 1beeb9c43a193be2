/** The tables that the demo prints and puts on its page: rows of text. */
import type { SegmentationMetrics } from "../src/index.js";
import type { SeedResult } from "./experiment.js";

export interface Table {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export interface Bounds {
  readonly stride2: SegmentationMetrics;
  readonly stride4: SegmentationMetrics;
}

const METRICS_HEAD = ["", "pixel acc.", "mean acc.", "mean IU", "f.w. IU"];

/** The paper's four metrics, in percent; over several seeds their mean and, behind the sign, half the distance from lowest to highest. */
export function metricsTable(results: readonly SeedResult[], bounds: Bounds): Table {
  const row = (name: string, metrics: readonly SegmentationMetrics[]): string[] => [
    name,
    ...(["pixelAccuracy", "meanAccuracy", "meanIU", "frequencyWeightedIU"] as const).map((key) =>
      percentOf(metrics.map((m) => m[key])),
    ),
  ];
  return {
    head: METRICS_HEAD,
    rows: [
      row(
        "single stream (stride 4)",
        results.map((r) => r.single),
      ),
      row(
        "control: single stream, further steps",
        results.map((r) => r.control),
      ),
      row(
        "skip from pool1 (stride 2)",
        results.map((r) => r.skip),
      ),
      row("bound of 4 x 4 cells", [bounds.stride4]),
      row("bound of 2 x 2 cells", [bounds.stride2]),
    ],
  };
}

/** One value a seed, as text: `71.2`, or `71.2 ± 0.4` (mean, half the range). */
export function percentOf(values: readonly number[]): string {
  const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
  const half = (Math.max(...values) - Math.min(...values)) / 2;
  return values.length === 1 ? (100 * mean).toFixed(1) : `${(100 * mean).toFixed(1)} ± ${(100 * half).toFixed(1)}`;
}

export function comparisonTable({ comparisons }: SeedResult): Table {
  return {
    head: ["against the CPU reference", "largest difference", "of values up to", "GPU ms", "CPU ms"],
    rows: comparisons.map((c) => [
      c.what,
      c.difference.toExponential(1),
      c.largest.toFixed(2),
      c.gpuMs.toFixed(1),
      c.cpuMs.toFixed(0),
    ]),
  };
}

export function mapsTable({ convolutional }: SeedResult): Table {
  return {
    head: ["image", "score map", "derived"],
    rows: convolutional.maps.map(({ image, map, derived }) => [image.join(" x "), map.join(" x "), derived.join(" x ")]),
  };
}

/** Columns aligned, the first to the left. */
export function formatTable({ head, rows }: Table): string {
  const lines = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  const format = (line: readonly string[]): string =>
    line.map((cell, i) => (i === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[i]!))).join("  ");
  return [format(head), widths.map((w) => "-".repeat(w)).join("  "), ...rows.map(format)].join("\n");
}
