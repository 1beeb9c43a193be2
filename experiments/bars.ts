/** What the nets must reach, judged by the results: every figure is computed, on test, in points of mean IU. */
import type { Evaluation } from "../src/training/index.js";
import type { Result } from "./results.js";
import { bestNet, mean, netOf, type NetResults, type ScaleResults } from "./scale-results.js";
import type { ScaleName, SetName } from "./runs.js";

export interface Bar {
  readonly text: string;
  /** At least so many points; with `above`, more than these. */
  readonly needed: number;
  readonly above: boolean;
  /** Null where no run that it needs is done, or test was not read. */
  readonly reached: number | null;
  /** One a seed that is there. */
  readonly values: readonly number[];
  /** Seeds that it is to be judged by. */
  readonly seeds: number;
}

export type Verdict = "met" | "missed" | "open";

/** Best net on CamVid, by scale; the smoke run has no bar. */
const BEST: Readonly<Record<ScaleName, number | null>> = { "160x120": 40, "320x240": 50, smoke: null };

export function barsOf(all: ScaleResults): readonly Bar[] {
  const net = (name: string): NetResults => netOf(all, `squeezenet-${name}`);
  const best = BEST[all.scale];
  return [
    { text: "finest skip net (4s) over the single stream (16s)", needed: 2, above: false, ...gain(net("4s"), net("16s")) },
    { text: "8s over its control (16s, as many more steps)", needed: 0, above: true, ...gain(net("8s"), net("8s-control")) },
    { text: "4s over its control (8s, as many more steps)", needed: 0, above: true, ...gain(net("4s"), net("4s-control")) },
    {
      text: "fine-tuned (16s) clearly over frozen trunk: its worst seed over the best of the other",
      needed: 0,
      above: true,
      ...worstOverBest(net("16s"), net("16s-frozen")),
    },
    { text: "pretrained (16s) over random initialisation", needed: 0, above: true, ...gain(net("16s"), net("16s-random")) },
    ...(best === null ? [] : [level(all, "camvid", "best net on CamVid", best)]),
    ...(best === null ? [] : [level(all, "pets", "Oxford Pets", 75)]),
  ];
}

/** A bar is judged when all its seeds are there. */
export function verdictOf({ needed, above, reached, values, seeds }: Bar): Verdict {
  if (reached === null || values.length < seeds) return "open";
  return (above ? reached > needed : reached >= needed) ? "met" : "missed";
}

type Figures = Pick<Bar, "reached" | "values" | "seeds">;

/** Seed by seed, then the mean. */
function gain(one: NetResults, other: NetResults): Figures {
  const values = one.results.flatMap((result) => {
    const beside = other.results.find(({ run }) => run.seed === result.run.seed);
    return result.test && beside?.test ? [100 * (result.test.meanIU - beside.test.meanIU)] : [];
  });
  return { values, reached: values.length > 0 ? mean(values) : null, seeds: one.seeds };
}

function worstOverBest(one: NetResults, other: NetResults): Figures {
  const [own, others] = [testIU(one.results), testIU(other.results)];
  const { values, seeds } = gain(one, other);
  const isThere = own.length > 0 && others.length > 0;
  return { values, seeds, reached: isThere ? Math.min(...own) - Math.max(...others) : null };
}

function level(all: ScaleResults, set: SetName, text: string, needed: number): Bar {
  const best = bestNet(all, set);
  const values = best ? testIU(best.results) : [];
  const named = best ? `${text}: ${best.name}${set === "camvid" ? ", best on val" : ""}` : text;
  return {
    text: named,
    needed,
    above: false,
    values,
    reached: values.length > 0 ? mean(values) : null,
    seeds: best?.seeds ?? 1,
  };
}

const testIU = (results: readonly Result[]): readonly number[] =>
  results.flatMap(({ test }) => (test ? [100 * test.meanIU] : []));

/** Mean IU of saying the commonest class everywhere: the others' IU is 0. */
export function commonestEverywhere({ classes }: Evaluation): { readonly name: string; readonly meanIU: number } {
  const there = classes.filter(({ pixels }) => pixels > 0);
  const commonest = there.toSorted((a, b) => b.pixels - a.pixels)[0]!;
  const total = there.reduce((sum, { pixels }) => sum + pixels, 0);
  return { name: commonest.name, meanIU: commonest.pixels / total / there.length };
}
