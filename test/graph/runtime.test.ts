/** What the graph runtime promises of a steady run: nothing created, few submits, little memory, the same bits. */
import { expect } from "chai";
import {
  add,
  conv2d,
  graph,
  heNormal,
  initialWeights,
  input,
  multiply,
  param,
  reduceSum,
  sgd,
  type Program,
} from "../../src/index.js";
import { runReference } from "../../src/reference/index.js";
import { countingGpu, testGpu } from "../harness/device.js";
import { toyClassifier, toyFcn, toyInputs } from "../harness/toy-nets.js";

const optimizer = sgd({ learningRate: 0.05, momentum: 0.9, weightDecay: 5e-4 });

async function losses(program: Pick<Program<never, { loss: never }>, "train">, batch: object, steps: number): Promise<number[]> {
  const out: number[] = [];
  for await (const { loss } of program.train(Array(steps).fill(batch) as never, { loss: "loss", optimizer })) out.push(loss!);
  return out;
}

describe("graph runtime", () => {
  for (const [name, net, classes] of [
    ["an FCN", toyFcn(), 5],
    ["a classifier", toyClassifier(), 10],
  ] as const) {
    it(`runs ${name} as the reference does`, async () => {
      using program = await (await testGpu()).compile(net);
      const inputs = toyInputs(net, classes);
      const got = await program.run(inputs);
      const want = runReference(net, initialWeights(net), inputs);
      got.logits.forEach((v, i) => expect(v).to.be.closeTo(want.logits[i]!, 1e-4));
      expect(got.loss[0]).to.be.closeTo(want.loss[0]!, 1e-5);
    });
  }

  it("creates nothing in a steady run, and submits once", async () => {
    const { gpu, host, counting } = await countingGpu();
    const net = toyFcn();
    const program = await gpu.compile(net, { submitBudgetMs: Infinity });
    const inputs = toyInputs(net);
    await program.run(inputs);
    const before = { ...counting.counts };
    await program.run(inputs);
    await program.run(inputs);
    const made = counting.since(before);
    expect([made.buffers, made.bindGroups, made.pipelines, made.querySets, made.shaderModules]).to.deep.equal([0, 0, 0, 0, 0]);
    expect(made.submits).to.equal(2);
    gpu[Symbol.dispose]();
    host[Symbol.dispose]();
  });

  it("creates nothing in a steady training step, and submits once", async () => {
    const { gpu, host, counting } = await countingGpu();
    const net = toyFcn({ dropout: true });
    const program = await gpu.compile(net, { submitBudgetMs: Infinity });
    const inputs = toyInputs(net);
    const perStep: unknown[] = [];
    let before = { ...counting.counts };
    for await (const { step } of program.train(Array(4).fill(inputs), { loss: "loss", optimizer })) {
      const { buffers, bindGroups, pipelines, querySets, submits } = counting.since(before);
      if (step > 1) perStep.push({ buffers, bindGroups, pipelines, querySets, submits });
      before = { ...counting.counts };
    }
    const steady = { buffers: 0, bindGroups: 0, pipelines: 0, querySets: 0, submits: 1 };
    expect(perStep).to.deep.equal([steady, steady, steady]);
    gpu[Symbol.dispose]();
    host[Symbol.dispose]();
  });

  it("keeps the winners of its poolings for the gradient, and computes losses with theirs", async () => {
    using program = await (await testGpu()).compile(toyFcn());
    const opsOf = (table: string): string[] => table.split("\n").map((line) => line.split(/ +/)[1]!);
    expect(opsOf(program.plan.toTable())).to.include.members(["maxPool2d", "crossEntropy"]);
    const training = opsOf((await program.trainingPlan("loss")).toTable());
    expect(training).to.include.members(["maxPool2dTaps", "maxPool2dTapsGrad", "crossEntropyBoth"]);
    for (const op of ["maxPool2d", "maxPool2dGrad", "crossEntropy", "crossEntropyGrad"]) expect(training).to.not.include(op);
  });

  it("updates the parameters of equal multipliers in one dispatch", async () => {
    const { gpu, host, counting } = await countingGpu();
    const net = toyFcn();
    const program = await gpu.compile(net);
    await program.trainingPlan("loss");
    const before = { ...counting.counts };
    await losses(program as never, toyInputs(net), 1);
    const groups = new Set(net.params.filter((p) => p.lrMult !== 0).map((p) => `${p.lrMult} ${p.decayMult}`));
    expect(counting.since(before).bindGroups).to.equal(groups.size);
    gpu[Symbol.dispose]();
    host[Symbol.dispose]();
  });

  it("trains parameters whose gradient is an operand of another gradient", async () => {
    const net = graph({ x: input([1, 4, 5, 5]) }, ({ x }) => {
      const conv = conv2d(x, param("conv.weight", [4, 4, 3, 3], heNormal()), null, { padding: 1 });
      const shifted = add(conv, param("shift", [1, 4, 5, 5], heNormal()));
      return { loss: reduceSum(multiply(shifted, shifted)) };
    });
    using program = await (await testGpu()).compile(net);
    const x = Float32Array.from({ length: 100 }, (_, i) => Math.sin(i));
    const before = initialWeights(net);
    const { loss } = runReference(net, before, { x });
    for await (const { loss: got } of program.train([{ x }], { loss: "loss", optimizer: sgd({ learningRate: 1e-3 }) }))
      expect(got).to.be.closeTo(loss[0]!, 1e-4 * loss[0]!);
    // d loss / d shift = 2 (conv + shift), which is the gradient that arrives at the convolution.
    const after = await program.save();
    const shifted = graph({ x: input([1, 4, 5, 5]) }, ({ x: image }) => {
      const conv = conv2d(image, param("conv.weight", [4, 4, 3, 3], heNormal()), null, { padding: 1 });
      return { shifted: add(conv, param("shift", [1, 4, 5, 5], heNormal())) };
    });
    const want = runReference(shifted, before, { x }).shifted;
    after.get("shift")!.data.forEach((v, i) => expect(v).to.be.closeTo(before.get("shift")!.data[i]! - 2e-3 * want[i]!, 1e-5));
    expect(after.get("conv.weight")!.data).to.not.deep.equal(before.get("conv.weight")!.data);
  });

  it("splits submits by estimated work and gives the same bits", async () => {
    const gpu = await testGpu();
    const net = toyFcn();
    const inputs = toyInputs(net);
    using one = await gpu.compile(net, { submitBudgetMs: Infinity });
    using many = await gpu.compile(net, { submitBudgetMs: 1e-9 });
    expect(one.plan.submits).to.equal(1);
    expect(many.plan.submits).to.be.above(2);
    expect((await many.run(inputs)).logits).to.deep.equal((await one.run(inputs)).logits);
  });

  it("says how much memory a plan takes, and how much it must", async () => {
    // How near the two are on the nets of this repository: memory.test.ts.
    using program = await (await testGpu()).compile(toyFcn({ size: [29, 31] }));
    for (const plan of [program.plan, await program.trainingPlan("loss")]) {
      expect(plan.transientBytes).to.be.within(plan.transientLowerBoundBytes, plan.transientUnsharedBytes);
      expect(plan.peakBytes).to.be.above(plan.transientBytes + plan.weightBytes - 1);
      expect(plan.toTable()).to.include("liveness bound");
    }
  });

  it("gives the same bits from the same seed, and other losses from another", async () => {
    const gpu = await testGpu();
    const net = toyFcn({ dropout: true });
    const inputs = toyInputs(net);
    const runs: number[][] = [];
    for (const seed of [7, 7, 8]) {
      using program = await gpu.compile(net, { seed });
      runs.push(await losses(program as never, inputs, 50));
    }
    expect(runs[1]).to.deep.equal(runs[0]);
    expect(runs[2]).to.not.deep.equal(runs[0]);
  });

  it("resumes from a checkpoint to the same bits", async () => {
    const gpu = await testGpu();
    const net = toyFcn({ dropout: true });
    const inputs = toyInputs(net);
    using whole = await gpu.compile(net);
    const want = await losses(whole as never, inputs, 8);
    using first = await gpu.compile(net);
    await losses(first as never, inputs, 4);
    const checkpoint = await first.checkpoint();
    using second = await gpu.compile(net);
    await losses(second as never, inputs, 1);
    await second.resume(checkpoint);
    expect(await losses(second as never, inputs, 4)).to.deep.equal(want.slice(4));
    expect(await second.save()).to.deep.equal(await whole.save());
  });

  it("follows SGD with accumulation as the reference computes it", async () => {
    const gpu = await testGpu();
    const net = toyClassifier({ batch: 8 });
    const half = toyClassifier({ batch: 4 });
    const inputs = toyInputs(net, 10);
    const halves = [0, 1].map((i) => ({
      image: inputs.image.slice(i * 4 * 64, (i + 1) * 4 * 64),
      labels: inputs.labels.slice(i * 4, (i + 1) * 4),
    }));
    using whole = await gpu.compile(net);
    using parts = await gpu.compile(half);
    const a: number[] = [];
    for await (const { loss } of whole.train(Array(5).fill(inputs), {
      loss: "loss",
      optimizer: sgd({ learningRate: 0.1, momentum: 0.9 }),
    }))
      a.push(loss!);
    const b: number[] = [];
    for await (const { loss } of parts.train(Array(5).fill(halves).flat(), {
      loss: "loss",
      optimizer: sgd({ learningRate: 0.1, momentum: 0.9, accumulate: 2 }),
    }))
      b.push(loss!);
    expect(b.length).to.equal(5);
    b.forEach((loss, i) => expect(loss).to.be.closeTo(a[i]!, 1e-4));
  });

  it("takes another size without new pipelines, sharing the weights", async () => {
    const { gpu, host, counting } = await countingGpu();
    const net = toyFcn();
    const program = await gpu.compile(net);
    const other = toyFcn({ size: [21, 18] });
    const inputs = toyInputs(other);
    // Some kernels have a form for whole vec4s and one for any size: after two sizes both are there.
    await program.planFor({ image: [2, 3, 16, 16], labels: [2, 16, 16] });
    const before = { ...counting.counts };
    const shaped = { image: { data: inputs.image, shape: [2, 3, 21, 18] }, labels: { data: inputs.labels, shape: [2, 21, 18] } };
    const got = await program.run(shaped);
    expect(counting.since(before).pipelines).to.equal(0);
    const want = runReference(other, await program.save(), inputs);
    got.logits.forEach((v, i) => expect(v).to.be.closeTo(want.logits[i]!, 1e-4));
    gpu[Symbol.dispose]();
    host[Symbol.dispose]();
  });

  it("profiles every node", async function () {
    // The replay is timed beside the rows, not with them: what else the machine does in between must not count.
    this.retries(2);
    const net = toyFcn();
    using program = await (await testGpu()).compile(net);
    const profile = await program.profile(toyInputs(net), { runs: 2 });
    expect(profile.rows.map((r) => r.node)).to.include.members(["conv1", "upscore"]);
    expect(profile.toTable()).to.match(/conv1 +conv2d/);
    for (const row of profile.rows) {
      expect(row.gpuMs, row.node).to.be.above(0);
      expect(row.gflops * row.gpuMs * 1e6).to.be.closeTo(row.flops, 1e-6 * row.flops + 1e-9);
      expect([row.peakFraction, row.bandwidthFraction, row.bound]).to.deep.equal([undefined, undefined, undefined]);
    }
    expect(profile.dispatches).to.equal(program.plan.dispatches);
    expect(profile.replayMs).to.be.within(0.3 * profile.gpuMs, Infinity);
    expect(profile.submitMs).to.be.within(0, profile.wallMs);
  });

  it("profiles a training step, which leaves the weights alone", async () => {
    const net = toyFcn();
    using program = await (await testGpu()).compile(net);
    const before = await program.save();
    const { rows, dispatches } = await program.profile(toyInputs(net), { runs: 1, loss: "loss" });
    expect(rows.map((r) => r.op)).to.include.members(["conv2d", "conv2dWeightGrad"]);
    expect(dispatches).to.equal((await program.trainingPlan("loss")).dispatches);
    expect(await program.save()).to.deep.equal(before);
  });

  it("profiles next to what the device can do, and as a trace", async () => {
    const gpu = await testGpu();
    const net = toyFcn();
    using program = await gpu.compile(net, { submitBudgetMs: 1 });
    const device = await gpu.measure();
    expect([device.peakGflops, device.copyGbps, device.launchMs].every((v) => v > 0 && Number.isFinite(v))).to.equal(true);
    const profile = await program.profile(toyInputs(net), { runs: 1, device });
    for (const { gflops, gbps, peakFraction, bandwidthFraction, bound } of profile.rows) {
      expect(peakFraction).to.equal(gflops / device.peakGflops);
      expect(bandwidthFraction).to.equal(gbps / device.copyGbps);
      expect(bound).to.be.oneOf(["compute", "memory", "launch"]);
    }
    expect(profile.submits).to.equal(program.plan.submits);
    expect(profile.toTable()).to.match(/% peak +% copy +bound by[^]*GFLOP\/s of multiply-adds/);
    const { traceEvents } = JSON.parse(profile.toTrace()) as {
      traceEvents: { ph: string; name: string; ts: number; dur: number; tid: number }[];
    };
    const kernels = traceEvents.filter((e) => e.ph === "X" && e.tid === 1);
    expect(kernels.map((e) => e.name)).to.deep.equal(profile.rows.map((r) => r.node));
    kernels.forEach((e, i) => {
      expect(e.dur).to.be.closeTo(1e3 * profile.rows[i]!.gpuMs, 1e-6);
      if (i > 0) expect(e.ts).to.be.closeTo(kernels[i - 1]!.ts + kernels[i - 1]!.dur, 1e-3);
    });
  });

  it("leaves no GPU memory behind", async () => {
    const { gpu, host, counting } = await countingGpu();
    const net = toyFcn();
    const program = await gpu.compile(net);
    await program.run(toyInputs(net));
    await losses(program as never, toyInputs(net), 2);
    program[Symbol.dispose]();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect([counting.counts.liveBuffers, counting.counts.liveBytes]).to.deep.equal([0, 0]);
    gpu[Symbol.dispose]();
    host[Symbol.dispose]();
  });

  it("compiles a lone convolution of any input", async () => {
    const net = graph({ x: input([1, 1, 1, 1]) }, ({ x }) => ({ y: conv2d(x, param("w", [1, 1, 1, 1], heNormal()), null) }));
    using program = await (await testGpu()).compile(net);
    const w = (await program.save()).get("w")!.data[0]!;
    expect((await program.run({ x: Float32Array.of(2) })).y[0]).to.be.closeTo(2 * w, 1e-6);
  });
});
