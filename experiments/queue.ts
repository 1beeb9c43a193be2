/** In which order, and how long still: cheapest first among those whose predecessors are done. */
import { needs, stepsOf, type Run } from "./runs.js";

/** What a step of a trunk costs beside SqueezeNet's, until one was measured: by multiply-adds on one photo. */
const GUESSED: Readonly<Record<string, number>> = { squeezenet: 1, "alexnet-conv": 2.5, googlenet: 4.5 };
/** Pets are larger, and have several sizes. */
const GUESSED_SET: Readonly<Record<Run["set"], number>> = { camvid: 1, pets: 1.4 };

/** ms of a step, of runs that were done. */
export interface Pace {
  readonly run: Run;
  readonly msPerStep: number;
}

const trunkName = ({ net: { trunk } }: Run): string => (typeof trunk === "string" ? trunk : trunk.name);
const guess = (run: Run): number => (GUESSED[trunkName(run)] ?? 1) * GUESSED_SET[run.set] * (run.net.frozenTrunk ? 0.5 : 1);

/** The runs in the order in which they are done. Each set of predecessors comes before what needs it. */
export function inOrder(runs: readonly Run[]): readonly Run[] {
  const left = new Set(runs);
  const done = new Set<string>();
  const order: Run[] = [];
  while (left.size > 0) {
    const ready = [...left].filter((run) => needs(run).every((id) => done.has(id)));
    const next = ready.toSorted((a, b) => stepsOf(a) * guess(a) - stepsOf(b) * guess(b))[0];
    if (!next)
      throw new Error(`no run of ${[...left].map((r) => r.id).join(", ")} can begin: what they need is not in the table`);
    left.delete(next);
    done.add(next.id);
    order.push(next);
  }
  return order;
}

/** The first of the order that is neither done nor running, and whose predecessors are done; null where there is none now. */
export function nextRun(order: readonly Run[], isDone: (run: Run) => boolean, isRunning: (run: Run) => boolean): Run | null {
  const done = new Set(order.filter(isDone).map((run) => run.id));
  return order.find((run) => !done.has(run.id) && !isRunning(run) && needs(run).every((id) => done.has(id))) ?? null;
}

/** Time of what is left, one run at a time, by the paces so far; null before anything was measured. */
export function msLeft(runs: readonly Run[], paces: readonly Pace[]): number | null {
  if (paces.length === 0) return null;
  const perGuess = paces.map(({ run, msPerStep }) => msPerStep / guess(run));
  const typical = perGuess.toSorted((a, b) => a - b)[Math.floor(perGuess.length / 2)]!;
  const msPerStep = (run: Run): number => {
    const same = paces.filter(
      (p) => trunkName(p.run) === trunkName(run) && p.run.set === run.set && p.run.net.frozenTrunk === run.net.frozenTrunk,
    );
    const exact = same.filter((p) => p.run.net.variant === run.net.variant);
    const from = exact.length > 0 ? exact : same;
    return from.length > 0 ? from.reduce((sum, p) => sum + p.msPerStep, 0) / from.length : typical * guess(run);
  };
  return runs.reduce((sum, run) => sum + stepsOf(run) * msPerStep(run), 0);
}

/** A table for people. */
export function listRuns(runs: readonly Run[], isDone: (run: Run) => boolean): string {
  return runs
    .map((run) => {
      const start = run.start === "random" ? "random" : "run" in run.start ? run.start.run : run.start.pretrained;
      const rates = "from" in run.rates ? `rate of ${run.rates.from} x ${run.rates.factor}` : `rates ${run.rates.join(", ")}`;
      return `${isDone(run) ? "done" : "    "}  ${run.id.padEnd(32)} ${String(stepsOf(run)).padStart(6)} steps  from ${start.padEnd(28)} ${rates}`;
    })
    .join("\n");
}
