/** The report of the experiments on made-up results: bars, cells of what is missing, drawings. */
import { expect } from "chai";
import { barsOf, commonestEverywhere, verdictOf } from "../../experiments/bars.js";
import { curvesOf } from "../../experiments/curves.js";
import { paperTable } from "../../experiments/paper.js";
import { classTable, markdownTable, metricsTable, runsTable, searchTable, stateText } from "../../experiments/report-tables.js";
import { resultsSection } from "../../experiments/report-text.js";
import type { Result } from "../../experiments/results.js";
import { isSearch, runsOf, SCALES, type Run } from "../../experiments/runs.js";
import { bestNet, type ScaleResults } from "../../experiments/scale-results.js";
import type { Evaluation } from "../../src/training/index.js";

/** Mean IU by net; each seed beyond the first adds a point. */
const REACHED: Readonly<Record<string, number>> = {
  "squeezenet-16s": 0.4,
  "squeezenet-8s": 0.43,
  "squeezenet-8s-control": 0.41,
  "squeezenet-4s": 0.45,
  "squeezenet-4s-control": 0.435,
  "squeezenet-16s-frozen": 0.3,
  "squeezenet-16s-random": 0.2,
  "pets-squeezenet-8s": 0.8,
};

function evaluation(meanIU: number): Evaluation {
  const classes = [
    { name: "road", iu: meanIU + 0.1, pixels: 60 },
    { name: "sky", iu: meanIU - 0.1, pixels: 40 },
    { name: "boat", iu: null, pixels: 0 },
  ];
  const [pixelAccuracy, meanAccuracy, frequencyWeightedIU] = [0.9, 0.5, 0.7];
  return { pixelAccuracy, meanAccuracy, meanIU, frequencyWeightedIU, classes, classesInMean: 2, images: 3, counts: [] };
}

const ORIGIN = {
  adapter: { vendor: "mesa", architecture: "", device: "", description: "llvmpipe", software: true },
  command: "npm run experiments -- --scale 160x120",
  commit: "abc1234",
  date: "2026-11-23T00:00:00.000Z",
};

function result(run: Run, meanIU: number, { test = true } = {}): Result {
  return {
    format: 1,
    run,
    learningRate: 0.001,
    ...(isSearch(run)
      ? {
          candidates: [
            { learningRate: 0.001, meanIU: 0.25 },
            { learningRate: 0.1, meanIU: null },
          ],
        }
      : {}),
    curve: [
      { step: 10, loss: 2 },
      { step: run.steps, loss: 0.5 },
    ],
    validation: [{ step: run.steps, meanIU }],
    val: evaluation(meanIU + 0.01),
    ...(test && !isSearch(run)
      ? { test: { ...evaluation(meanIU), ...ORIGIN, command: "npm run experiments -- --test", seconds: 6 } }
      : {}),
    msPerStep: 100,
    seconds: 90,
    ...ORIGIN,
  };
}

/** All runs of a scale, with results where `reached` gives a mean IU. */
function scale(reached: (run: Run) => number | null): ScaleResults {
  const runs = runsOf(SCALES["160x120"]).map((run) => {
    const meanIU = reached(run);
    return { run, result: meanIU === null ? null : result(run, meanIU) };
  });
  return { scale: "160x120", runs };
}

const nameOf = (run: Run): string => run.id.replace(/-seed\d+$/, "");
const of =
  (reached: Readonly<Record<string, number>>) =>
  (run: Run): number | null => {
    const first = isSearch(run) ? 0.25 : (reached[nameOf(run)] ?? null);
    return first === null ? null : first + 0.01 * (run.seed - 1);
  };
const verdicts = (all: ScaleResults): string[] => barsOf(all).map(verdictOf);

describe("the experiments' report", () => {
  it("judges bars by the mean over seeds: all met", () => {
    const all = scale(of(REACHED));
    const bars = barsOf(all);
    expect(verdicts(all)).to.deep.equal(Array.from({ length: 7 }, () => "met"));
    expect(bars[0]!.reached).to.be.closeTo(5, 1e-9);
    expect(bars[0]!.values).to.have.length(3);
    // The worst of 40, 41, 42 over the best of 30, 31, 32.
    expect(bars[3]!.reached).to.be.closeTo(8, 1e-9);
    // 4s is the best on val: the mean of 45, 46, 47.
    expect(bestNet(all, "camvid")!.name).to.equal("squeezenet-4s");
    expect(bars[5]!.reached).to.be.closeTo(46, 1e-9);
  });

  it("says by how much a bar is missed", () => {
    const all = scale(of({ ...REACHED, "squeezenet-8s-control": 0.44, "pets-squeezenet-8s": 0.7 }));
    expect(verdicts(all)).to.deep.equal(["met", "missed", "met", "met", "met", "met", "missed"]);
    const text = resultsSection([{ all, curves: [] }], null);
    expect(text).to.include("| above 0 | −1.0 | −1.0, −1.0, −1.0 | **missed** by 1.0 |");
    expect(text).to.include("| Oxford Pets: pets-squeezenet-8s | at least 75 | 70.0 |  | **missed** by 5.0 |");
  });

  it("sets the paper's table 2 and its bounds by stride beside ours", () => {
    const all = scale(of(REACHED));
    const bounds = {
      rows: [{ scale: "160x120", set: "camvid", images: 2, meanIU: [0.1, 0.2, 0.3, 0.4, 0.5, 0.61] }],
      command: "npm run experiments:bounds",
      commit: "abc1234",
      date: "2026-11-23T00:00:00.000Z",
    } as const;
    const text = resultsSection([{ all, curves: [] }], bounds);
    expect(text).to.include(
      "| FCN-16s | 90.0 / 75.7 / 62.4 / 83.0 | squeezenet-8s | 90.0 ± 0.0 / 50.0 ± 0.0 / 44.0 ± 1.0 / 70.0 ± 0.0 |",
    );
    expect(text).to.include("| CamVid test, 160x120 | 2 | 10.0 | 20.0 | 30.0 | 40.0 | 50.0 | 61.0 |");
    expect(resultsSection([{ all, curves: [] }], null)).to.include("Upper bound by stride\n\nNot measured.");
  });

  it("a difference of nothing does not beat a control, but two points reach a bar of two", () => {
    const bar = { text: "", needed: 2, above: false, reached: 2, values: [2], seeds: 1 };
    expect(verdictOf(bar)).to.equal("met");
    expect(verdictOf({ ...bar, needed: 0, above: true, reached: 0 })).to.equal("missed");
  });

  it("leaves a bar open while a seed is missing, and lists what is not done", () => {
    const all = scale((run) => (run.id === "squeezenet-4s-seed3" || run.set === "pets" ? null : of(REACHED)(run)));
    expect(verdicts(all)).to.deep.equal(["open", "met", "open", "met", "met", "open", "open"]);
    expect(barsOf(all)[0]!.values).to.have.length(2);
    const text = resultsSection([{ all, curves: [] }], null);
    expect(text).to.include("open: 2 of 3 seeds so far");
    expect(stateText(all)).to.match(/Not done: .*squeezenet-4s-seed3.*pets-squeezenet-8s/);
    const [row] = metricsTable(all, { "squeezenet-4s": "4s" }).rows;
    expect(row![0]).to.equal("4s (2 of 3 seeds)");
    expect(metricsTable(all, { "googlenet-32s": "32s" }).rows[0]).to.include("not done");
  });

  it("invents nothing where nothing was run, or test was not read", () => {
    const none = scale(() => null);
    expect(verdicts(none)).to.deep.equal(Array.from({ length: 7 }, () => "open"));
    expect(resultsSection([{ all: none, curves: curvesOf(none) }], null)).to.include(
      "Not run: no result of this scale is published.",
    );
    const runs = runsOf(SCALES["160x120"]).map((run) => ({ run, result: result(run, 0.4, { test: false }) }));
    const unread: ScaleResults = { scale: "160x120", runs };
    expect(verdicts(unread)).to.deep.equal(Array.from({ length: 7 }, () => "open"));
    expect(metricsTable(unread, { "squeezenet-16s": "16s" }).rows[0]).to.include.members(["not read", "41.0 ± 0.0"]);
    expect(paperTable(unread).rows.find(([what]) => what === "frozen trunk beside fine-tuned")![2]).to.equal("not done yet");
  });

  it("gives seeds, searches, classes, and each run with what made it", () => {
    const all = scale(of(REACHED));
    const [row] = metricsTable(all, { "squeezenet-16s": "16s" }).rows;
    expect(row).to.include.members(["41.0 ± 1.0", "40.0, 41.0, 42.0", "42.0 ± 1.0"]);
    expect(searchTable(all).rows[0]).to.include.members(["0.001: 25.0, 0.1: diverged", "0.001"]);
    expect(classTable(all, "camvid")!.table.rows.map((cells) => cells[1])).to.deep.equal([
      "56.0 ± 1.0",
      "36.0 ± 1.0",
      "undefined",
    ]);
    expect(runsTable(all).rows.find(([id]) => id === "squeezenet-16s-seed1")).to.include.members([
      "40.0 / 41.0",
      "1.5",
      "mesa, llvmpipe (software adapter)",
      "`npm run experiments -- --scale 160x120`",
      "abc1234",
    ]);
    expect(markdownTable({ head: ["a", "b"], rows: [["x|y", "1"]] })).to.equal("| a | b |\n|---|--:|\n| x\\|y | 1 |");
  });

  it("knows what the commonest class everywhere would give", () => {
    expect(commonestEverywhere(evaluation(0.5))).to.deep.equal({ name: "road", meanIU: 0.3 });
  });

  it("draws curves, a run's steps behind those of the run before it", () => {
    const all = scale(of(REACHED));
    const curves = curvesOf(all);
    const svg = curves.flatMap(({ files }) => files).find(({ name }) => name === "squeezenet-skips-val.svg")!.svg;
    const { first, further } = SCALES["160x120"].steps;
    expect(svg).to.match(/^<svg /);
    expect(svg).to.include("— squeezenet-4s-control");
    // The axis reaches the end of the third stage.
    expect(Math.max(...[...svg.matchAll(/>([\d,]+)<\/text>/g)].map(([, n]) => Number(n!.replace(",", ""))))).to.be.within(
      first + further,
      first + 2 * further,
    );
    expect(curvesOf(all)).to.deep.equal(curves);
    expect(curves.map(({ title }) => title).join()).not.to.include("GoogLeNet");
  });
});
