/** VGG16, narrow, by the paper's two ways to FCN-8s: staged, stopped within the second stage; and at once, with its fixed scales. */
import { expect } from "chai";
import { initialWeights, type Weights } from "../../src/index.js";
import { samplesOf, stagesOf, type Stage } from "../../src/training/index.js";
import { trainingNet } from "../../src/training/net.js";
import { testGpu } from "../harness/device.js";
import { memoryStore } from "../harness/memory-store.js";
import { bitsOf, CLASSES, images, lossesOf, runOn, runUntil } from "../harness/small-run.js";

const SIZE = [32, 32] as const;
const net = { trunk: "vgg16", classes: 3, width: 1 / 32, padding: "same", upsampling: "frozen" } as const;
const train = samplesOf(CLASSES, images(4, [SIZE]));
const changes = { learningRate: 1e-3, accumulate: 1, weightDecay: 0 };

function weightsFor(stage: Stage): Weights {
  return initialWeights(trainingNet(stage.net, stage.recipe, SIZE), 3);
}

describe("FCN-8s of VGG16", function () {
  this.timeout(600_000);

  it("staged 32s, 16s, 8s, stopped within 16s and resumed, gives the same bits", async () => {
    const gpu = await testGpu();
    const stages = stagesOf({ net, variants: ["32s", "16s", "8s"], recipe: "accumulated", steps: 2, changes });
    const options = { stages, train, seed: 5, weights: weightsFor(stages[0]!), allow: true } as const;
    const whole = await runOn(gpu, options);
    expect(lossesOf(whole.events).map((line) => line.split(" ").slice(0, 2).join(" "))).to.deep.equal([
      "32s 1",
      "32s 2",
      "16s 1",
      "16s 2",
      "8s 1",
      "8s 2",
    ]);
    const rates = whole.events.flatMap((e) => (e.type === "step" && e.step === 1 ? [e.learningRate] : []));
    [1e-3, 1e-5, 1e-7].forEach((rate, i) => expect(rates[i]).to.be.closeTo(rate, 1e-6 * rate));
    const told = whole.events.filter((e) => e.type === "stage");
    expect(told.map((e) => e.weights!.initialised.filter((name) => name.startsWith("score")))).to.deep.equal([
      [],
      ["score_pool4.weight", "score_pool4.bias"],
      ["score_pool3.weight", "score_pool3.bias"],
    ]);
    const store = memoryStore();
    const first = await runUntil(gpu, { ...options, store }, "16s", 1);
    expect(first.events.at(-1)).to.include({ type: "stopped", stage: "16s", step: 1 });
    const second = await runOn(gpu, { ...options, store });
    expect(second.events[0]).to.include({ type: "stage", stage: "16s", step: 1 });
    expect([...lossesOf(first.events), ...lossesOf(second.events)]).to.deep.equal(lossesOf(whole.events));
    expect(bitsOf(second.weights)).to.deep.equal(bitsOf(whole.weights));
    expect([...store.files.keys()]).to.include.members(["32s.safetensors", "16s.safetensors", "8s.safetensors"]);
  });

  it("at once: what the skips see is scaled by 0.01 and 0.0001, and so are the first steps of their weights", async () => {
    const gpu = await testGpu();
    const stageOf = (variant: string): Stage =>
      stagesOf({ net, variants: [variant], recipe: "accumulated", steps: 1, changes })[0]!;
    const weights = weightsFor(stageOf("8s"));
    const stepOf = async (variant: string): Promise<Weights> =>
      (await runOn(gpu, { stages: [stageOf(variant)], train, seed: 5, weights, allow: true })).weights;
    const [plain, atOnce] = [await stepOf("8s"), await stepOf("8s-at-once")];
    // All scores are zero at first, so that both nets send the same gradient down each skip. The pool is scaled in front of its score layer (fcn.md 1.3): the bias is not.
    for (const [name, scale] of [
      ["score_pool4.weight", 0.01],
      ["score_pool3.weight", 0.0001],
      ["score_pool4.bias", 1],
      ["score_pool3.bias", 1],
    ] as const) {
      const [a, b] = [plain.get(name)!.data, atOnce.get(name)!.data];
      const largest = a.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
      expect(largest, `${name} moves`).to.be.above(0);
      b.forEach((v, i) => expect(v / scale, `${name} ${i}`).to.be.closeTo(a[i]!, 1e-5 * largest));
    }
  });
});
