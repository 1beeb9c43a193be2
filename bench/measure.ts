/** Times of repeated work. Imports nothing: it runs in Node and in pages alike. */

export interface Timing {
  readonly runs: number;
  readonly medianMs: number;
  readonly p10Ms: number;
  readonly p90Ms: number;
}

/** Runs `once` at least `least` times and for at least half a second, after one run that does not count. `once` returns its own time in ms. */
export async function measure(once: () => Promise<number>, least: number): Promise<Timing> {
  await once();
  const times: number[] = [];
  for (let total = 0; times.length < least || (total < 500 && times.length < 1000); total += times.at(-1)!)
    times.push(await once());
  return timingOf(times);
}

export function timingOf(times: readonly number[]): Timing {
  const sorted = [...times].sort((a, b) => a - b);
  return { runs: sorted.length, medianMs: quantile(sorted, 0.5), p10Ms: quantile(sorted, 0.1), p90Ms: quantile(sorted, 0.9) };
}

/** Linear between the nearest ranks. */
function quantile(sorted: readonly number[], q: number): number {
  const at = q * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(at)]!, sorted[Math.ceil(at)]!];
  return low + (high - low) * (at - Math.floor(at));
}

export async function timed(work: () => unknown): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}
