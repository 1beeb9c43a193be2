/** Which workloads a run takes. */
import { WORKLOADS, type Workload } from "./workloads.js";

const SUITES = {
  layers: ({ group }: Workload) => "ABCD".includes(group),
  gradients: ({ group }: Workload) => group === "E",
  nets: ({ group }: Workload) => group === "F",
  growth: ({ group }: Workload) => group === "G",
  /** Growth is a question of its own. */
  all: ({ group }: Workload) => group !== "G",
} as const;

export const SUITE_NAMES: readonly string[] = Object.keys(SUITES);

/** One row for each bar that the project has set itself. */
const QUICK = ["A1", "A5", "B2", "C1", "D3", "E-A3-input", "E-A3-filter", "E-D3-input", "E-C1-input", "F1", "F3"];

export interface SuiteChoice {
  readonly suite?: string | undefined;
  /** Regular expression on the ids. */
  readonly only?: string | undefined;
  readonly quick?: boolean | undefined;
}

/** Throws for a suite that is none, a pattern that is none, and where nothing is left. */
export function chooseWorkloads({ suite = "all", only, quick = false }: SuiteChoice): readonly Workload[] {
  if (!Object.hasOwn(SUITES, suite)) throw new Error(`--suite: there is no suite ${suite}: use ${SUITE_NAMES.join(", ")}`);
  const belongs = SUITES[suite as keyof typeof SUITES];
  const pattern = patternOf(only);
  const chosen = WORKLOADS.filter((w) => belongs(w) && pattern.test(w.id) && (!quick || QUICK.includes(w.id)));
  if (chosen.length === 0)
    throw new Error(`no row is left: the ids are ${WORKLOADS.map(({ id }) => id).join(", ")}; --quick takes ${QUICK.join(", ")}`);
  return chosen;
}

function patternOf(only = ""): RegExp {
  try {
    return new RegExp(only);
  } catch (error) {
    throw new Error(`--only: ${only} is not a regular expression: ${(error as Error).message}`);
  }
}
