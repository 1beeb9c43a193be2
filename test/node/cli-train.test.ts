/** `fcn train` and `fcn eval` on LeNet's FCN and stripes of three classes; Ctrl-C on the program itself. */
import { expect } from "chai";
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { root } from "../../scripts/paths.js";
import type { Weights } from "../../src/index.js";
import { loadSafetensors } from "../../src/weights/index.js";
import { bitsOf, runFcn, succeed } from "../harness/cli.js";
import { halfGpu } from "../harness/halves.js";
import { writeStripes } from "../harness/striped-set.js";

describe("fcn train and eval", function () {
  this.timeout(120_000);
  let folder = "";
  const at = (...names: string[]): string => join(folder, ...names);
  const tensorsOf = async (file: string): Promise<Weights> => (await loadSafetensors(pathToFileURL(file))).tensors;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "fcn-train-"));
    await writeStripes(folder);
    await writeFile(at("train.txt"), "0\n1\n2\n");
    await writeFile(at("val.txt"), "3\n");
  });
  after(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  const train = (out: string): string[] =>
    `train --data ${folder} --trunk lenet --width 0.2 --variants 4s,2s --steps 4,3 --learning-rate 0.002 --accumulate 1 --mirror --seed 5 --out ${out}`.split(
      " ",
    );

  it("stops with a checkpoint, goes on to the same bits, and measures what it trained", async () => {
    const whole = await succeed(train(at("whole")));
    expect(whole).to.match(/stage 1 of 2, 4s: 4 steps\n {2}accumulated: learning rate 0\.002/);
    expect(whole).to.match(/mean IU of 3 classes/);
    // Scores and upsampling of pool1 are new, the upsampling of 4s has no place.
    expect(whole).to.match(/stage 2 of 2, 2s: 3 steps\n.*\n.* frozen; 8 tensors taken, 2 new \(score_pool1\), 1 dropped\n/);
    const stopped = await runFcn(
      train(at("parted")),
      (text, stop) => /^4s 2\/4 · loss [\d.]+ a pixel · .* pixels\/s · .* left/.test(text) && stop(),
    );
    expect(stopped.code).to.equal(130);
    expect(stopped.out).to.match(/4s, step 2: checkpoint .*\nstopped at step 2 of 4s: the same command goes on$/);
    expect(await succeed(train(at("parted")))).to.match(/4s: goes on at step 2 of 4/);
    for (const stage of ["4s.safetensors", "2s.safetensors"])
      expect(bitsOf(await tensorsOf(at("parted", stage)))).to.deep.equal(bitsOf(await tensorsOf(at("whole", stage))));
    const log = (await readFile(at("whole", "log.jsonl"), "utf8"))
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { type: string; evaluation?: { meanIU: number } });
    expect(log.filter(({ type }) => type === "step")).to.have.length(7);
    const json = await succeed(["eval", "--data", folder, "--weights", at("whole", "2s.safetensors"), "--json"]);
    expect((JSON.parse(json) as { meanIU: number }).meanIU).to.equal(
      log.findLast(({ evaluation }) => evaluation)!.evaluation!.meanIU,
    );
    const changed = await runFcn([...train(at("parted")), "--jitter", "3"]);
    expect([changed.code, changed.err]).to.deep.equal([
      1,
      "fcn: trainFcn: the run that is kept here began with jitter 0 but now it is 3: give the same settings to go on, or another folder to begin anew",
    ]);
  });

  it("goes on with the photos that it began with alone, in their order, decoded alike; and with runs that did not note them", async () => {
    const out = at("listed");
    const list = async (lines: string): Promise<string[]> => {
      await writeFile(at("listed.txt"), lines);
      const short = train(out).map((arg) => (arg === "4,3" ? "2" : arg === "4s,2s" ? "4s" : arg));
      return [...short, "--no-validation", "--list", at("listed.txt")];
    };
    const stopped = await runFcn(await list("0\n1\n2\n"), (text, stop) => text.startsWith("4s 1/2") && stop());
    expect(stopped.code, stopped.err).to.equal(130);
    const refused = async (args: readonly string[], message: string): Promise<void> => {
      const { code, err } = await runFcn(args);
      expect([code, err]).to.deep.equal([1, `fcn: trainFcn: the run that is kept here began with ${message}`]);
    };
    const remedy = "give the folder and the list that it began with, or another folder to begin anew";
    const first = (n: number): string => `images/${n}.png labels/${n}.png`;
    await refused(
      await list("1\n0\n2\n"),
      `the same 3 training samples in another order (the first was ${first(0)} and is ${first(1)}): ${remedy}`,
    );
    await refused(
      await list("0\n1\n3\n"),
      `other training samples, 3, now 3 (the first is ${first(0)} in both, later ones differ): ${remedy}`,
    );
    const same = await list("0\n1\n2\n");
    const settingsRemedy = "give the same settings to go on, or another folder to begin anew";
    await refused([...same, "--size", "20x16"], `decoding.size null but now it is [16,20]: ${settingsRemedy}`);
    await refused([...same, "--ignore", "2"], `decoding.ignore.0 3 but now it is 2: ${settingsRemedy}`);
    // As a run that began before names were noted.
    const state = JSON.parse(await readFile(join(out, "run.json"), "utf8")) as { settings: Record<string, unknown> };
    const { samples, decoding, ...older } = state.settings;
    expect([typeof samples, typeof decoding]).to.deep.equal(["object", "object"]);
    await writeFile(join(out, "run.json"), JSON.stringify({ ...state, settings: older }));
    expect(await succeed(same)).to.match(/4s: goes on at step 1 of 2/);
    const now = JSON.parse(await readFile(join(out, "run.json"), "utf8")) as typeof state;
    expect(now.settings["samples"], "from then on it does").to.deep.equal(samples);
  });

  it("takes 1 / p times the images a step where cells count with probability p, and says what the rate comes to", async () => {
    const short = train(at("sampled")).filter((arg, i, all) => ![arg, all[i - 1]].includes("--accumulate"));
    const args = short.map((arg) => (arg === "4,3" ? "1" : arg === "4s,2s" ? "4s" : arg));
    const out = await succeed([...args, "--no-validation", "--keep-cells", "0.8"]);
    // 40 x 32 pixels, none of them void: 0.002 / 1024 / 25.
    expect(out).to.match(
      /, 25 images a step \(each coarse cell of them with probability 0\.8\), .* with 1024 that count: 7\.81e-8,/,
    );
    const { settings } = JSON.parse(await readFile(at("sampled", "run.json"), "utf8")) as {
      settings: { stages: { recipe: { accumulate: number } }[]; keepCells: number };
    };
    expect([settings.stages[0]!.recipe.accumulate, settings.keepCells]).to.deep.equal([25, 0.8]);
  });

  it("keeps the names and colours of its classes in the weights, for predict's legend", async () => {
    const short = train(at("short")).map((arg) => (arg === "4,3" ? "1" : arg === "4s,2s" ? "4s" : arg));
    await succeed([...short, "--no-validation"]);
    const weights = at("short", "4s.safetensors");
    await succeed(["predict", at("images", "0.png"), "--weights", weights, "--out", at("labelled")]);
    expect(await readFile(at("labelled", "classes.txt"), "utf8")).to.equal(
      "0\tdark\t10,20,30\n1\tgrey\t90,90,90\n2\tbright\t250,240,1\n",
    );
  });

  it("takes class weights, pixels of its own and mixed precision, keeps to them when it goes on, and eval follows the file", async () => {
    // Where the adapter can: SwiftShader has no f16.
    const precision = (await halfGpu()) ? "mixed" : "f32";
    const short = train(at("own")).map((arg) => (arg === "4,3" ? "2" : arg === "4s,2s" ? "4s" : arg));
    const own = [...short, "--class-weights", "median", "--precision", precision];
    const stopped = await runFcn([...own, "--pixels", "centred"], (text, stop) => text.startsWith("4s 1/2") && stop());
    expect(stopped.code, stopped.err).to.equal(130);
    // Five stripes of three classes, begun with another class in each of the three images: all as often.
    expect(stopped.out).to.match(/^class weights: dark 1\.00, grey 1\.00, bright 1\.00$/m);
    const settings = async (): Promise<Record<string, unknown>> =>
      (JSON.parse(await readFile(at("own", "run.json"), "utf8")) as { settings: Record<string, unknown> }).settings;
    const begun = await settings();
    expect(begun["precision"] ?? "f32").to.equal(precision);
    // The pixels are the run's: they need not be said again.
    expect(await succeed(own)).to.match(/4s: goes on at step 1 of 2/);
    expect(await settings()).to.deep.equal(begun);
    const weights = at("own", "4s.safetensors");
    expect(await succeed(["inspect", weights])).to.match(/pixels: \{"order":"rgb","mean":\[127\.5,127\.5,127\.5\]/);
    const evaluated = async (...more: string[]): Promise<string> =>
      succeed(["eval", "--data", folder, "--weights", weights, ...more]);
    expect(await evaluated()).to.equal(await evaluated("--pixels", "centred"));
    const changed = await runFcn(own.map((arg) => (arg === "median" ? "1,1,2" : arg)));
    expect([changed.code, changed.err]).to.deep.equal([
      1,
      "fcn: trainFcn: the run that is kept here began with stages.0.net.classWeights.2 1 but now it is 2: give the same settings to go on, or another folder to begin anew",
    ]);
  });

  it("says which of these options cannot be meant so, before weights are read", async () => {
    for (const [more, code, message] of [
      [["--class-weights", "1,x,2"], 2, /'1,x,2' is invalid\. Use a number of at least 0 for each class/],
      [["--class-weights", "1,2"], 1, /classWeights: 2 weights were given but the net has 3 classes/],
      [["--precision", "f16"], 2, /'f16' is invalid\. Allowed choices are f32, mixed/],
      [["--pixels", "imagenet"], 2, /'imagenet' is invalid\. Use caffe, torchvision, centred/],
      [["--momentum", ""], 2, /argument '' is invalid\. Use a number from 0 to below 1/],
      [["--momentum", "1"], 2, /'1' is invalid\. Use a number from 0 to below 1/],
      [["--weight-decay", "abc"], 2, /'abc' is invalid\. Use a number of at least 0/],
      [["--dropout", "-0.5"], 2, /'-0\.5' is invalid\. Use a number from 0 to below 1/],
      [["--keep-cells", "2"], 2, /'2' is invalid\. Use a number above 0, at most 1/],
      [["--ignore", "256"], 2, /'256' is invalid\. Use labels from -128 to 255, with commas between them, or none/],
      [["--variants", "4s,8s", "--weights", at("none.safetensors")], 2, /--variants is 8s, but lenet has 4s, 2s/],
      [["--val-list", "x", "--no-validation"], 2, /leaves nothing to do for --val-data and --val-list/],
    ] as const) {
      const ran = await runFcn([...train(at("never")), ...more]);
      expect(ran.err).to.match(message);
      expect(ran.code).to.equal(code);
    }
  });

  it("as a program: stops at Ctrl-C with its checkpoint and exit code 130", async function () {
    if (process.platform === "win32") this.skip();
    const args = train(at("killed")).map((arg) => (arg === "4,3" ? "100000" : arg));
    const child = spawn(process.execPath, ["--import", "tsx", join(root, "src", "cli", "bin.ts"), ...args], { cwd: root });
    let [out, err] = ["", ""];
    child.stdout.on("data", (chunk: Buffer) => {
      out += chunk.toString();
      if (out.includes("parameters learned")) child.kill("SIGINT");
    });
    child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
    const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
    expect(out + err).to.match(/stopped at step \d+ of 4s: the same command goes on/);
    expect(code).to.equal(130);
    expect((JSON.parse(await readFile(at("killed", "run.json"), "utf8")) as { checkpoint: string }).checkpoint).to.match(
      /^4s-\d+\.checkpoint/,
    );
  });
});
