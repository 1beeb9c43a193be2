/** The results of one scale beside the table of its runs: what is done, and what is not. */
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { Results, type Result } from "./results.js";
import { isSearch, runsOf, SCALES, type Run, type ScaleName, type SetName } from "./runs.js";

export interface ScaleResults {
  readonly scale: ScaleName;
  /** All runs of the scale, in the table's order, with their results; null where a run is not done. */
  readonly runs: readonly { readonly run: Run; readonly result: Result | null }[];
}

/** A net of the table: its runs differ in nothing but the seed. */
export interface NetResults {
  /** The runs' ids without the seed. */
  readonly name: string;
  readonly set: SetName;
  readonly seeds: number;
  /** Of the runs that are done, by seed. */
  readonly results: readonly Result[];
}

/** Reads `<folder>/<id>.json`. Throws where a file belongs to no run of the table: what it holds would be lost silently. */
export async function readScale(folder: string, scale: ScaleName): Promise<ScaleResults> {
  const table = runsOf(SCALES[scale]);
  const names = existsSync(folder) ? (await readdir(folder)).filter((name) => name.endsWith(".json")) : [];
  const stray = names.find((name) => !table.some(({ id }) => name === `${id}.json`));
  if (stray !== undefined) throw new Error(`${join(folder, stray)} belongs to no run of experiments/runs.ts: remove it`);
  if (names.length === 0) return { scale, runs: table.map((run) => ({ run, result: null })) };
  const results = new Results(folder);
  return { scale, runs: table.map((run) => ({ run, result: results.read(run.id) })) };
}

export const resultsOf = ({ runs }: ScaleResults): readonly Result[] => runs.flatMap(({ result }) => result ?? []);

const nameOf = ({ id }: Run): string => id.replace(/-seed\d+$/, "");

/** Those that are no searches, in the table's order. */
function netsOf({ runs }: ScaleResults): readonly NetResults[] {
  const names = new Set(runs.filter(({ run }) => !isSearch(run)).map(({ run }) => nameOf(run)));
  return [...names].map((name) => {
    const own = runs.filter(({ run }) => !isSearch(run) && nameOf(run) === name);
    return { name, set: own[0]!.run.set, seeds: own.length, results: own.flatMap(({ result }) => result ?? []) };
  });
}

/** Throws where the table has no such net: a figure that asks for it would be missing for ever. */
export function netOf(all: ScaleResults, name: string): NetResults {
  const net = netsOf(all).find((one) => one.name === name);
  if (!net) throw new Error(`experiments/runs.ts has no net ${name}: the report still asks for it`);
  return net;
}

/** The net of a set with the best mean IU on val, over its seeds: test has no say. Null where none is done. */
export function bestNet(all: ScaleResults, set: SetName): NetResults | null {
  const done = netsOf(all).filter((net) => net.set === set && net.results.length > 0);
  return (
    done.toSorted((a, b) => mean(b.results.map(({ val }) => val.meanIU)) - mean(a.results.map(({ val }) => val.meanIU)))[0] ??
    null
  );
}

/** `values` is not empty. */
export const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
