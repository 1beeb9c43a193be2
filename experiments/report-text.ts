/** The generated part of docs/results.md: a chapter for each scale, then the paper's figures beside ours. */
import type { Curves } from "./curves.js";
import { paperTable, secondTable, strideBoundsTable } from "./paper.js";
import {
  barsTable,
  baselineText,
  classTable,
  markdownTable,
  metricsTable,
  runsTable,
  searchTable,
  SET_TITLES,
  stateText,
} from "./report-tables.js";
import type { SetName } from "./runs.js";
import { resultsOf, type ScaleResults } from "./scale-results.js";
import type { StrideBounds } from "./stride-bounds.js";

export interface PublishedScale {
  readonly all: ScaleResults;
  readonly curves: readonly Curves[];
}

const SQUEEZENET = {
  "squeezenet-16s": "16s, single stream",
  "squeezenet-8s": "8s, from 16s",
  "squeezenet-8s-control": "control of 8s: 16s, as many more steps",
  "squeezenet-4s": "4s, from 8s",
  "squeezenet-4s-control": "control of 4s: 8s, as many more steps",
  "squeezenet-16s-frozen": "16s, trunk frozen",
  "squeezenet-16s-random": "16s, random initialisation",
};
const GOOGLENET = {
  "googlenet-32s": "32s, single stream",
  "googlenet-16s": "16s, from 32s",
  "googlenet-8s": "8s, from 16s",
  "googlenet-8s-at-once": "8s at once, as many steps as the three stages",
};
const ALEXNET = { "alexnet-32s": "AlexNet's conv layers, 32s" };
const PETS = { "pets-squeezenet-16s": "SqueezeNet 16s", "pets-squeezenet-8s": "SqueezeNet 8s" };

/** Markdown. A scale without a result is named as not run; so are the bounds by stride, where they are null. */
export function resultsSection(scales: readonly PublishedScale[], bounds: StrideBounds | null): string {
  const done = scales.filter(({ all }) => resultsOf(all).length > 0);
  const first = done[0]?.all ?? null;
  return [
    ...scales.flatMap((one) =>
      done.includes(one) ? chapter(one) : [`## ${one.all.scale}`, "Not run: no result of this scale is published."],
    ),
    "## The paper's figures, and what was checked of them",
    markdownTable(paperTable(first), "words"),
    ...(first ? ["### The paper's table 2", markdownTable(secondTable(first), "words")] : []),
    "### Upper bound by stride",
    ...(bounds
      ? [
          `Mean IU of the labels themselves, coarsened: each cell of stride x stride pixels takes its commonest label. \`${bounds.command}\`, commit ${bounds.commit}, ${bounds.date.slice(0, 10)}.`,
          markdownTable(strideBoundsTable(bounds)),
        ]
      : ["Not measured."]),
  ].join("\n\n");
}

function chapter({ all, curves }: PublishedScale): readonly string[] {
  const tables = (title: string, names: Readonly<Record<string, string>>): string[] => [
    `### ${title}`,
    markdownTable(metricsTable(all, names)),
  ];
  const baseline = baselineText(all);
  return [
    `## ${all.scale}`,
    stateText(all),
    "### The bars",
    markdownTable(barsTable(all)),
    ...(baseline === null ? [] : [baseline]),
    ...tables("SqueezeNet on CamVid, three seeds", SQUEEZENET),
    ...tables("GoogLeNet on CamVid, one seed", GOOGLENET),
    ...tables("AlexNet on CamVid, one seed", ALEXNET),
    ...tables("Oxford Pets, one seed", PETS),
    ...(["camvid", "pets"] as const).flatMap((set) => classes(all, set)),
    "### Learning rates",
    markdownTable(searchTable(all)),
    "### Curves",
    ...curves.flatMap(({ title, files }) => [
      `${title}:`,
      files.map(({ name }) => `![${title}: ${name.replace(/\.svg$/, "")}](results/${all.scale}-${name})`).join("\n"),
    ]),
    "### Each run",
    markdownTable(runsTable(all)),
  ];
}

function classes(all: ScaleResults, set: SetName): readonly string[] {
  const found = classTable(all, set);
  return found === null ? [] : [`### IU by class, ${SET_TITLES[set]}: ${found.name}`, markdownTable(found.table)];
}
