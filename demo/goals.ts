/** What a full run must reach. */
import type { SeedResult } from "./experiment.js";
import { percentOf, type Bounds } from "./tables.js";

export interface Goal {
  readonly text: string;
  readonly reached: boolean;
}

/** Each is judged by its mean over the seeds; what must be exact, by the worst seed. */
export function goals(results: readonly SeedResult[], bounds: Bounds): Goal[] {
  const mean = (value: (r: SeedResult) => number): number => results.reduce((sum, r) => sum + value(r), 0) / results.length;
  const share = (r: SeedResult): number => r.skip.meanIU / bounds.stride2.meanIU;
  const gain = (r: SeedResult): number => r.skip.meanIU - r.control.meanIU;
  const difference = Math.max(...results.map((r) => r.convolutional.difference));
  const sizesAgree = results.every((r) => r.convolutional.maps.every(({ map, derived }) => map.join() === derived.join()));
  return [
    {
      text: `LeNet on held-out digits: ${percentOf(results.map((r) => r.classifierAccuracy))} % (at least 97)`,
      reached: mean((r) => r.classifierAccuracy) >= 0.97,
    },
    { text: `convolutionalised scores differ by ${difference.toExponential(1)} (under 1e-4)`, reached: difference < 1e-4 },
    { text: "score maps of larger images have the derived sizes", reached: sizesAgree },
    { text: `skip net: ${percentOf(results.map(share))} % of the stride-2 bound (at least 80)`, reached: mean(share) >= 0.8 },
    {
      text: `skip net over control: ${percentOf(results.map(gain))} points of mean IU (at least 3)`,
      reached: mean(gain) >= 0.03,
    },
  ];
}
