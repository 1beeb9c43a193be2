/** The runner of fcn-webgpu/training on LeNet's FCN and images of three classes. */
import { expect } from "chai";
import { InputError, initialWeights, trunkOf, type Trunk, type Weights } from "../../src/index.js";
import {
  evaluateFcn,
  samplesOf,
  stagesOf,
  trainFcn,
  VOID,
  type RunStore,
  type Sample,
  type StepEvent,
  type TrainEvent,
  type TrainFcnOptions,
  type TrainResult,
} from "../../src/training/index.js";
import { trainingNet } from "../../src/training/net.js";
import { testGpu } from "../harness/device.js";
import { rejects } from "../harness/rejects.js";

const CLASSES = ["dark", "grey", "bright"];

/** Blocks of brightness by class, with a frame of void, in two sizes. */
function images(count: number): Sample[] {
  return Array.from({ length: count }, (_, n) => {
    const [height, width] = n % 2 === 0 ? [28, 32] : [30, 28];
    const labels = Uint8Array.from({ length: height * width }, (_, i) => {
      const [y, x] = [Math.floor(i / width), i % width];
      if (y === 0 || x === 0) return VOID;
      return ((x >> 3) + (y >> 3) + n) % 3;
    });
    const pixels = Uint32Array.from(labels, (label, i) => (label === VOID ? 0 : 60 + 80 * label + ((i * 37) % 23)) | 0xff000000);
    return { name: `image ${n}`, height, width, pixels, labels };
  });
}

const train = samplesOf(CLASSES, images(6));
const validation = samplesOf(CLASSES, images(3));
const net = { trunk: "lenet", classes: 3, width: 0.2 } as const;
const stages = stagesOf({
  net,
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

function memoryStore(): RunStore & { readonly files: Map<string, Uint8Array>; readonly lines: string[] } {
  const files = new Map<string, Uint8Array>();
  const lines: string[] = [];
  return {
    files,
    lines,
    read: (name) => Promise.resolve(files.get(name) ?? null),
    write: (name, bytes) => Promise.resolve(void files.set(name, bytes.slice())),
    remove: (name) => Promise.resolve(void files.delete(name)),
    append: (_name, line) => Promise.resolve(void lines.push(line)),
  };
}

async function run(
  of: TrainFcnOptions,
  onEvent: (event: TrainEvent) => void = () => undefined,
): Promise<TrainResult & { events: TrainEvent[] }> {
  const loop = trainFcn(await testGpu(), of);
  const events: TrainEvent[] = [];
  for (;;) {
    const next = await loop.next();
    if (next.done) return { ...next.value, events };
    events.push(next.value);
    onEvent(next.value);
  }
}

const losses = (events: readonly TrainEvent[]): string[] =>
  events.filter((e): e is StepEvent => e.type === "step").map((e) => `${e.stage} ${e.step} ${e.loss} ${e.learningRate}`);

const bits = (weights: Weights): Record<string, number[]> =>
  Object.fromEntries([...weights].map(([name, { data }]) => [name, [...new Uint32Array(data.slice().buffer)]]));

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
    const steps = whole.events.filter((e): e is StepEvent => e.type === "step");
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
      "run.json",
    ]);
    const logged = store.lines.map((line) => (JSON.parse(line) as TrainEvent).type);
    expect(logged).to.deep.equal(whole.events.map((e) => e.type));
  });

  it("validates as evaluateFcn does", async () => {
    const result = await evaluateFcn(await testGpu(), {
      net: { ...net, variant: "2s" },
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
      const controller = new AbortController();
      const first = await run({ ...options, store: halved, signal: controller.signal }, (event) => {
        if (event.type === "step" && event.stage === stage && event.step === step) controller.abort();
      });
      expect(first.stopped).to.equal(true);
      expect(first.events.at(-1)).to.include({ type: "stopped", stage, step });
      const second = await run({ ...options, store: halved });
      expect([...losses(first.events), ...losses(second.events)]).to.deep.equal(losses(whole.events));
      expect(bits(second.weights)).to.deep.equal(bits(whole.weights));
      expect(second.evaluations.get("2s")).to.deep.equal(whole.evaluations.get("2s"));
      expect(halved.files.get("2s.safetensors")).to.deep.equal(store.files.get("2s.safetensors"));
    });
  }

  it("refuses to go on with other settings, and names the first", async () => {
    const other = stagesOf({
      net,
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
    const { params } = trainingNet({ ...net, variant: "4s" }, frozen.recipe, [28, 32]);
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

  it("takes sums, class weights and part of the cells", async () => {
    const [stage] = stages;
    const of = (changes: object, more: object = {}): Promise<Awaited<ReturnType<typeof run>>> => {
      const own = { ...stage!, steps: 2, net: { ...stage!.net, ...more }, recipe: { ...stage!.recipe, ...changes } };
      return run({ stages: [own], train, seed: 5 });
    };
    const perPixel = (events: readonly TrainEvent[]): number =>
      (events.find((e) => e.type === "step") as StepEvent).lossPerPixel!;
    expect(perPixel((await of({ normalization: "sum", learningRate: 1e-6 })).events)).to.be.closeTo(Math.log(3), 1e-5);
    const [plain, ones, weighted] = [
      await of({}),
      await of({}, { classWeights: [1, 1, 1] }),
      await of({}, { classWeights: [1, 1, 4] }),
    ];
    expect(bits(ones.weights)).to.deep.equal(bits(plain.weights));
    expect(bits(weighted.weights)).to.not.deep.equal(bits(plain.weights));
    const sampled = await run({ stages: [{ ...stage!, steps: 1 }], train, seed: 5, keepCells: 0.5 });
    expect(perPixel(sampled.events)).to.be.closeTo(Math.log(3), 1e-5);
  });

  it("refuses what cannot be trained, in words", async () => {
    const with3 = (changes: Partial<TrainFcnOptions>, message: RegExp): Promise<void> =>
      rejects(run({ ...options, ...changes }), InputError, message);
    await with3({ stages: [] }, /stages is empty/);
    await with3({ stages: [stages[0]!, stages[0]!] }, /two stages are called 4s/);
    await with3({ train: samplesOf(["a", "b"], images(1)) }, /training set has 2 classes \(a, b\) but the net has 3/);
    await with3({ train: samplesOf(CLASSES, []) }, /training set is empty/);
    await with3({ keepCells: 0 }, /keepCells is 0/);
    await with3({ checkpointEvery: 0 }, /checkpointEvery is 0/);
  });
});
