/** Which photos `fcn train` and `fcn eval` take, what they say of it, and whose classes they compare. */
import { expect } from "chai";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { netMetadata } from "../../src/fcn/net-metadata.js";
import { fcn, initialWeights } from "../../src/index.js";
import { evaluateFcn, samplesOf } from "../../src/training/index.js";
import { loadSafetensors, writeSafetensors } from "../../src/weights/index.js";
import { runFcn, succeed } from "../harness/cli.js";
import { testGpu } from "../harness/device.js";
import { indexed, LABELS, mat, photo } from "../harness/label-files.js";
import { rejects } from "../harness/rejects.js";
import { HEIGHT, livelyWeights, STRIPED_NET, WIDTH, writeStripes } from "../harness/striped-set.js";

const SHORT = "--trunk lenet --width 0.2 --variants 4s --steps 1 --learning-rate 0.002 --accumulate 1".split(" ");

interface Logged {
  readonly type: string;
  readonly evaluation?: { readonly images: number; readonly counts: readonly number[] };
}

describe("the photos of fcn train and eval", function () {
  this.timeout(120_000);
  let folder = "";
  const at = (...names: string[]): string => join(folder, ...names);
  const put = async (path: string, bytes: Uint8Array | string): Promise<string> => {
    await mkdir(at(path, ".."), { recursive: true });
    await writeFile(at(path), bytes);
    return at(path);
  };
  const validationOf = async (run: string): Promise<NonNullable<Logged["evaluation"]>> =>
    (await readFile(at(run, "log.jsonl"), "utf8"))
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Logged)
      .find(({ type }) => type === "validation")!.evaluation!;
  /** Every pixel the first class: score layers start at zero. */
  const weightsOf = (labels: readonly string[]): Promise<string> =>
    put(
      `${labels.join("-")}.safetensors`,
      writeSafetensors({
        tensors: initialWeights(fcn({ ...STRIPED_NET, size: [HEIGHT, WIDTH] })),
        metadata: netMetadata({ ...STRIPED_NET, labels }),
      }),
    );

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "fcn-sets-"));
    const png = await photo();
    for (const name of ["2007_000032", "2007_000039", "2011_000003"]) {
      await put(`VOC2012/JPEGImages/${name}.png`, png);
      await put(`VOC2012/SegmentationClass/${name}.png`, indexed(LABELS.map((l) => (l === 2 ? 255 : l))));
      await put(`benchmark_RELEASE/dataset/img/${name}.png`, png);
      await put(`benchmark_RELEASE/dataset/cls/${name}.mat`, mat(LABELS));
    }
    await put("VOC2012/ImageSets/Segmentation/val.txt", "2007_000032\n2007_000039\n2011_000003\n");
    await put("benchmark_RELEASE/dataset/train.txt", "2007_000039\n2011_000003\n");
    await put("seg11valid.txt", "2007_000032\n");
    await put("one.txt", "2007_000039\n");
  });
  after(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  it("trains on SBD and validates on VOC's seg11valid, as the paper", async () => {
    const args = ["train", "--data", at("benchmark_RELEASE"), "--val-data", at("VOC2012"), "--size", "40x32", ...SHORT];
    const ran = await runFcn([...args, "--val-list", at("seg11valid.txt"), "--out", at("paper")]);
    expect(ran.code, ran.err).to.equal(0);
    expect(ran.out).to.match(/^training: 2 images of train\nvalidation: 1 image of seg11valid\nstage 1 of 1/);
    expect(ran.err).not.to.contain("warning");
    const { images, counts } = await validationOf("paper");
    expect(images).to.equal(1);
    // VOC's labels: 2 is void there, and a class in SBD's.
    const row = (label: number): number => counts.slice(21 * label, 21 * (label + 1)).reduce((sum, n) => sum + n, 0);
    expect([row(0) > 0, row(1) > 0, row(2)]).to.deep.equal([true, true, 0]);
    expect(row(0) + row(1)).to.be.below(WIDTH * HEIGHT);
    // The same photos in both: by their names.
    const stopped = await runFcn([...args, "--list", at("one.txt"), "--weights", at("none.safetensors"), "--out", at("never")]);
    expect(stopped.out).to.equal("training: 1 image of one\nvalidation: 3 images of val");
    expect(stopped.err).to.match(
      /^warning: 1 of the 3 photos of the validation set are called as photos of the training set: .*--exclude .*one\.txt\nfcn: .*no such file/,
    );
    const train = join(at("benchmark_RELEASE"), "dataset", "train.txt");
    const excluded = await runFcn([...args, "--exclude", train, "--weights", at("none.safetensors"), "--out", at("never")]);
    expect(excluded.out).to.equal("training: 2 images of train\nvalidation: 1 image of val, 2 left out");
    expect(excluded.err).not.to.contain("warning");
  });

  it("says where there is no list, warns of photos that are trained on and validated, and refuses a split that is none", async () => {
    await writeStripes(at("stripes"), { images: 3 });
    const weights = await weightsOf(["dark", "Grey", "bright"]);
    const evaluated = ["eval", "--data", at("stripes"), "--weights", weights];
    expect(await succeed(evaluated)).to.match(/^no list: all 3 images\npixel accuracy/);
    const json = await runFcn([...evaluated, "--json"]);
    expect(json.err).to.equal("no list: all 3 images");
    const ran = await runFcn([
      "train",
      "--data",
      at("stripes"),
      ...SHORT,
      "--weights",
      at("none.safetensors"),
      "--out",
      at("never"),
    ]);
    expect(ran.out).to.equal("training: no list: all 3 images\nvalidation: no list: all 3 images");
    expect(ran.err).to.match(
      /^warning: all 3 photos of the validation set are trained on: its figures do not say .* split the set by lists \(train\.txt, val\.txt\)\n/,
    );
    await put("stripes/train.txt", "0\n1\n");
    await put("stripes/val.txt", "2\n");
    const other = await put("other.txt", "images/2.png\n");
    expect(await succeed([...evaluated, "--exclude", other])).to.match(/^1 image of val, 0 left out\n/);
    const typo = await runFcn([...evaluated, "--split", "tset"]);
    expect([typo.code, typo.out]).to.deep.equal([1, ""]);
    expect(typo.err).to.match(/tset\.txt: split tset has no list, but there is one for train, val: name one of these/);
  });

  it("compares classes by their names, and by their index only when asked to", async () => {
    await writeStripes(at("named"), { images: 1 });
    const evaluated = async (labels: string[], ...more: string[]) =>
      runFcn(["eval", "--data", at("named"), "--weights", await weightsOf(labels), ...more]);
    const turned = await evaluated(["dark", "bright", "grey"]);
    expect([turned.code, turned.out]).to.deep.equal([1, ""]);
    expect(turned.err).to.match(
      /^fcn: the classes are the same but in another order, from index 1 on: .* has dark, bright, grey; .*named has dark, grey, bright: .* or --by-index where/,
    );
    expect((await evaluated(["sky", "road", "car"])).err).to.match(/the classes are called otherwise, from index 0 on/);
    expect((await evaluated(["dark", "grey"])).err).to.match(/has 2 classes, but .*named has 3: take what belongs together/);
    const byIndex = await evaluated(["dark", "bright", "grey"], "--by-index");
    expect([byIndex.code, byIndex.err]).to.deep.equal([0, ""]);
    const sample = { name: "", height: 1, width: 4, pixels: new Uint32Array(4), labels: new Uint8Array(4) };
    const [net, weights] = [STRIPED_NET, initialWeights(fcn({ ...STRIPED_NET, size: [HEIGHT, WIDTH] }))];
    await rejects(
      evaluateFcn(await testGpu(), { net, weights, source: samplesOf(["a", "b"], [sample]) }),
      Error,
      /evaluateFcn: the set has 2 classes \(a, b\) but the net has 3: make them equal/,
    );
  });

  it("starts from a net's weights: its scores where the classes are the same, anew where they are others or asked to", async () => {
    await writeStripes(at("tuned"), { images: 2 });
    // What training reaches at once: a step of a rate that changes next to nothing.
    const still = SHORT.map((arg) => (arg === "0.002" ? "1e-30" : arg));
    const trained = async (metadata: Record<string, string>, ...more: string[]) => {
      const [weights, out] = [at("start.safetensors"), at("fine")];
      await writeFile(weights, writeSafetensors({ tensors: livelyWeights(), metadata }));
      await rm(out, { recursive: true, force: true });
      const args = ["train", "--data", at("tuned"), ...still, "--no-validation", "--weights", weights, "--out", out, ...more];
      const ran = await runFcn(args);
      if (ran.code !== 0) return { ...ran, scores: null };
      const { tensors } = await loadSafetensors(pathToFileURL(join(out, "4s.safetensors")));
      const [is, was] = [tensors.get("score_fr.weight")!, livelyWeights().get("score_fr.weight")!];
      const isBut = (of: Float32Array): boolean => is.data.every((v, i) => Math.abs(v - (of[i] ?? 0)) < 1e-20);
      const scores = isBut(was.data) ? "kept" : isBut(new Float32Array()) ? "new" : "other";
      return { ...ran, scores };
    };
    const named = (...labels: string[]) => netMetadata({ ...STRIPED_NET, labels });
    const same = await trained(named("dark", "Grey", "bright"));
    expect([same.code, same.err, same.scores]).to.deep.equal([0, "", "kept"]);
    const turned = await trained(named("dark", "bright", "grey"));
    expect([turned.code, turned.out.split("\n")]).to.deep.equal([1, ["training: no list: all 2 images"]]);
    expect(turned.err).to.match(
      /^fcn: the classes are the same but in another order, from index 1 on: .*start\.safetensors has dark, bright, grey; .*tuned has dark, grey, bright: give the classes in the order of the weights \(--class-list\), let score layers start anew by --new-scores, or --by-index where/,
    );
    expect((await trained(named("sky", "road", "car"))).err).to.match(/the classes are called otherwise, from index 0 on/);
    const byIndex = await trained(named("dark", "bright", "grey"), "--by-index");
    expect([byIndex.err, byIndex.scores]).to.deep.equal(["", "kept"]);
    const anew = await trained(named("sky", "road", "car"), "--new-scores");
    expect(anew.err).to.match(
      /^.*start\.safetensors: its score layers \(score_fr\) of 3 classes are left out: those of the 3 classes of .*tuned start anew$/,
    );
    expect(anew.out).to.match(/; 6 tensors taken, 2 new \(score_fr\), 0 dropped\n/);
    expect(anew.scores).to.equal("new");
    const silent = await trained({});
    expect(silent.err).to.match(
      /it does not say what its 3 classes are called: its score layers \(score_fr\) are taken by index \(--new-scores lets/,
    );
    expect(silent.scores).to.equal("kept");
    // Another number of classes needs no word.
    await put("two.txt", "dark\nrest\n");
    const two = await trained(named("dark", "grey", "bright"), "--class-list", at("two.txt"), "--ignore", "2");
    expect(two.code, two.err).to.equal(0);
    expect(two.err).to.match(
      /its score layers \(score_fr\) of 3 classes are left out: those of the 2 classes of .*tuned start anew$/,
    );
    expect(two.out).to.match(/; 6 tensors taken, 2 new \(score_fr\), 0 dropped\n/);
    expect(two.scores).to.equal("new");
  });
});
