/** Runs cases one after the other on one engine: in Node, in a page, on the reference. */
import { caseGraph } from "./case-graph.js";
import { compare, UNBOUNDED } from "./compare.js";
import type { Engine } from "./engine.js";
import type { ConformanceCase } from "./format.js";
import { HOST_OPERATIONS } from "./host-operations.js";

/** JSON: results come back from pages and processes. */
export interface CaseResult {
  readonly suite: string;
  readonly name: string;
  readonly op: string;
  readonly outcome: "passed" | "failed" | "skipped";
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
  let outcome: { readonly worst: number; readonly error: string | null };
  try {
    outcome = await check(given, engine);
  } catch (error) {
    outcome = { worst: UNBOUNDED, error: error instanceof Error ? `${error.name}: ${error.message}` : String(error) };
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

async function check(given: ConformanceCase, engine: Engine): Promise<{ worst: number; error: string | null }> {
  const compute = Object.hasOwn(HOST_OPERATIONS, given.op) ? HOST_OPERATIONS[given.op]! : computeGraph;
  const values = await compute(given, engine);
  const comparisons = [
    ...given.outputs.map((want) => compare(`output ${want.name}`, want, given.tolerance, valueOf(values, want.name))),
    ...given.gradients.map((want) =>
      compare(`gradient of ${want.name}`, want, given.gradTolerance, valueOf(values, `gradient of ${want.name}`)),
    ),
  ];
  const differences = comparisons.flatMap(({ difference }) => difference ?? []);
  return {
    worst: Math.max(...comparisons.map(({ worst }) => worst)),
    error: differences.length === 0 ? null : differences.join("; "),
  };
}

async function computeGraph(given: ConformanceCase, engine: Engine): Promise<Readonly<Record<string, Value>>> {
  const { net, inputs } = caseGraph(given);
  const data = await engine.run(net, inputs);
  return Object.fromEntries(Object.entries(net.outputs).map(([key, { shape }]) => [key, { shape, data: data[key]! }]));
}

function valueOf(values: Readonly<Record<string, Value>>, key: string): Value {
  const value = values[key];
  if (!value) throw new Error(`there is no ${key}: there are ${Object.keys(values).join(", ")}`);
  return value;
}
