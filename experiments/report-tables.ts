/** The tables of docs/results.md, from results. What is not done or not read says so in its cell. */
import { adapterText } from "../bench/adapter-name.js";
import { percentOf, type Table } from "../demo/tables.js";
import type { Evaluation } from "../src/training/index.js";
import { barsOf, commonestEverywhere, verdictOf, type Bar } from "./bars.js";
import type { Result } from "./results.js";
import { isSearch, stepsOf, type SetName } from "./runs.js";
import { bestNet, mean, netOf, resultsOf, type NetResults, type ScaleResults } from "./scale-results.js";

export const METRICS = ["pixelAccuracy", "meanAccuracy", "meanIU", "frequencyWeightedIU"] as const;
export const METRIC_NAMES = ["pixel acc.", "mean acc.", "mean IU", "f.w. IU"];
const NOT_DONE = "not done";

export const SET_TITLES: Readonly<Record<SetName, string>> = { camvid: "CamVid", pets: "Oxford Pets" };

const percent = (value: number | null): string => (value === null ? "undefined" : (100 * value).toFixed(1));
const points = (value: number): string => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(1)}`;

/** As Markdown. Words go to the left, figures to the right: the first column is words in both. */
export function markdownTable({ head, rows }: Table, of: "figures" | "words" = "figures"): string {
  const line = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), `|---|${(of === "figures" ? "--:|" : "---|").repeat(head.length - 1)}`, ...rows.map(line)].join("\n");
}

/** Nets by name, with what each is called in the table: the paper's four metrics on test, mean IU on val beside, and each seed's on test. */
export function metricsTable(all: ScaleResults, names: Readonly<Record<string, string>>): Table {
  return {
    head: ["net", "steps", "rate", ...METRIC_NAMES.map((name) => `${name}, test`), "by seed", "mean IU, val"],
    rows: Object.entries(names).map(([name, title]) => metricsRow(title, netOf(all, name))),
  };
}

function metricsRow(title: string, { results, seeds }: NetResults): readonly string[] {
  const first = results[0];
  if (!first) return [title, "", "", ...METRICS.map(() => NOT_DONE), "", NOT_DONE];
  const tests = results.flatMap(({ test }) => test ?? []);
  const some = (of: readonly Evaluation[], key: (typeof METRICS)[number]): string =>
    of.length === 0 ? "not read" : percentOf(of.map((evaluation) => evaluation[key]));
  const missing = results.length < seeds ? ` (${results.length} of ${seeds} seeds)` : "";
  const bySeed = results.length > 1 ? tests.map(({ meanIU }) => percent(meanIU)).join(", ") : "";
  const vals = results.map(({ val }) => val);
  return [
    title + missing,
    String(first.run.steps),
    String(Number(first.learningRate.toPrecision(3))),
    ...METRICS.map((key) => some(tests, key)),
    bySeed,
    some(vals, "meanIU"),
  ];
}

export function barsTable(all: ScaleResults): Table {
  return { head: ["bar, mean IU on test", "needed", "reached", "by seed", "verdict"], rows: barsOf(all).map(barRow) };
}

function barRow(bar: Bar): readonly string[] {
  const { text, needed, above, reached, values, seeds } = bar;
  const verdict = verdictOf(bar);
  const by = reached === null ? "" : ` by ${Math.abs(reached - needed).toFixed(1)}`;
  const open = values.length === 0 ? "open: not done, or test not read" : `open: ${values.length} of ${seeds} seeds so far`;
  return [
    text,
    `${above ? "above" : "at least"} ${needed}`,
    reached === null ? "" : needed > 10 ? reached.toFixed(1) : points(reached),
    values.length > 1 ? values.map((value) => (needed > 10 ? value.toFixed(1) : points(value))).join(", ") : "",
    verdict === "open" ? open : `**${verdict}**${by}`,
  ];
}

/** What saying the commonest class everywhere would give on a set's test; null before test was read. */
export function baselineText(all: ScaleResults): string | null {
  const lines = (["camvid", "pets"] as const).flatMap((set) => {
    const test = resultsOf(all).find(({ run, test }) => run.set === set && test)?.test;
    if (!test) return [];
    const { name, meanIU } = commonestEverywhere(test);
    return [`${name} everywhere gives ${percent(meanIU)} mean IU on test of ${SET_TITLES[set]} (${test.images} photos)`];
  });
  return lines.length === 0 ? null : `${lines.join("; ")}.`;
}

/** IU by class on test of the best net on val, over its seeds; null before test was read. */
export function classTable(all: ScaleResults, set: SetName): { readonly name: string; readonly table: Table } | null {
  const best = bestNet(all, set);
  const tests = best?.results.flatMap(({ test }) => test ?? []) ?? [];
  const first = tests[0];
  if (!best || !first) return null;
  const total = first.classes.reduce((sum, { pixels }) => sum + pixels, 0);
  const rows = first.classes.map(({ name, pixels }, i) => {
    const ius = tests.flatMap(({ classes }) => classes[i]!.iu ?? []);
    return [name, ius.length === 0 ? "undefined" : percentOf(ius), percent(pixels / total)];
  });
  return { name: best.name, table: { head: ["class", "IU, test", "% of test's pixels"], rows } };
}

export function searchTable(all: ScaleResults): Table {
  const rows = all.runs
    .filter(({ run }) => isSearch(run))
    .map(({ run, result }) => {
      const tried = result?.candidates?.map(
        ({ learningRate, meanIU }) => `${learningRate}: ${meanIU === null ? "diverged" : percent(meanIU)}`,
      );
      return [
        run.id,
        String(result?.run.steps ?? run.steps),
        tried?.join(", ") ?? NOT_DONE,
        result ? String(result.learningRate) : "",
      ];
    });
  return { head: ["search", "steps each", "rate: mean IU, val", "taken"], rows };
}

/** Every run that is done: its figures, what it took, and what made it. */
export function runsTable(all: ScaleResults): Table {
  const rows = resultsOf(all).map((result) => {
    const { run, val, test, msPerStep, seconds, adapter, command, commit, date } = result;
    const figures = METRICS.map((key) =>
      isSearch(run) ? "" : `${test ? percent(test[key]) : "not read"} / ${percent(val[key])}`,
    );
    return [
      run.id,
      String(stepsOf(run)),
      ...figures,
      msPerStep.toFixed(0),
      minutes(seconds),
      adapterText(adapter),
      `\`${command}\``,
      commit,
      date.slice(0, 10),
    ];
  });
  const metrics = METRIC_NAMES.map((name) => `${name}, test / val`);
  return { head: ["run", "steps", ...metrics, "ms a step", "min", "adapter", "command", "commit", "date"], rows };
}

const minutes = (seconds: number): string => (seconds / 60).toFixed(1);

/** What is done in all, and what is not. */
export function stateText(all: ScaleResults): string {
  const results = resultsOf(all);
  const missing = all.runs.flatMap(({ run, result }) => (result ? [] : [run.id]));
  const hours = results.reduce((sum, { seconds }) => sum + seconds, 0) / 3600;
  const adapters = [...new Set(results.map(({ adapter }) => adapterText(adapter)))];
  const unread = results.filter(({ run, test }) => !isSearch(run) && !test).length;
  const tests = results.flatMap(({ test }) => test ?? []);
  const readBy = [
    ...new Set(tests.map(({ adapter, command, commit }) => `${adapterText(adapter)}, \`${command}\`, commit ${commit}`)),
  ];
  const testMinutes = minutes(tests.reduce((sum, { seconds }) => sum + seconds, 0));
  return [
    `${results.length} of ${all.runs.length} runs are done, on ${adapters.join("; ")}: ${hours.toFixed(1)} hours of training in all, runs beside each other counted each.`,
    ...(missing.length > 0 ? [`Not done: ${missing.join(", ")}.`] : []),
    ...(tests.length > 0 ? [`Test was read once, in ${testMinutes} min: ${readBy.join("; ")}.`] : []),
    ...(unread > 0 ? [`Test has not been read for ${unread} of them.`] : []),
  ].join(" ");
}

/** Mean IU on test of a net, over its seeds, as text. */
export function testIUText(results: readonly Result[]): string | null {
  const tests = results.flatMap(({ test }) => test?.meanIU ?? []);
  return tests.length === 0 ? null : percentOf(tests);
}

/** Points of mean IU on test between two nets' means; null where one is missing. */
export function differenceText(all: ScaleResults, one: string, other: string): string | null {
  const [a, b] = [one, other].map((name) => netOf(all, name).results.flatMap(({ test }) => test?.meanIU ?? []));
  return a!.length === 0 || b!.length === 0 ? null : points(100 * (mean(a!) - mean(b!)));
}
