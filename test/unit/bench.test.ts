/** The parts of the benchmark that run nothing: figures from samples, choosing rows, going on with a file, models for the peers. */
import { expect } from "chai";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeFloats, encodeFloats } from "../../bench/base64.js";
import { chooseEngines } from "../../bench/catalog.js";
import { makeData } from "../../bench/data.js";
import { readmeTables } from "../../bench/markdown.js";
import { fromHwio, fromNhwc, permuted, toHwio, toNhwc } from "../../bench/peers/layout.js";
import { finishedRows, readReport, writeReport } from "../../bench/report-file.js";
import { REPORT_FORMAT, type Entry, type Report, type Row } from "../../bench/report.js";
import {
  fastest,
  fractionOfPeak,
  geometricMean,
  largestError,
  median,
  peakOf,
  quantile,
  ratioOf,
  timingOf,
} from "../../bench/statistics.js";
import { chooseWorkloads } from "../../bench/suites.js";
import { rowText } from "../../bench/text.js";
import { WORKLOADS } from "../../bench/workloads.js";

const COUNTS = { dispatches: 1, passes: 1, submits: 1, pipelines: 1, peakBytes: 1e6 };

function entry(engine: string, rounds: number[][], more: Partial<Entry> = {}): Entry {
  const nothing = { message: null, first: null, error: 0, counts: null, notes: [] };
  return { engine, status: "ok", ...nothing, rounds, ...more };
}

function row(entries: readonly Entry[], more: Partial<Row> = {}): Row {
  const peak = { before: { gflops: 8, gbps: 4 }, after: { gflops: 10, gbps: 3 } };
  return { id: "A1", group: "A", title: "a", flops: 2e6, date: "", peak, load: 0, entries, ...more };
}

function report(more: Partial<Report> = {}): Report {
  const machine = { cpu: "c", cores: 2, os: "o" };
  const engines = [{ name: "ours", webgpu: true, about: "" }];
  const settings = { rounds: 5, capSeconds: 60 };
  const facts = { command: "", date: "", commit: "abc", platform: "node", browser: "Node", adapter: null } as const;
  return { format: REPORT_FORMAT, ...facts, machine, settings, engines, rows: [], ...more };
}

describe("benchmark: figures", () => {
  it("takes percentiles between the nearest ranks", () => {
    expect(median([3, 1, 2])).to.equal(2);
    expect(median([4, 1, 2, 3])).to.equal(2.5);
    expect(quantile([10, 20, 30], 0.1)).to.be.closeTo(12, 1e-12);
  });

  it("gives p10 and p90 from ten samples on", () => {
    expect(timingOf(entry("x", [[1, 2, 3], [4, 5], [], [6, 7, 8, 9]]))).to.deep.equal({
      samples: 9,
      medianMs: 5,
      spreadMs: null,
    });
    const ten = timingOf(entry("x", [[1, 2, 3, 4, 5, 6, 7, 8, 9, 11]]))!;
    expect(ten.spreadMs!.p10).to.be.closeTo(1.9, 1e-12);
    expect(ten.spreadMs!.p90).to.be.closeTo(9.2, 1e-12);
    expect(timingOf(entry("x", [[], []]))).to.equal(null);
  });

  it("makes ratios within a round, and takes their median", () => {
    // The machine was three times as slow in the second round: the ratio does not see it.
    const ours = entry("ours", [[1, 1, 9], [3], [1], []]);
    const peer = entry("peer", [[2], [6, 6], [], [5]]);
    expect(ratioOf(ours, peer)).to.deep.equal({ median: 2, least: 2, most: 2, rounds: 2 });
    expect(ratioOf(ours, entry("peer", [[], [], [4]]))).to.deep.equal({ median: 4, least: 4, most: 4, rounds: 1 });
    expect(ratioOf(ours, entry("peer", [[], [], [], [4]]))).to.equal(null);
  });

  it("compares with the fastest engine that is right", () => {
    const wrong = entry("wrong", [[0.1]], { status: "wrong" });
    const all = row([entry("slow", [[3]]), wrong, entry("fast", [[2]]), entry("none", []), entry("other", [[1]])]);
    expect(fastest(all, ["slow", "wrong", "fast", "none"])!.engine).to.equal("fast");
    expect(fastest(all, ["none"])).to.equal(undefined);
  });

  it("takes the fraction of the larger peak, of engines on WebGPU alone", () => {
    const gpu = entry("gpu", [[0.4]], { counts: COUNTS });
    const all = row([gpu]);
    expect(peakOf(all)).to.deep.equal({ gflops: 10, gbps: 4 });
    expect(fractionOfPeak(all, gpu)).to.be.closeTo(0.5, 1e-12); // 2 MFLOP in 0.4 ms
    expect(fractionOfPeak(all, entry("cpu", [[0.4]]))).to.equal(null);
    expect(fractionOfPeak(row([gpu], { peak: null }), gpu)).to.equal(null);
    expect(fractionOfPeak(row([gpu], { flops: 0 }), gpu)).to.equal(null);
  });

  it("takes the mean of ratios as their product asks for", () => {
    expect(geometricMean([1, 4])).to.be.closeTo(2, 1e-12);
  });

  it("measures the largest error against the largest value, or against the range", () => {
    expect(largestError([1, 2, -4], [1, 2, -4])).to.equal(0);
    expect(largestError([1, 2.5], [1, 2])).to.equal(0.25);
    expect(largestError([3, 2.75], [3, 2.5], { ofRange: true })).to.equal(0.5);
    expect(largestError([1], [1, 2])).to.equal(Infinity);
    expect(largestError([NaN, 2], [1, 2])).to.equal(Infinity);
  });

  it("gives the time of a pixel where growth is asked", () => {
    const text = rowText(row([entry("ours", [[1.156]])], { id: "G1", group: "G" })); // 34 x 34 pixels
    expect(text).to.contain(" 1000 ns a pixel ");
  });

  it("prints what is wrong, failed or over its cap in place of a time", () => {
    const text = rowText(
      row([
        entry("ours", [[2], [2]], { counts: COUNTS }),
        entry("peer", [[4], [5]]),
        entry("bad", [], { status: "wrong", message: "differs" }),
        entry("long", [], { status: "slow", message: "not done in 60 s" }),
      ]),
    );
    expect(text).to.match(/ours .*2\.00 ms .*1\.0 GFLOP\/s \(10 % of peak\)/);
    expect(text).to.match(/peer .*ours 2\.25 x as fast \(2\.00 to 2\.50, 2 rounds\)/);
    expect(text).to.match(/bad +WRONG {2}differs/);
    expect(text).to.match(/long +> cap {2}not done in 60 s/);
  });
});

describe("benchmark: the README's tables", () => {
  const engines = [
    { name: "ours", webgpu: true, about: "" },
    { name: "a", webgpu: true, about: "" },
    { name: "b", webgpu: true, about: "" },
    { name: "ort-node", webgpu: false, about: "" },
  ];
  const ours = entry("ours", [[0.4], [0.4]], { counts: COUNTS });
  const adapter = { vendor: "v", architecture: "soft", description: "soft 1.0", software: true };
  const table = (rows: readonly Row[]): string =>
    readmeTables([{ file: "run.json", report: report({ adapter, engines, rows }) }]);

  it("have a row for each workload, beside the fastest peer on WebGPU that is right", () => {
    const rows = [
      row([ours, entry("a", [[0.8], [1.6]]), entry("b", [[2], [2]]), entry("ort-node", [[0.2], [0.2]])]),
      row([ours, entry("a", [], { status: "slow" }), entry("b", [[0.1]], { status: "wrong" })], { id: "D1" }),
    ];
    const lines = table(rows).split("\n");
    expect(lines[0]).to.equal("### v, soft 1.0 (software adapter): Node");
    expect(lines).to.include("| A1 | a | 0.40 ms | 50 % | a 3 x (2 to 4) |  | 0.5 x (0.5 to 0.5) |");
    expect(lines).to.include("| D1 | a | 0.40 ms | 50 % | a > cap, b WRONG |  |  |");
    expect(lines.at(-1)).to.contain("3 x as fast in the geometric mean of 1 row.");
  });

  it("say where the machine was busy with other things", () => {
    expect(table([row([ours], { load: 3 })])).to.contain("The machine had much else to do");
    expect(table([row([ours], { load: 3 }), row([ours], { load: 1 })])).to.not.contain("much else");
  });

  it("say where ours is wrong, and where nothing is published", () => {
    expect(table([row([entry("ours", [], { status: "wrong" }), entry("a", [[1]])])])).to.contain("| A1 | a | WRONG |  | a  |");
    expect(readmeTables([])).to.equal("No run is published yet.");
  });
});

describe("benchmark: rows and engines", () => {
  it("chooses workloads by suite, by pattern, and one for each bar", () => {
    const ids = (choice: Parameters<typeof chooseWorkloads>[0]): string[] => chooseWorkloads(choice).map(({ id }) => id);
    expect(ids({})).to.have.length(36);
    expect(ids({ suite: "nets" })).to.deep.equal(["F1", "F2", "F3"]);
    expect(ids({ suite: "growth" })).to.deep.equal(["G1", "G2", "G3", "G4"]);
    expect(ids({ only: "^A[12]$" })).to.deep.equal(["A1", "A2"]);
    expect(ids({ suite: "gradients", quick: true }))
      .to.include("E-A3-filter")
      .and.not.include("E-A1-filter");
    expect(() => ids({ suite: "none" })).to.throw("there is no suite none: use layers, gradients, nets, growth, all");
    expect(() => ids({ only: "A9" })).to.throw("no row is left");
    expect(() => ids({ only: "(" })).to.throw("not a regular expression");
  });

  it("takes engines by name or family, in the order of the tables", () => {
    const names = (asked: string | undefined, on: "chromium" | "node" = "chromium"): string[] =>
      chooseEngines(asked, on).map(({ name }) => name);
    expect(names("tfjs,ours")).to.deep.equal(["ours", "tfjs-webgpu", "tfjs-wasm"]);
    expect(names("ort-wasm")).to.deep.equal(["ort-wasm"]);
    expect(names(undefined, "node")).to.deep.equal(["ours", "reference", "tfjs-webgpu", "ort-node", "jax-webgpu"]);
    expect(() => names("torch")).to.throw("there is no engine torch");
    expect(() => names("litert", "node")).to.throw("litert does not run on node");
  });

  it("draws the same data every time, within their bounds", () => {
    const f1 = WORKLOADS.find(({ id }) => id === "F1")!;
    const [once, again] = [makeData(f1), makeData(f1)];
    expect(once.x).to.deep.equal(again.x);
    expect(once.weights.get("fc6")!.shape).to.deep.equal([512, 64, 7, 7]);
    expect(once.outputShape).to.deep.equal([21, 128, 128]);
    const bound = Math.sqrt(6 / (64 * 49));
    expect(once.weights.get("fc6")!.weight.every((value) => Math.abs(value) <= bound)).to.equal(true);
  });
});

describe("benchmark: its file", () => {
  let folder: string;
  beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), "bench-"))));
  afterEach(() => rm(folder, { recursive: true }));

  it("is gone on with where it was stopped", async () => {
    const file = join(folder, "run.json");
    expect(await readReport(file)).to.equal(null);
    const stopped = report({ rows: [row([entry("ours", [[1]])])] });
    await writeReport(file, stopped);
    const earlier = await readReport(file);
    expect(earlier).to.deep.equal(stopped);
    expect(finishedRows(earlier, report(), file).map(({ id }) => id)).to.deep.equal(["A1"]);
  });

  it("is not gone on with by a run whose figures are others", async () => {
    const others: Partial<Report>[] = [
      { commit: "def" },
      { platform: "firefox" },
      { settings: { rounds: 6, capSeconds: 60 } },
      { engines: [] },
      { adapter: { vendor: "v", architecture: "", description: "", software: false } },
    ];
    for (const other of others)
      expect(() => finishedRows(report(), report(other), "f.json")).to.throw("f.json was made with another");
    await writeFile(join(folder, "a.json"), "{}");
    await writeFile(join(folder, "b.json"), "not");
    for (const [name, words] of [
      ["a.json", "is not a report"],
      ["b.json", "is not JSON"],
    ] as const) {
      const failure = await readReport(join(folder, name)).catch((error: unknown) => error as Error);
      expect((failure as Error).message).to.contain(words);
    }
  });
});

describe("benchmark: what crosses to the peers", () => {
  it("keeps the bits of floats in text", () => {
    const values = Float32Array.from({ length: 50_000 }, (_, i) => Math.sin(i) * 10 ** ((i % 60) - 30));
    expect(decodeFloats(encodeFloats(values))).to.deep.equal(values);
  });

  it("permutes layouts there and back", () => {
    const image = Float32Array.from({ length: 24 }, (_, i) => i); // [2, 3, 4]
    expect([...toNhwc(image, [2, 3, 4]).subarray(0, 4)]).to.deep.equal([0, 12, 1, 13]);
    expect(fromNhwc(toNhwc(image, [2, 3, 4]), [2, 3, 4])).to.deep.equal(image);
    const weight = Float32Array.from({ length: 36 }, (_, i) => i); // [2, 3, 2, 3]
    expect([...toHwio(weight, [2, 3, 2, 3]).subarray(0, 4)]).to.deep.equal([0, 18, 6, 24]);
    expect(fromHwio(toHwio(weight, [2, 3, 2, 3]), [2, 3, 2, 3])).to.deep.equal(weight);
    expect([...permuted(weight, [2, 3, 2, 3], [0, 2, 3, 1]).subarray(0, 4)]).to.deep.equal([0, 6, 12, 1]);
  });
});
