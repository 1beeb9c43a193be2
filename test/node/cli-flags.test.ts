/** What each flag of the command line does, beside those of which other tests are: seen in what is written or printed. Runs are shared by several. */
import { expect } from "chai";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { netFacts, netMetadata, type NetFacts } from "../../src/fcn/net-metadata.js";
import { loadSafetensors, NAME_TABLES, PIXELS, writeSafetensors } from "../../src/weights/index.js";
import { bits, runFcn, succeed } from "../harness/cli.js";
import { photo } from "../harness/label-files.js";
import { scipyMat } from "../harness/scipy-mats.js";
import { halfGpu } from "../harness/halves.js";
import { livelyWeights, STRIPED_NET, writeStripes } from "../harness/striped-set.js";

/** A flag with its value, what is looked at, and what it is there. */
type Effects<Run> = readonly (readonly [flag: string, seen: (run: Run) => unknown, is: unknown])[];

function describeEffects<Run>(what: string, effects: Effects<Run>, run: () => Promise<Run>): void {
  describe(what, () => {
    let ran: Run;
    before(async () => {
      ran = await run();
    });
    for (const [flag, seen, is] of effects) it(flag, () => expect(seen(ran)).to.deep.equal(is));
  });
}

const flagsOf = <Run>(effects: Effects<Run>): string[] => effects.flatMap(([flag]) => flag.split(" "));

describe("flags of the command line", function () {
  this.timeout(120_000);
  let folder = "";
  const at = (...names: string[]): string => join(folder, ...names);
  const readWeights = (file: string) => loadSafetensors(pathToFileURL(at(file)));

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "fcn-flags-"));
    await writeStripes(at("set"), { labelSuffix: "_l" });
    // Not what it would pass for by itself.
    await mkdir(at("set", "JPEGImages"));
    for (const [name, lines] of Object.entries({ some: "0\n1\n", rest: "1\n2\n3\n", left: "1\n", three: "3\n" }))
      await writeFile(at("set", `${name}.txt`), lines);
    const labels = ["dark", "grey", "bright"];
    for (const [name, times] of [
      ["net", 1],
      ["loud", 1e6],
    ] as const)
      await writeFile(
        at(`${name}.safetensors`),
        writeSafetensors({ tensors: livelyWeights(times), metadata: netMetadata({ ...STRIPED_NET, labels }) }),
      );
  });
  after(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  interface Trained {
    readonly out: string;
    readonly events: readonly { type: string; stage: string; step: number; learningRate?: number }[];
    readonly stage: { readonly net: Record<string, unknown> };
    readonly settings: Record<string, unknown>;
    readonly facts: NetFacts;
    readonly moved: readonly string[];
  }
  const stepsOf = ({ events }: Trained, type: string): string[] =>
    events.filter((event) => event.type === type).map(({ stage, step }) => `${stage} ${step}`);
  const has =
    (text: string) =>
    ({ out }: Trained): boolean =>
      out.includes(text);
  const rates = ({ events }: Trained, stage: string): number[] =>
    events.filter((event) => event.type === "step" && event.stage === stage).map(({ learningRate }) => learningRate!);
  const EVERY = ["4s 1", "4s 2", "2s 1", "2s 2"];

  const TRAIN: Effects<Trained> = [
    ["--recipe heavy", has("\n  heavy: learning rate 0.001 on "), true],
    ["--normalization batch", has("on the sum over pixels by images, 1 image a step"), true],
    ["--momentum 0.5", has(", momentum 0.5, "), true],
    ["--weight-decay 0.01", has(", weight decay 0.01;"), true],
    ["--schedule poly", (run) => rates(run, "4s"), [1e-3, 1e-3 * 0.5 ** 0.9]],
    ["--rate-factor 0.5", (run) => rates(run, "2s"), [5e-4, 5e-4 * 0.5 ** 0.9]],
    ["--frozen-trunk", ({ moved }) => moved, ["score_fr.bias", "score_fr.weight"]],
    ["--keep-cells 0.5", ({ settings }) => settings["keepCells"], 0.5],
    ["--dropout 0.25", ({ stage }) => stage.net["dropout"], 0.25],
    ["--fusion max", ({ facts }) => facts.fusion, "max"],
    ["--upsampling learned2x", ({ facts }) => facts.upsampling, "learned2x"],
    ["--padding minimal", ({ facts }) => facts.padding, "minimal"],
    ["--format folder", has("training: "), true],
    ["--label-suffix _l", ({ settings }) => settings["images"], 2],
    ["--train-split some", has("training: 2 images of some\n"), true],
    ["--val-split rest", has("validation: 2 images of rest, 1 left out\n"), true],
    ["--validate-every 1", (run) => stepsOf(run, "validation"), EVERY],
    ["--checkpoint-every 1", (run) => stepsOf(run, "checkpoint"), EVERY],
  ];
  describeEffects("fcn train", TRAIN, async () => {
    const fixed = "--trunk lenet --width 0.2 --variants 4s,2s --steps 2 --learning-rate 0.001".split(" ");
    const files = [
      "--data",
      at("set"),
      "--exclude",
      at("set", "left.txt"),
      "--weights",
      at("net.safetensors"),
      "--out",
      at("run"),
    ];
    const out = await succeed(["train", ...files, ...fixed, ...flagsOf(TRAIN)]);
    const lines = (await readFile(at("run", "log.jsonl"), "utf8")).trim().split("\n");
    const { settings } = JSON.parse(await readFile(at("run", "run.json"), "utf8")) as { settings: Record<string, unknown> };
    const start = livelyWeights();
    const { tensors } = await readWeights("run/4s.safetensors");
    return {
      out,
      events: lines.map((line) => JSON.parse(line) as Trained["events"][number]),
      settings,
      stage: (settings["stages"] as Trained["stage"][])[0]!,
      facts: netFacts((await readWeights("run/2s.safetensors")).metadata),
      moved: [...tensors].flatMap(([name, t]) => (String(bits(t)) === String(bits(start.get(name)!)) ? [] : [name])).sort(),
    };
  });

  it("--format and --label-suffix: without them the folder is another's, or its labels are missing", async () => {
    const evaluated = ["eval", "--data", at("set"), "--split", "some", "--weights", at("net.safetensors")];
    expect((await runFcn(evaluated)).err).to.match(/Segmentation.some\.txt: the split's list is missing/);
    expect((await runFcn([...evaluated, "--format", "folder"])).err).to.match(/0\.png: it has no labels: .*0\.png is missing/);
  });

  interface Figures {
    readonly images: number;
    readonly counts: readonly number[];
  }
  const evaluate = async (...more: string[]): Promise<string> =>
    succeed(["eval", "--data", at("set"), "--format", "folder", "--label-suffix", "_l", ...more]);
  const figures = async (...more: string[]): Promise<Figures> => JSON.parse(await evaluate(...more, "--json")) as Figures;

  it("eval --split, --exclude, --images and --list", async () => {
    const net = ["--weights", at("net.safetensors")];
    const left = ["--exclude", at("set", "left.txt")];
    expect(await evaluate("--split", "rest", ...left, "--images", "1", ...net)).to.match(
      /^the first 1 of 2 images of rest, 1 left out\n/,
    );
    const [three, split] = [await figures("--list", at("set", "three.txt"), ...net), await figures("--split", "three", ...net)];
    expect(three).to.deep.equal(split);
    expect(three.images).to.equal(1);
  });

  it("eval --ignore and --first-label", async () => {
    const net = ["--split", "three", "--weights", at("net.safetensors")];
    const rows = ({ counts }: Figures): number[] =>
      [0, 1, 2].map((k) => counts.slice(3 * k, 3 * k + 3).reduce((sum, n) => sum + n, 0));
    const all = rows(await figures(...net, "--ignore", "none"));
    expect(rows(await figures(...net, "--ignore", "1"))).to.deep.equal([all[0], 0, all[2]]);
    expect(rows(await figures(...net, "--first-label", "1", "--ignore", "0"))).to.deep.equal([all[1], all[2], 0]);
  });

  it("eval --image-folder, --label-folder, --class-list and --label-variable: NYUDv2's form", async () => {
    const put = async (path: string, bytes: Uint8Array | string): Promise<void> => {
      await mkdir(at("rooms", path, ".."), { recursive: true });
      await writeFile(at("rooms", path), bytes);
    };
    await put("data/images/img_1.png", await photo());
    await put("segmentation/img_1.mat", scipyMat("nyud"));
    await writeFile(at("rooms.txt"), "Dark\ngrey\nbright\n");
    const evaluated = (...more: string[]) => {
      const layout = ["--image-folder", "data/images", "--label-folder", "segmentation", "--class-list", at("rooms.txt")];
      const labels = "--label-variable segmentation --first-label 1 --size 40x32 --json".split(" ");
      return runFcn(["eval", "--data", at("rooms"), ...layout, ...labels, "--weights", at("net.safetensors"), ...more]);
    };
    const counted = async (...more: string[]): Promise<number[]> => {
      const { counts } = JSON.parse((await evaluated(...more)).out) as Figures;
      return [0, 1, 2].map((label) => counts.slice(3 * label, 3 * label + 3).reduce((sum, n) => sum + n, 0));
    };
    const of = await counted("--ignore", "none");
    expect(of.reduce((sum, n) => sum + n, 0)).to.equal(40 * 32);
    // As the files have them: their 1 is the first class.
    expect(await counted("--ignore", "1,-1,0")).to.deep.equal([0, of[1], of[2]]);
    expect((await evaluated("--label-variable", "score")).err).to.match(
      /img_1\.mat: the labels are 2 x 1 but .*img_1\.png is 7 x 5/,
    );
    expect((await evaluated("--ignore", "1,")).err).to.match(/'1,' is invalid\. Use labels from -128 to 255, with commas/);
  });

  it("eval and predict --precision f16: weights beyond 65504 do not fit", async () => {
    const [photo, data] = [at("set", "images", "3.png"), ["--data", at("set"), "--format", "folder", "--label-suffix", "_l"]];
    const message = (await halfGpu()) ? /score_fr\.weight holds [\d.]+ .* but an f16 is at most 65504/ : /lacks shader-f16/;
    for (const command of [
      ["predict", photo, "--out", at("half")],
      ["eval", ...data, "--split", "three"],
    ]) {
      const { code, err } = await runFcn([...command, "--weights", at("loud.safetensors"), "--precision", "f16"]);
      expect(err).to.match(message);
      expect(code).to.equal(1);
    }
    expect(await figures("--split", "three", "--weights", at("loud.safetensors"))).to.deep.equal(
      await figures("--split", "three", "--weights", at("net.safetensors")),
    );
  });

  it("convert --names and --own-pixels, with progress", async () => {
    const table = NAME_TABLES["torchvision/vgg16"];
    const data = Float32Array.from({ length: 54 }, (_, i) => Math.sin(i));
    const theirs = table.layers.flatMap(([name], i): [string, { shape: number[]; data: Float32Array }][] => [
      [`${name}.weight`, { shape: i === 0 ? [2, 3, 3, 3] : [2, 27], data }],
      [`${name}.bias`, { shape: [2], data: data.subarray(0, 2) }],
    ]);
    await writeFile(at("theirs.safetensors"), writeSafetensors({ tensors: new Map(theirs), metadata: {} }));
    const told: string[] = [];
    const converted = async (name: string, ...more: string[]) => {
      const ran = await runFcn(["convert", at("theirs.safetensors"), at(name), ...more], (text) => told.push(text));
      expect(ran.code, ran.err).to.equal(0);
      return readWeights(name);
    };
    const kept = await converted("kept.safetensors", "--names", "keep");
    expect([...kept.tensors.keys()].sort()).to.deep.equal(theirs.map(([name]) => name).sort());
    const ours = await converted("ours.safetensors", "--names", "torchvision/vgg16");
    expect([...ours.tensors.keys()]).to.include.members(["conv1_1.weight", "fc8.bias"]);
    expect(netFacts(ours.metadata)).to.deep.equal({ trunk: "vgg16" });
    expect(bits(ours.tensors.get("conv1_1.weight")!)).not.to.deep.equal(bits({ data }));
    const own = await converted("own.safetensors", "--own-pixels");
    expect(netFacts(own.metadata)).to.deep.equal({ trunk: "vgg16", pixels: PIXELS.torchvision });
    expect(bits(own.tensors.get("conv1_1.weight")!)).to.deep.equal(bits({ data }));
    expect(told.some((text) => /^reading .*theirs\.safetensors: 0\.0 MiB of 0\.0 MiB$/.test(text))).to.equal(true);
    expect(told.some((text) => /^writing .*own\.safetensors: 0\.0 MiB of 0\.0 MiB$/.test(text))).to.equal(true);
    // Grey: the trunk's own, though the table has one mean and the trunk three.
    const grey = NAME_TABLES["openvino/lenet"].layers.map(
      ([name], i) => [`${name}.weight`, theirs[i === 0 ? 2 : 0]![1]] as const,
    );
    await writeFile(at("grey.safetensors"), writeSafetensors({ tensors: new Map(grey), metadata: {} }));
    await succeed(["convert", at("grey.safetensors"), at("lenet.safetensors")]);
    expect(netFacts((await readWeights("lenet.safetensors")).metadata)).to.deep.equal({ trunk: "lenet" });
    await succeed(["convert", at("own.safetensors"), at("own.json")]);
    const inspected: string[] = [];
    await runFcn(["inspect", at("own.json")], (text) => inspected.push(text));
    expect(inspected.some((text) => /^reading .*own\.json: /.test(text)) && inspected.at(-1) === "").to.equal(true);
  });
});
