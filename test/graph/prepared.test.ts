/** Weights that kernels want in another form are transformed once after each load, and never go stale. */
import { expect } from "chai";
import {
  conv2d,
  graph,
  heNormal,
  initialWeights,
  input,
  multiply,
  param,
  reduceSum,
  scale,
  sgd,
  type Gpu,
} from "../../src/index.js";
import { runReference } from "../../src/reference/index.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { countingGpu, testGpu } from "../harness/device.js";
import { withVariant } from "../../bench/with-variant.js";

const SIZES = [
  [24, 24],
  [24, 28],
] as const;

/** Two 3x3 convolutions with one weight, or with `weightOf` it. */
function convolutions([h, w]: readonly [number, number] = SIZES[0], weightOf: (weight: Tensor) => Tensor = (weight) => weight) {
  return graph({ x: input([1, 16, h, w]) }, ({ x }) => {
    const weight = weightOf(param("conv.weight", [16, 16, 3, 3], heNormal()));
    const y = conv2d(conv2d(x, weight, null, { padding: 1 }), weight, null, { padding: 1 });
    return { y, loss: reduceSum(multiply(y, y)) };
  });
}

const WEIGHT_BYTES = 4 * 16 * 16 * 9;
/** 36 points in place of 9 taps. */
const PREPARED_BYTES = 4 * WEIGHT_BYTES;

function image([h, w]: readonly [number, number] = SIZES[0]): { data: Float32Array; shape: number[] } {
  return { data: Float32Array.from({ length: 16 * h * w }, (_, i) => Math.sin(0.1 * i)), shape: [1, 16, h, w] };
}

/** A program of both sizes that computes the convolutions by Winograd's algorithm, whatever the rule says of them. */
async function winogradProgram(gpu: Gpu, net = convolutions(), options: { submitBudgetMs?: number } = {}) {
  const program = await gpu.compile(net, { submitBudgetMs: Infinity, ...options });
  for (const size of SIZES) await program.planFor({ x: image(size).shape });
  await program.trainingPlan("loss");
  await program.resume(await withVariant(await program.checkpoint(), "winograd"));
  for (const size of SIZES) {
    const { choices } = await program.planFor({ x: image(size).shape });
    expect(choices.rows.filter((r) => r.op === "conv2d").map((r) => r.variant)).to.deep.equal(["winograd", "winograd"]);
  }
  return program;
}

function expectReference(
  got: ArrayLike<number>,
  net: ReturnType<typeof convolutions>,
  weights: ReturnType<typeof initialWeights>,
) {
  const want = runReference(net, weights, { x: image().data }).y;
  const scaleOf = Math.max(...Array.from(want, Math.abs));
  expect(got.length).to.equal(want.length);
  want.forEach((v, i) => expect(got[i]).to.be.closeTo(v, 1e-5 * scaleOf));
}

describe("prepared weights", () => {
  it("are made in the first run after each load, for all sizes, and in no other", async () => {
    const { gpu, host, counting } = await countingGpu();
    const net = convolutions();
    const program = await winogradProgram(gpu, net);
    /** Runs at a size: what it dispatched beyond the plan, and y. */
    const run = async (size: readonly [number, number]) => {
      const x = image(size);
      const { dispatches } = await program.planFor({ x: x.shape });
      const before = { ...counting.counts };
      const { y } = await program.run({ x });
      const made = counting.since(before);
      expect([made.buffers, made.bindGroups, made.pipelines, made.submits]).to.deep.equal([0, 0, 0, 1]);
      return { extra: made.dispatches - dispatches, y };
    };
    const first = await run(SIZES[0]);
    const second = await run(SIZES[0]);
    const wide = await run(SIZES[1]);
    expect([first.extra, second.extra, wide.extra]).to.deep.equal([1, 0, 0]);
    expect(second.y).to.deep.equal(first.y);

    const others = initialWeights(net, 5);
    await program.load(others);
    const wideAfter = await run(SIZES[1]);
    const after = await run(SIZES[0]);
    expect([wideAfter.extra, after.extra]).to.deep.equal([1, 0]);
    expect(after.y).to.not.deep.equal(first.y);
    expectReference(after.y, net, others);
    using fresh = await winogradProgram(await testGpu(), net);
    await fresh.load(others);
    expect(after.y).to.deep.equal((await fresh.run({ x: image().data })).y);
    gpu[Symbol.dispose]();
    host[Symbol.dispose]();
  });

  it("follow the weights through training, whose steps prepare them each", async () => {
    const { gpu, host, counting } = await countingGpu();
    const net = convolutions();
    const program = await winogradProgram(gpu, net);
    const x = image().data;
    await program.run({ x });
    const { dispatches, choices } = await program.trainingPlan("loss");
    expect(choices.rows.filter((r) => r.op === "conv2d").map((r) => r.variant)).to.deep.equal(["winograd", "winograd"]);
    const perStep: number[] = [];
    let before = { ...counting.counts };
    for await (const { step } of program.train([{ x }, { x }, { x }], { loss: "loss", optimizer: sgd({ learningRate: 1e-6 }) })) {
      if (step > 1) perStep.push(counting.since(before).dispatches);
      before = { ...counting.counts };
    }
    const updates = 1;
    expect(perStep).to.deep.equal([dispatches + updates, dispatches + updates]);

    const trained = await program.save();
    expect(trained.get("conv.weight")!.data).to.not.deep.equal(initialWeights(net).get("conv.weight")!.data);
    const { y } = await program.run({ x });
    expectReference(y, net, trained);
    await program.load(trained);
    expect((await program.run({ x })).y).to.deep.equal(y);
    gpu[Symbol.dispose]();
    host[Symbol.dispose]();
  });

  it("lie in one buffer for all plans that read them, are counted with the weights, and go with the program", async () => {
    const { gpu, host, counting } = await countingGpu();
    const program = await winogradProgram(gpu);
    expect(counting.labels.filter((label) => label.startsWith("prepared of"))).to.have.lengthOf(1);
    for (const size of SIZES) {
      const { weightBytes, peakBytes, transientBytes } = await program.planFor({ x: image(size).shape });
      expect(weightBytes).to.equal(WEIGHT_BYTES + PREPARED_BYTES);
      expect(peakBytes).to.be.above(transientBytes + weightBytes - 1);
    }
    expect((await program.trainingPlan("loss")).weightBytes).to.equal(WEIGHT_BYTES);
    program[Symbol.dispose]();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect([counting.counts.liveBuffers, counting.counts.liveBytes]).to.deep.equal([0, 0]);
    gpu[Symbol.dispose]();
    host[Symbol.dispose]();
  });

  it("are made in every run where the weight is no parameter", async () => {
    const { gpu, host, counting } = await countingGpu();
    const net = convolutions(SIZES[0], (weight) => scale(weight, 2));
    const program = await winogradProgram(gpu, net);
    const x = image().data;
    expectReference((await program.run({ x })).y, net, initialWeights(net));
    const others = initialWeights(net, 5);
    await program.load(others);
    expectReference((await program.run({ x })).y, net, others);
    expect(counting.labels.filter((label) => label.startsWith("prepared of"))).to.deep.equal([]);
    expect(program.plan.weightBytes).to.equal(WEIGHT_BYTES);
    gpu[Symbol.dispose]();
    host[Symbol.dispose]();
  });

  it("give the same bits in many submits, and in a profile", async () => {
    const gpu = await testGpu();
    using one = await winogradProgram(gpu);
    using many = await winogradProgram(gpu, convolutions(), { submitBudgetMs: 0.01 });
    expect(many.plan.submits).to.be.above(1);
    const x = image().data;
    const { dispatches } = await many.profile({ x }, { runs: 1 });
    expect(dispatches).to.equal(many.plan.dispatches);
    expect((await many.run({ x })).y).to.deep.equal((await one.run({ x })).y);
  });
});
