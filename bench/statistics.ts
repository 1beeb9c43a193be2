/** Figures made of a report's samples. Imports no platform: the command line, the README's table and pages use it alike. */
import type { AdapterPeak, Entry, Report, Row } from "./report.js";

export interface Timing {
  readonly samples: number;
  readonly medianMs: number;
  /** 10th and 90th percentile; null with fewer than ten samples. */
  readonly spreadMs: { readonly p10: number; readonly p90: number } | null;
}

/** How many times as fast ours is: above 1 ours is faster. */
export interface Ratio {
  /** Over the rounds, of the peer's median divided by ours in the same round. */
  readonly median: number;
  readonly least: number;
  readonly most: number;
  readonly rounds: number;
}

const LEAST_FOR_PERCENTILES = 10;

/** Linear between the nearest ranks. `values` is not empty. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = q * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(at)]!, sorted[Math.ceil(at)]!];
  return low + (high - low) * (at - Math.floor(at));
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** Null where nothing was timed. */
export function timingOf({ rounds }: Entry): Timing | null {
  const samples = rounds.flat();
  if (samples.length === 0) return null;
  const spread = { p10: quantile(samples, 0.1), p90: quantile(samples, 0.9) };
  return {
    samples: samples.length,
    medianMs: median(samples),
    spreadMs: samples.length < LEAST_FOR_PERCENTILES ? null : spread,
  };
}

/** Null where no round has times of both. */
export function ratioOf(ours: Entry, peer: Entry): Ratio | null {
  const ratios = ours.rounds.flatMap((own, round) => {
    const other = peer.rounds[round] ?? [];
    return own.length === 0 || other.length === 0 ? [] : [median(other) / median(own)];
  });
  if (ratios.length === 0) return null;
  return { median: median(ratios), least: Math.min(...ratios), most: Math.max(...ratios), rounds: ratios.length };
}

/** Of ours, where it is right, to the peer; null as {@link ratioOf}. */
export function ratioIn(row: Row, peer: Entry): Ratio | null {
  const ours = entryOf(row, "ours");
  return ours?.status === "ok" && peer.status === "ok" ? ratioOf(ours, peer) : null;
}

/** Names of the engines on WebGPU but ours. */
export function gpuPeers({ engines }: Pick<Report, "engines">): readonly string[] {
  return engines.filter(({ name, webgpu }) => webgpu && name !== "ours").map(({ name }) => name);
}

export interface MeanRatio {
  readonly mean: number;
  readonly rows: number;
}

/** Against the fastest of these engines in each row, the geometric mean of the ratios; null where there is none. */
export function meanRatio(report: Report, engines: readonly string[]): MeanRatio | null {
  const ratios = report.rows.flatMap((row) => {
    const best = fastest(row, engines);
    return (best && ratioIn(row, best)?.median) ?? [];
  });
  return ratios.length === 0 ? null : { mean: geometricMean(ratios), rows: ratios.length };
}

export function entryOf(row: Row, engine: string): Entry | undefined {
  return row.entries.find((entry) => entry.engine === engine);
}

/** The timed entry with the least median among these engines; ours to be compared with none that is wrong. */
export function fastest(row: Row, engines: readonly string[]): Entry | undefined {
  const timed = row.entries.filter((entry) => engines.includes(entry.engine) && entry.status === "ok" && timingOf(entry));
  return timed.sort((a, b) => timingOf(a)!.medianMs - timingOf(b)!.medianMs)[0];
}

/** The larger of before and after: a fraction of it is never flattered. */
export function peakOf({ peak }: Row): AdapterPeak | null {
  if (peak === null) return null;
  const { before, after } = peak;
  return { gflops: Math.max(before.gflops, after.gflops), gbps: Math.max(before.gbps, after.gbps) };
}

/** At the median time; null where nothing counts as arithmetic or nothing was timed. */
export function gflopsOf({ flops }: Row, entry: Entry): number | null {
  const timing = timingOf(entry);
  return timing === null || flops === 0 ? null : flops / timing.medianMs / 1e6;
}

/** Of an engine on WebGPU: its speed as a fraction of the adapter's peak in the same row. */
export function fractionOfPeak(row: Row, entry: Entry): number | null {
  const [gflops, peak] = [gflopsOf(row, entry), peakOf(row)];
  return gflops === null || peak === null || entry.counts === null ? null : gflops / peak.gflops;
}

/** `values` is not empty. */
export function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

/**
 * Largest difference as a fraction of the largest value expected; with `ofRange`, of the distance between least and largest. Infinity where lengths
 * differ or a value is not a number.
 */
export function largestError(got: ArrayLike<number>, expected: ArrayLike<number>, { ofRange = false } = {}): number {
  if (got.length !== expected.length) return Infinity;
  let [off, low, high, size] = [0, Infinity, -Infinity, 0];
  for (let i = 0; i < expected.length; i++) {
    const [value, want] = [got[i]!, expected[i]!];
    if (Number.isNaN(value)) return Infinity;
    off = Math.max(off, Math.abs(value - want));
    [low, high, size] = [Math.min(low, want), Math.max(high, want), Math.max(size, Math.abs(want))];
  }
  return off === 0 ? 0 : off / (ofRange ? high - low : size);
}
