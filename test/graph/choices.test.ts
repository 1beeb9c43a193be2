/** The variants that a program chooses, from compiling to a checkpoint and back. */
import { expect } from "chai";
import { sgd, VariantError, WeightsError, type Choices, type Program } from "../../src/index.js";
import { readSafetensors, writeSafetensors } from "../../src/weights/safetensors.js";
import { countingGpu, testGpu } from "../harness/device.js";
import { rejects } from "../harness/rejects.js";
import { temporaryCache } from "../harness/tune-cache.js";
import { toyFcn, toyInputs } from "../harness/toy-nets.js";
import { withVariant } from "../../bench/with-variant.js";

const net = toyFcn();
const inputs = toyInputs(net);
const optimizer = sgd({ learningRate: 0.05, momentum: 0.9 });
type Toy = Program<typeof net.inputs, typeof net.outputs>;

async function losses(program: Toy, steps: number): Promise<number[]> {
  const out: number[] = [];
  for await (const { loss } of program.train(Array(steps).fill(inputs), { loss: "loss", optimizer })) out.push(loss!);
  return out;
}

function choiceOf({ rows }: Choices, node: string): { variant: string; why: string } {
  const { variant, why } = rows.find((row) => row.node === node)!;
  return { variant, why };
}

describe("choices of a program", () => {
  it("are told for each node of each plan", async () => {
    using program = await (await testGpu()).compile(net);
    const { rows } = program.plan.choices;
    expect(rows.map((r) => r.node)).to.include.members(["conv1", "conv2", "upscore"]);
    for (const row of rows) {
      expect(row.applicable).to.include(row.variant);
      expect(row.why).to.equal(row.applicable.length === 1 ? "only variant" : "rule");
    }
    const backward = (await program.trainingPlan("loss")).choices.rows;
    expect(backward.map((r) => r.op)).to.include("conv2dWeightGrad");
  });

  it("are kept by a checkpoint: a run resumed in a fresh program gives the same bits", async () => {
    const gpu = await testGpu();
    using first = await gpu.compile(net);
    await losses(first, 1);
    // Not what the rule takes for so small a net.
    expect(choiceOf((await first.trainingPlan("loss")).choices, "conv2").variant).to.equal("direct");
    await first.resume(await withVariant(await first.checkpoint(), "outer"));
    const forced = { variant: "outer", why: "checkpoint" };
    expect(choiceOf((await first.trainingPlan("loss")).choices, "conv2")).to.deep.equal(forced);
    expect(choiceOf(first.plan.choices, "conv2")).to.deep.equal(forced);
    await losses(first, 2);
    const checkpoint = await first.checkpoint();
    const want = { losses: await losses(first, 3), outputs: await first.run(inputs) };

    using second = await gpu.compile(net);
    await losses(second, 1);
    await second.resume(checkpoint);
    expect((await second.checkpoint()).bytes).to.deep.equal(checkpoint.bytes);
    expect(await losses(second, 3)).to.deep.equal(want.losses);
    expect(await second.run(inputs)).to.deep.equal(want.outputs);
    expect(choiceOf((await second.trainingPlan("loss")).choices, "conv2")).to.deep.equal(forced);
  });

  it("that cannot be had on resuming are named, and nothing is changed", async () => {
    const gpu = await testGpu();
    using first = await gpu.compile(net);
    await losses(first, 2);
    const checkpoint = await withVariant(await first.checkpoint(), "winograd9");
    using second = await gpu.compile(net);
    await losses(second, 1);
    const before = await second.checkpoint();
    await rejects(
      second.resume(checkpoint),
      VariantError,
      /^resume: the checkpoint's run computed .*conv1 by conv2d's winograd9 \(here: direct, .*\).*resume on the device .*strict: false/,
    );
    expect((await second.checkpoint()).bytes).to.deep.equal(before.bytes);
    await second.resume(checkpoint, { strict: false });
    const { variant, why } = choiceOf((await second.trainingPlan("loss")).choices, "conv2");
    expect(variant).to.equal("direct");
    expect(why).to.equal("rule; the checkpoint's winograd9 does not apply here");
    expect(await losses(second, 2)).to.have.length(2);
    expect(new TextDecoder().decode((await second.checkpoint()).bytes)).to.not.include("winograd9");
  });

  it("that a checkpoint spells wrong are a damaged file", async () => {
    using program = await (await testGpu()).compile(net);
    const { tensors, metadata } = readSafetensors((await program.checkpoint()).bytes);
    for (const variants of ["", "{", '{"conv1":"direct"}', '{"[":{"node":"a","variant":"b"}}']) {
      const bytes = writeSafetensors({ tensors, metadata: { ...metadata, variants } });
      await rejects(program.resume({ bytes }), WeightsError, /list of variants cannot be read: the file is damaged/);
    }
  });

  it("are measured where that is asked for, then found in the cache by the next program", async () => {
    const { gpu, host, counting } = await countingGpu();
    await using temporary = await temporaryCache();
    const stages: string[] = [];
    const tune = { budgetMs: 150_000, cache: temporary.cache };
    const warnings: string[] = [];
    const options = {
      tune,
      onWarning: (w: string) => warnings.push(w),
      onProgress: (p: { stage: string }) => stages.push(p.stage),
    };
    const program = await gpu.compile(net, options);
    const measured = program.plan.choices.rows.filter((r) => r.applicable.length > 1);
    expect(measured.length).to.be.above(0);
    for (const { why } of measured) expect(why).to.match(/^tuned: /);
    expect(stages).to.include.members(["tune", "kernels"]);
    await losses(program, 1);
    const training = (await program.trainingPlan("loss")).choices.rows.filter((r) => r.applicable.length > 1);
    expect(training.map((r) => r.op)).to.include("conv2dWeightGrad");
    for (const { why } of training) expect(why).to.match(/^tuned: /);
    const before = { ...counting.counts };
    const again = await gpu.compile(net, options);
    const made = counting.since(before);
    expect([made.querySets, made.submits]).to.deep.equal([0, 0]);
    expect(again.plan.choices.rows).to.deep.equal(program.plan.choices.rows);
    expect(warnings).to.deep.equal([]);
    program[Symbol.dispose]();
    again[Symbol.dispose]();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(counting.counts.liveBuffers, "buffers left behind").to.equal(0);
    gpu[Symbol.dispose]();
    host[Symbol.dispose]();
  });
});
