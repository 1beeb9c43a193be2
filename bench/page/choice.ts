/** What is to run, from the form and from the address, which says the same: a link carries a choice, and a script needs no clicks. */
import { chooseEngines, type CatalogEntry } from "../catalog.js";
import type { Settings } from "../report.js";
import { ROOFLINE_IDS } from "../rooflines.js";
import { chooseWorkloads } from "../suites.js";
import { WORKLOADS, type Workload } from "../workloads.js";

export interface Choice {
  readonly workloads: readonly Workload[];
  readonly engines: readonly CatalogEntry[];
  readonly settings: Settings;
  /** Profile ours afterwards. */
  readonly roofline: boolean;
}

/** In the form: `quick`, or one of the suites of the command. */
export const QUICK = "quick";

const DEFAULTS: Settings = { rounds: 5, capSeconds: 20 };

/** As the command's options: quick, suite, only, engines, rounds, cap; and rows=A1,B2, roofline=off. Throws for a value that is none. */
export function choiceFrom(query: URLSearchParams, here: readonly CatalogEntry[]): Choice {
  return {
    workloads: rowsFrom(query),
    engines: chooseEngines(query.get("engines") ?? undefined, "page", here),
    settings: {
      rounds: wholeNumber(query, "rounds", DEFAULTS.rounds),
      capSeconds: wholeNumber(query, "cap", DEFAULTS.capSeconds),
    },
    roofline: query.get("roofline") !== "off",
  };
}

function rowsFrom(query: URLSearchParams): readonly Workload[] {
  const rows = query.get("rows");
  if (rows === null) {
    const [suite, only] = [query.get("suite") ?? undefined, query.get("only") ?? undefined];
    return chooseWorkloads({ suite, only, quick: query.has("quick") || (suite === undefined && only === undefined) });
  }
  const ids = rows.split(",").map((id) => id.trim());
  const unknown = ids.find((id) => !WORKLOADS.some((workload) => workload.id === id));
  if (unknown !== undefined)
    throw new Error(`rows: there is no row ${unknown}: the ids are ${WORKLOADS.map(({ id }) => id).join(", ")}`);
  return WORKLOADS.filter(({ id }) => ids.includes(id));
}

function wholeNumber(query: URLSearchParams, name: string, otherwise: number): number {
  const text = query.get(name);
  const value = text === null ? otherwise : Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`${name} is ${text}: use a whole number of at least 1`);
  return value;
}

/** The address that says the same; `suite` where the rows are all of one. */
export function queryOf(
  { workloads, engines, settings, roofline }: Choice,
  suite: string | null,
  here: readonly CatalogEntry[],
): string {
  const rows = suite === null ? `rows=${workloads.map(({ id }) => id).join(",")}` : suite === QUICK ? QUICK : `suite=${suite}`;
  const parts = [
    rows,
    engines.length < here.length && `engines=${engines.map(({ name }) => name).join(",")}`,
    settings.rounds !== DEFAULTS.rounds && `rounds=${settings.rounds}`,
    settings.capSeconds !== DEFAULTS.capSeconds && `cap=${settings.capSeconds}`,
    !roofline && "roofline=off",
  ];
  return `?${parts.filter((part) => part !== false).join("&")}`;
}

/** Which of the chosen rows are profiled: the nets of the command's --roofline, or without them those with arithmetic to show, a few. */
export function rooflineRows({ workloads, engines, roofline }: Choice): readonly Workload[] {
  if (!roofline || !engines.some(({ name }) => name === "ours")) return [];
  const nets = workloads.filter(({ id }) => ROOFLINE_IDS.includes(id));
  return nets.length > 0 ? nets : workloads.filter(({ flops }) => flops > 0).slice(0, 3);
}
