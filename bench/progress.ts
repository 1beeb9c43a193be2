/** How far a run has come, and how long it will yet take: by what rows cost, which differs a thousandfold. */
import type { Workload } from "./workloads.js";

/** Orders of magnitude: only their proportions matter, since times are scaled by what has passed. */
const REFERENCE_FLOPS_PER_S = 3e8;
const FIRST_RUN_S = 1.5;
const VISIT_S = 0.35;
/** The adapter is measured first. */
const PROFILE_S = 5;
const KERNEL_S = 0.3;
/** A training step is checked by its first losses. */
const CHECKED_RUNS = 4;

/** Relative time of a row. */
export function rowCost(workload: Workload, engines: readonly { readonly name: string }[], rounds: number): number {
  const pass = workload.flops / REFERENCE_FLOPS_PER_S;
  const checked = workload.kind === "training" ? CHECKED_RUNS : 1;
  return engines.reduce(
    (sum, { name }) => sum + (name === "reference" ? pass * (checked + rounds) : FIRST_RUN_S + rounds * VISIT_S),
    pass * checked,
  );
}

/** Relative time of profiling ours: kernels are repeated until a reading is long enough, on slow adapters once is enough. */
export function profileCost({ flops, net }: Workload): number {
  return PROFILE_S + net.layers.length * KERNEL_S + flops / REFERENCE_FLOPS_PER_S;
}

/** How far things done one behind another have come. */
export class Clock {
  private done = 0;
  private readonly started = performance.now();
  private readonly all: number;

  /** `costs` of all that is to be done, in order. */
  constructor(private readonly costs: readonly number[]) {
    this.all = costs.reduce((sum, cost) => sum + cost, 0);
  }

  /** From 0 to 1, when `index` things are done and so much of the next. */
  at(index: number, ofNext: number): number {
    const before = this.costs.slice(0, index).reduce((sum, cost) => sum + cost, 0);
    this.done = (before + ofNext * (this.costs[index] ?? 0)) / this.all;
    return this.done;
  }

  /** At the speed so far; null while there is none to speak of. */
  leftMs(): number | null {
    return this.done < 0.01 ? null : ((performance.now() - this.started) * (1 - this.done)) / this.done;
  }
}
