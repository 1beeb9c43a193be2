/** Runs cases one after the other on one engine: in Node, in a page, on the reference. */
import { caseGraph } from "./case-graph.js";
import { compare, UNBOUNDED } from "./compare.js";
import type { Engine, Run } from "./engine.js";
import type { ConformanceCase, Tolerance } from "./format.js";
import { HOST_OPERATIONS } from "./host-operations.js";

/** JSON: results come back from pages and processes. */
export interface CaseResult {
  readonly suite: string;
  readonly name: string;
  readonly op: string;
  readonly outcome: "passed" | "failed" | "skipped";
  /** How often it was run: by different kernels. */
  readonly runs: number;
  /** Largest error as a fraction of the tolerance. */
  readonly worst: number;
  /** What is wrong; null where nothing is. */
  readonly error: string | null;
  readonly ms: number;
}

/** A computed tensor. */
export interface Value {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

/** What a run of a case gave, by the names of its outputs and gradients. */
export interface Computed extends Omit<Run, "outputs"> {
  readonly values: Readonly<Record<string, Value>>;
}

/** Calls `report` after each case. Never throws for what a case does. */
export async function runCases(
  cases: readonly ConformanceCase[],
  engine: Engine,
  report: (result: CaseResult) => void | Promise<void>,
): Promise<void> {
  for (const given of cases) await report(await runCase(given, engine));
}

async function runCase(given: ConformanceCase, engine: Engine): Promise<CaseResult> {
  const started = performance.now();
  let outcome: Pick<CaseResult, "runs" | "worst" | "error">;
  try {
    outcome = await check(given, engine);
  } catch (error) {
    outcome = { runs: 1, worst: UNBOUNDED, error: error instanceof Error ? `${error.name}: ${error.message}` : String(error) };
  }
  const { suite, name, op, quirk } = given;
  return {
    suite,
    name,
    op,
    outcome: outcome.error === null ? "passed" : quirk ? "skipped" : "failed",
    ...outcome,
    ms: performance.now() - started,
  };
}

async function check(given: ConformanceCase, engine: Engine): Promise<Pick<CaseResult, "runs" | "worst" | "error">> {
  const compute = Object.hasOwn(HOST_OPERATIONS, given.op) ? HOST_OPERATIONS[given.op]! : computeGraph;
  let runs = 0;
  let worst = 0;
  const differences: string[] = [];
  for await (const { values, how, slack } of compute(given, engine)) {
    const comparisons = [
      ...given.outputs.map((want) =>
        compare(`output ${want.name}`, want, loosened(given.tolerance, slack), valueOf(values, want.name)),
      ),
      ...given.gradients.map((want) => {
        const label = `gradient of ${want.name}`;
        return compare(label, want, loosened(given.gradTolerance, slack), valueOf(values, label));
      }),
    ];
    runs++;
    worst = Math.max(worst, ...comparisons.map((comparison) => comparison.worst));
    for (const { difference } of comparisons)
      if (difference !== null) differences.push(how === "" ? difference : `${how}: ${difference}`);
  }
  return { runs, worst, error: differences.length === 0 ? null : differences.join("; ") };
}

function loosened({ atol, rtol }: Tolerance, slack: number): Tolerance {
  return { atol: atol * slack, rtol: rtol * slack };
}

async function* computeGraph(given: ConformanceCase, engine: Engine): AsyncGenerator<Computed, void, void> {
  const { net, inputs } = caseGraph(given);
  for await (const { outputs, ...run } of engine.runs(net, inputs)) {
    const values = Object.entries(net.outputs).map(([key, { shape }]): [string, Value] => [key, { shape, data: outputs[key]! }]);
    yield { ...run, values: Object.fromEntries(values) };
  }
}

function valueOf(values: Readonly<Record<string, Value>>, key: string): Value {
  const value = values[key];
  if (!value) throw new Error(`there is no ${key}: there are ${Object.keys(values).join(", ")}`);
  return value;
}
