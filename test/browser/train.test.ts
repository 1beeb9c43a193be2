/** fcn-webgpu/training in a page: a run of three steps whose files lie in memory, stopped and resumed. */
import { expect } from "chai";
import { samplesOf, stagesOf, type TrainFcnOptions } from "../../src/training/index.js";
import { readSafetensors } from "../../src/weights/safetensors.js";
import { testGpu } from "../harness/device.js";
import { memoryStore } from "../harness/memory-store.js";
import { bitsOf, CLASSES, images, LENET, lossesOf, runOn, runUntil } from "../harness/small-run.js";

const samples = samplesOf(CLASSES, images(3));
const options: TrainFcnOptions = {
  stages: stagesOf({
    net: LENET,
    variants: ["4s"],
    recipe: "accumulated",
    steps: 3,
    changes: { learningRate: 0.002, accumulate: 2 },
  }),
  train: samples,
  validation: samples,
  seed: 5,
  mirror: true,
  jitter: 2,
};

describe("trainFcn in a page", () => {
  it("stopped behind its second step and resumed, gives the same bits, and weights for openFcn", async () => {
    const gpu = await testGpu();
    const whole = await runOn(gpu, options);
    const store = memoryStore();
    const first = await runUntil(gpu, { ...options, store }, "4s", 2);
    expect(first.events.at(-1)).to.include({ type: "stopped", step: 2 });
    expect([...store.files.keys()].sort()).to.deep.equal(["4s-00000002.checkpoint.safetensors", "log.jsonl", "run.json"]);
    const second = await runOn(gpu, { ...options, store });
    expect([...lossesOf(first.events), ...lossesOf(second.events)]).to.deep.equal(lossesOf(whole.events));
    expect(bitsOf(second.weights)).to.deep.equal(bitsOf(whole.weights));
    expect(second.evaluations.get("4s")).to.deep.equal(whole.evaluations.get("4s"));
    const { tensors, metadata } = readSafetensors(store.files.get("4s.safetensors")!);
    expect(bitsOf(tensors)).to.deep.equal(bitsOf(whole.weights));
    expect(Object.values(metadata).join(" ")).to.include("lenet");
    expect(store.lines).to.have.length(first.events.length + second.events.length);
  }).timeout(120_000);
});
