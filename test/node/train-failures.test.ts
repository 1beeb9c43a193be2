/** Runs that diverge or are killed: what is said, what the log keeps, and that they go on. */
import { expect } from "chai";
import { DivergedError } from "../../src/index.js";
import { samplesOf, stagesOf, trainFcn, type LogLine, type TrainFcnOptions } from "../../src/training/index.js";
import { testGpu } from "../harness/device.js";
import { memoryStore, type MemoryStore } from "../harness/memory-store.js";
import { bitsOf, CLASSES, images, LENET, runOn, runUntil } from "../harness/small-run.js";

function optionsOf(learningRate: number): TrainFcnOptions {
  const changes = { learningRate, accumulate: 1 };
  const stages = stagesOf({ net: LENET, variants: ["4s"], recipe: "accumulated", steps: 4, changes });
  return { stages, train: samplesOf(CLASSES, images(4)), seed: 5 };
}

const logOf = ({ lines }: MemoryStore): LogLine[] => lines.map((line) => JSON.parse(line) as LogLine);

describe("a run that fails", function () {
  this.timeout(300_000);

  it("by too high a rate: DivergedError with the first layer, which is also the last line of the log", async () => {
    const store = memoryStore();
    const error = await runOn(await testGpu(), { ...optionsOf(1e25), store }).then(
      () => null,
      (e: unknown) => e,
    );
    expect(error).to.be.instanceOf(DivergedError);
    const { where, message } = error as DivergedError;
    expect(where.step).to.be.within(2, 3);
    expect(message)
      .to.match(/not finite, first in the .* \w+.*learning rate \(1e\+25\)/)
      .and.to.include(where.tensor);
    const log = logOf(store);
    expect(log.map((line) => line.type)).to.deep.equal(["stage", ...Array<string>(where.step - 1).fill("step"), "failed"]);
    const last = log.at(-1)!;
    expect(last).to.include({ type: "failed", stage: "4s", step: where.step - 1, error: "DivergedError", message });
    expect(Date.parse(last.time)).to.be.closeTo(Date.now(), 60_000);
  });

  it("by being killed in the middle of a line of its log: the line goes, the run goes on to the same bits", async () => {
    const gpu = await testGpu();
    const options = optionsOf(0.002);
    const whole = await runOn(gpu, options);
    const store = memoryStore();
    await runUntil(gpu, { ...options, store }, "4s", 2);
    const lines = store.lines.length;
    await store.append("log.jsonl", '{"time":"2026-11-23T15');
    store.files.set("log.jsonl", store.files.get("log.jsonl")!.slice(0, -1));
    const resumed = await runOn(gpu, { ...options, store });
    expect(bitsOf(resumed.weights)).to.deep.equal(bitsOf(whole.weights));
    const types = logOf(store).map((line) => line.type);
    expect(types.slice(0, lines)).to.deep.equal(["stage", "step", "step", "checkpoint", "stopped"]);
    expect(types.slice(lines)).to.deep.equal(resumed.events.map((event) => event.type));
  });

  it("and goes on from where its store says that the checkpoint lies, without reading it whole", async () => {
    const gpu = await testGpu();
    const options = optionsOf(0.002);
    const whole = await runOn(gpu, options);
    const store = memoryStore();
    await runUntil(gpu, { ...options, store }, "4s", 2);
    const [opened, read]: [string[], string[]] = [[], []];
    const resumed = await runOn(gpu, {
      ...options,
      store: {
        ...store,
        read: (name) => (read.push(name), store.read(name)),
        open: (name) => (opened.push(name), Promise.resolve(new Blob([new Uint8Array(store.files.get(name)!)]))),
      },
    });
    expect(bitsOf(resumed.weights)).to.deep.equal(bitsOf(whole.weights));
    expect(opened).to.deep.equal(["4s-00000002.checkpoint.safetensors"]);
    expect(read.filter((name) => name.includes("checkpoint"))).to.deep.equal([]);
    const missing = runOn(gpu, { ...options, store: { ...store, open: () => Promise.resolve(null) } });
    expect(await missing.then(() => "none", String)).to.match(/the run's checkpoint .* is missing/);
  });

  it("before it begins, where another run is kept there: nothing is written to that one's log", async () => {
    const store = memoryStore();
    const gpu = await testGpu();
    await runUntil(gpu, { ...optionsOf(0.002), store }, "4s", 1);
    const before = store.lines;
    const refused = await runOn(gpu, { ...optionsOf(0.001), store }).then(() => "none", String);
    expect(refused).to.match(/learningRate 0\.002 but now it is 0\.001/);
    expect(store.lines).to.deep.equal(before);
  });

  it("where a second run writes into its place: the first to keep its state has it, and nothing of that is touched", async () => {
    const gpu = await testGpu();
    const options = { ...optionsOf(0.002), store: memoryStore() };
    const late = trainFcn(gpu, options);
    await late.next();
    const early = await runUntil(gpu, options, "4s", 2);
    const kept = new Map([...options.store.files].filter(([name]) => name !== "log.jsonl"));
    const refused = (async () => {
      while (!(await late.next()).done);
    })();
    expect(await refused.then(() => "none", String)).to.match(
      /InputError: .*run\.json was written by something else.*a folder of its own/,
    );
    expect(new Map([...options.store.files].filter(([name]) => name !== "log.jsonl"))).to.deep.equal(kept);
    expect(early.stopped).to.equal(true);
    expect((await runOn(gpu, options)).stopped).to.equal(false);
  });

  it("where its checkpoint is damaged: the file is named", async () => {
    const gpu = await testGpu();
    const options = { ...optionsOf(0.002), store: memoryStore() };
    await runUntil(gpu, options, "4s", 1);
    const name = "4s-00000001.checkpoint.safetensors";
    options.store.files.set(name, options.store.files.get(name)!.slice(0, -4));
    const refused = runOn(gpu, options);
    expect(await refused.then(() => "none", String)).to.match(
      /^WeightsError: trainFcn: the run's checkpoint 4s-00000001\.checkpoint\.safetensors: /,
    );
  });
});
