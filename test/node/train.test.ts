/** The runner of fcn-webgpu/training on LeNet's FCN and images of three classes. */
import { expect } from "chai";
import { InputError, initialWeights, trunkOf, type Trunk } from "../../src/index.js";
import { evaluateFcn, samplesOf, stagesOf, VOID, type TrainEvent, type TrainFcnOptions } from "../../src/training/index.js";
import { trainingNet } from "../../src/training/net.js";
import { testGpu } from "../harness/device.js";
import { memoryStore } from "../harness/memory-store.js";
import { rejects } from "../harness/rejects.js";
import { bitsOf, CLASSES, images, LENET, lossesOf, runOn, runUntil, stepsOf } from "../harness/small-run.js";

const train = samplesOf(CLASSES, images(6));
const validation = samplesOf(CLASSES, images(3));
const stages = stagesOf({
  net: LENET,
  variants: ["4s", "2s"],
  recipe: "accumulated",
  steps: [7, 4],
  changes: { learningRate: 0.002, accumulate: 2 },
});
const options: TrainFcnOptions = {
  stages,
  train,
  validation,
  seed: 5,
  validateEvery: 4,
  checkpointEvery: 3,
  mirror: true,
  jitter: 2,
};

const run = async (of: TrainFcnOptions): ReturnType<typeof runOn> => runOn(await testGpu(), of);

describe("trainFcn", function () {
  this.timeout(120_000);
  let whole: Awaited<ReturnType<typeof run>>;
  let store: ReturnType<typeof memoryStore>;

  before(async () => {
    store = memoryStore();
    whole = await run({ ...options, store });
  });

  it("goes through the stages, tells how, and begins at ln 3 a pixel", () => {
    const told = whole.events.map((e) => (e.type === "step" ? "step" : `${e.type} ${e.stage}`)).join(", ");
    expect(told).to.equal(
      "stage 4s, step, step, step, checkpoint 4s, step, validation 4s, step, step, checkpoint 4s, step, validation 4s, checkpoint 4s, " +
        "stage 2s, step, step, step, checkpoint 2s, step, validation 2s, checkpoint 2s, done 2s",
    );
    const steps = stepsOf(whole.events);
    expect(steps[0]!.lossPerPixel).to.be.closeTo(Math.log(3), 1e-5);
    expect(steps[6]!.lossPerPixel!).to.be.below(steps[0]!.lossPerPixel!);
    expect(steps[7]!.learningRate / steps[6]!.learningRate).to.be.closeTo(0.01, 1e-12);
    expect(steps.at(-1)!.msLeft).to.equal(0);
    expect(steps[0]!.pixelsPerSecond).to.be.above(0);
    const [first, second] = whole.events.filter((e) => e.type === "stage");
    expect(first!.weights).to.include({ taken: 0 }).and.to.deep.include({ dropped: [] });
    expect(second!.weights!.initialised).to.deep.equal(["score_pool1.weight", "score_pool1.bias"]);
    expect(second!.weights!.dropped).to.deep.equal(["upscore.weight"]);
    expect(first!.recipe).to.match(/learning rate 0\.002 on the mean over the pixels that count, 2 images a step/);
    expect(whole.stopped).to.equal(false);
  });

  it("keeps one checkpoint, the weights of each stage and a log of JSON lines", () => {
    expect([...store.files.keys()].sort()).to.deep.equal([
      "2s-00000004.checkpoint.safetensors",
      "2s.safetensors",
      "4s.safetensors",
      "log.jsonl",
      "run.json",
    ]);
    expect(store.inPieces, "not in one array").to.include("2s-00000004.checkpoint.safetensors").and.include("2s.safetensors");
    const logged = store.lines.map((line) => (JSON.parse(line) as TrainEvent).type);
    expect(logged).to.deep.equal(whole.events.map((e) => e.type));
  });

  it("validates as evaluateFcn does", async () => {
    const result = await evaluateFcn(await testGpu(), {
      net: { ...LENET, variant: "2s" },
      weights: whole.weights,
      source: validation,
    });
    expect(result).to.deep.equal(whole.evaluations.get("2s"));
    const counted = images(3).reduce((n, { labels }) => n + labels.filter((l) => l !== VOID).length, 0);
    expect(result.counts.reduce((sum, n) => sum + n, 0)).to.equal(counted);
  });

  for (const [stage, step] of [
    ["4s", 2],
    ["4s", 7],
    ["2s", 2],
    ["2s", 4],
  ] as const) {
    it(`stopped behind step ${step} of ${stage} and resumed, gives the same bits`, async () => {
      const halved = memoryStore();
      const first = await runUntil(await testGpu(), { ...options, store: halved }, stage, step);
      expect(first.stopped).to.equal(true);
      expect(first.events.at(-1)).to.include({ type: "stopped", stage, step });
      const second = await run({ ...options, store: halved });
      expect([...lossesOf(first.events), ...lossesOf(second.events)]).to.deep.equal(lossesOf(whole.events));
      expect(bitsOf(second.weights)).to.deep.equal(bitsOf(whole.weights));
      expect(second.evaluations.get("2s")).to.deep.equal(whole.evaluations.get("2s"));
      expect(halved.files.get("2s.safetensors")).to.deep.equal(store.files.get("2s.safetensors"));
    });
  }

  it("refuses to go on with other settings, and names the first", async () => {
    const other = stagesOf({
      net: LENET,
      variants: ["4s", "2s"],
      recipe: "accumulated",
      steps: [7, 4],
      changes: { learningRate: 0.01, accumulate: 2 },
    });
    await rejects(
      run({ ...options, stages: other, store }),
      InputError,
      /began with stages\.0\.recipe\.learningRate 0\.002 but now it is 0\.01/,
    );
    await rejects(
      run({ ...options, train: samplesOf(CLASSES, images(6).toReversed()), store }),
      InputError,
      /began with the same 6 training samples in another order \(the first was image 0 and is image 5\): give/,
    );
  });

  it("leaves a frozen trunk as it was, and doubles the rate of biases", async () => {
    const [stage] = stages;
    const frozen = { ...stage!, net: { ...stage!.net, frozenTrunk: true }, steps: 2 };
    const graph = trainingNet(frozen.net, frozen.recipe, [28, 32]);
    const start = initialWeights(graph, 3);
    const { weights, events } = await run({ stages: [frozen], train, weights: start, allow: true });
    for (const [name, { data }] of weights) {
      const same = data.every((v, i) => v === start.get(name)!.data[i]);
      expect(same, name).to.equal(!name.startsWith("score"));
    }
    expect(events.find((e) => e.type === "stage")!.parameters.learnable).to.equal(3 * 100 + 3);
    const { params } = trainingNet({ ...LENET, variant: "4s" }, frozen.recipe, [28, 32]);
    expect(params.filter((p) => p.name.endsWith(".bias")).every((p) => p.lrMult === 2 && p.decayMult === 0)).to.equal(true);
  });

  it("freezes the trunk's layers by its table, not by their names", () => {
    const lenet = trunkOf("lenet");
    const renamed = (name: string): string => ({ conv1: "upsilon", conv2: "score_early", ip1: "group" })[name] ?? name;
    const trunk: Trunk = {
      ...lenet,
      name: "lenet by other names",
      layers: lenet.layers.map((layer) => ({ ...layer, name: renamed(layer.name) })),
      heads: { "2s": { skips: [{ from: "pool1", upsampling: "between" }], upsampling: "last" } },
    };
    const own = { trunk, variant: "2s", classes: 3, upsampling: "learned", frozenTrunk: true } as const;
    const { params } = trainingNet(own, stages[0]!.recipe, [28, 32]);
    expect(params.filter((p) => p.lrMult !== 0).map((p) => p.name)).to.have.members([
      ...["score_fr.weight", "score_fr.bias", "score_pool1.weight", "score_pool1.bias", "between.weight", "last.weight"],
    ]);
    expect(params.length).to.equal(12);
  });

  it("takes sums and class weights", async () => {
    const [stage] = stages;
    const of = (changes: object, more: object = {}): Promise<Awaited<ReturnType<typeof run>>> => {
      const own = { ...stage!, steps: 2, net: { ...stage!.net, ...more }, recipe: { ...stage!.recipe, ...changes } };
      return run({ stages: [own], train, seed: 5 });
    };
    const perPixel = (events: readonly TrainEvent[]): number => stepsOf(events)[0]!.lossPerPixel!;
    expect(perPixel((await of({ normalization: "sum", learningRate: 1e-6 })).events)).to.be.closeTo(Math.log(3), 1e-5);
    const [plain, ones, weighted] = [
      await of({}),
      await of({}, { classWeights: [1, 1, 1] }),
      await of({}, { classWeights: [1, 1, 4] }),
    ];
    expect(bitsOf(ones.weights)).to.deep.equal(bitsOf(plain.weights));
    expect(bitsOf(weighted.weights)).to.not.deep.equal(bitsOf(plain.weights));
  });

  it("refuses what cannot be trained, in words", async () => {
    const with3 = (changes: Partial<TrainFcnOptions>, message: RegExp): Promise<void> =>
      rejects(run({ ...options, ...changes }), InputError, message);
    await with3({ stages: [] }, /stages is empty/);
    await with3({ stages: [stages[0]!, stages[0]!] }, /two stages are called 4s/);
    await with3({ train: samplesOf(["a", "b"], images(1)) }, /training set has 2 classes \(a, b\) but the net has 3/);
    await with3({ train: samplesOf(CLASSES, []) }, /training set is empty/);
    await with3({ train: { ...train, names: ["a"] } }, /training set has 6 samples but 1 names: give one for each/);
    await with3({ keepCells: 0 }, /keepCells is 0/);
    await with3({ checkpointEvery: 0 }, /checkpointEvery is 0/);
  });
});
