/** What is not one trunk and one head, on the GPU against the reference: several label sets, fused streams, dense scores without upsampling. */
import { expect } from "chai";
import {
  conv2d,
  earlyFusionTrunk,
  earlyFusionWeights,
  fcnTraining,
  graph,
  heNormal,
  initialWeights,
  input,
  lateFusionTraining,
  maxPool2d,
  multiHeadTraining,
  param,
  rarefy,
  relu,
  sgd,
  shiftAndStitch,
  transplant,
  type Graph,
  type Names,
  type Weights,
} from "../../src/index.js";
import { runReference } from "../../src/reference/index.js";
import { uniform } from "../../src/tensor/random.js";
import { numel } from "../../src/tensor/shape.js";
import { testGpu } from "../harness/device.js";

/** Software adapters compile a net's kernels when they first run, for a minute or more. */
const TIMEOUT_MS = 600_000;

function weightsOf(net: Graph<Names, Names>): Weights {
  const random = uniform(3);
  return new Map(
    [...initialWeights(net)].map(([name, { shape, data }]) => [
      name,
      { shape, data: name.startsWith("score") ? data.map(() => random() - 0.5) : data },
    ]),
  );
}

/** Noise for images, 0 to 2 for labels. */
function inputsOf(net: Graph<Names, Names>): Record<string, Float32Array | Int32Array> {
  const random = uniform(5);
  return Object.fromEntries(
    Object.entries(net.inputs).map(([name, { shape, dtype }]) => [
      name,
      dtype === "i32"
        ? Int32Array.from({ length: numel(shape) }, () => Math.floor(3 * random()))
        : Float32Array.from({ length: numel(shape) }, () => 2 * random() - 1),
    ]),
  );
}

async function expectLikeReference(net: Graph<Names, Names>, weights = weightsOf(net)): Promise<void> {
  const inputs = inputsOf(net);
  using program = await (await testGpu()).compile(net);
  await program.load(weights);
  const got = await program.run(inputs);
  const want = runReference(net, weights, inputs);
  for (const [name, { dtype }] of Object.entries(net.outputs)) {
    if (dtype !== "f32") continue;
    const [ours, theirs] = [got[name]!, Array.from(want[name]!)];
    const range = theirs.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
    expect(range, name).to.be.above(0);
    theirs.forEach((v, i) => expect(Math.abs(ours[i]! - v) / range, name).to.be.below(1e-5));
  }
}

describe("recipes on the GPU", () => {
  const lenet = { trunk: "lenet", width: 0.2, size: [21, 26], dropout: 0 } as const;
  const twoHeads = multiHeadTraining({
    ...lenet,
    heads: { sem: { variant: "2s", classes: 5 }, geo: { variant: "4s", classes: 3 } },
  });

  it("two heads give the reference's scores and losses", async () => {
    await expectLikeReference(twoHeads);
  }).timeout(TIMEOUT_MS);

  it("two heads learn both label sets at once", async () => {
    using program = await (await testGpu()).compile(twoHeads);
    await program.load(weightsOf(twoHeads));
    const inputs = inputsOf(twoHeads) as { image: Float32Array; labels_sem: Int32Array; labels_geo: Int32Array };
    const before = await program.run(inputs);
    const optimizer = sgd({ learningRate: 0.002, momentum: 0.9 });
    for await (const { loss } of program.train(Array(12).fill(inputs) as (typeof inputs)[], { loss: "loss", optimizer }))
      expect(loss).to.be.a("number");
    const after = await program.run(inputs);
    expect(after.loss_sem[0]).to.be.below(before.loss_sem[0]!);
    expect(after.loss_geo[0]).to.be.below(before.loss_geo[0]!);
  }).timeout(TIMEOUT_MS);

  it("two streams give the reference's scores and losses", async () => {
    await expectLikeReference(lateFusionTraining({ ...lenet, variant: "2s", classes: 3, streams: ["color", "hha"] }));
  }).timeout(TIMEOUT_MS);

  it("colour and depth in one image give the reference's scores and losses, from a colour net's weights", async () => {
    const narrow = { variant: "32s", classes: 3, width: 1 / 32, size: [33, 40], padding: "same", dropout: 0 } as const;
    const trunk = earlyFusionTrunk("vgg16");
    const fused = fcnTraining({ trunk, ...narrow });
    const color = weightsOf(fcnTraining({ trunk: "vgg16", ...narrow }));
    const { weights, report } = transplant(earlyFusionWeights(color, trunk), fused);
    expect([report.initialised, report.dropped, weights.get("conv1_1.weight")!.shape]).to.deep.equal([[], [], [2, 4, 3, 3]]);
    await expectLikeReference(fused, weights);
  }).timeout(TIMEOUT_MS);

  it("dense scores, shifted and stitched or rarefied, are the reference's", async () => {
    const net = graph({ image: input([1, 3, 19, 22]) }, ({ image }) => {
      const features = maxPool2d(relu(conv2d(image, param("a", [6, 3, 3, 3], heNormal()), null)), { kernel: 3, stride: 2 });
      return { scores: conv2d(features, param("b", [4, 6, 3, 3], heNormal()), null) };
    });
    await expectLikeReference(shiftAndStitch(net));
    await expectLikeReference(rarefy(net));
  }).timeout(TIMEOUT_MS);
});
