/** Heads: crops and tables of every trunk, max fusion, several label sets, fused streams. No device. */
import { expect } from "chai";
import {
  describeLayers,
  earlyFusionTrunk,
  earlyFusionWeights,
  fcn,
  fcnLayers,
  graph,
  initialWeights,
  input,
  lateFusionFcn,
  lateFusionTraining,
  multiHeadFcn,
  multiHeadTraining,
  parameterCount,
  ShapeError,
  streamWeights,
  transplant,
  trunkOf,
  WeightsError,
  type FcnOptions,
  type Graph,
  type LayerDescription,
  type Names,
  type Param,
  type Weights,
} from "../../src/index.js";
import { runReference } from "../../src/reference/index.js";
import { uniform } from "../../src/tensor/random.js";
import { topological, type Tensor } from "../../src/tensor/tensor.js";

function describeNet(options: Pick<FcnOptions, "trunk" | "variant"> & Partial<FcnOptions>, size: number): LayerDescription {
  const image = input([1, trunkOf(options.trunk).crop.channels, size, size]);
  return describeLayers(fcnLayers(image, { classes: 21, ...options }).layers, image);
}

const cropsOf = ({ rows }: LayerDescription): Record<string, number> =>
  Object.fromEntries(rows.flatMap(({ name, crop }) => (crop ? [[name, crop[0]]] : [])));

/** Random scores: those that start at zero would hide everything. */
function randomWeights(net: { readonly params: readonly Param[] }, seed = 5): Weights {
  const random = uniform(seed);
  return new Map(
    [...initialWeights(net, seed)].map(([name, { shape, data }]) => [
      name,
      { shape, data: name.startsWith("score") || name.endsWith(".bias") ? data.map(() => random() - 0.5) : data },
    ]),
  );
}

function noise(count: number, seed: number): Float32Array {
  const random = uniform(seed);
  return Float32Array.from({ length: count }, () => 2 * random() - 1);
}

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).to.equal(b.length);
  return Array.from(a).reduce((most, v, i) => Math.max(most, Math.abs(v - b[i]!)), 0);
}

const labelsOf = (count: number, classes: number): Int32Array => Int32Array.from({ length: count }, (_, i) => (i * 7) % classes);

describe("layers in print", () => {
  it("have the costs and crops of the paper's nets: FCN-8s and FCN-AlexNet at 500 x 500", () => {
    const eight = describeNet({ trunk: "vgg16", variant: "8s" }, 500);
    expect(cropsOf(eight)).to.deep.equal({ score_pool4c: 5, score_pool3c: 9, score: 31 });
    expect(eight.parameters).to.equal(134_362_751 + 127_008);
    expect((eight.multiplyAdds / 1e9).toFixed(2)).to.equal("181.53");
    const mega = Object.fromEntries(eight.rows.map(({ name, multiplyAdds }) => [name, (multiplyAdds / 1e6).toFixed(1)]));
    expect(mega).to.include({
      conv1_1: "841.9",
      conv3_2: "18063.4",
      fc6: "26306.7",
      score_fr: "22.0",
      upscore8: "553.2",
      pool3: "0.0",
    });
    expect(
      eight
        .toTable()
        .split("\n")
        .find((line) => line.startsWith("score_pool3c")),
    ).to.match(/^score_pool3c +1 x 21 x 70 x 70 +x = 8 i - 23.5, receptive field 44 +9$/);
    const alexnet = describeNet({ trunk: "alexnet", variant: "32s" }, 500);
    expect(cropsOf(alexnet)).to.deep.equal({ score: 18 });
    expect((alexnet.multiplyAdds / 1e9).toFixed(2)).to.equal("21.42");
  });

  it("have the costs of FCN-GoogLeNet: 8.15 GMAC at its own padding, 15.7 at 100", () => {
    const giga = (caffePadding: number, digits: number): string =>
      (describeNet({ trunk: { ...trunkOf("googlenet"), caffePadding }, variant: "32s" }, 500).multiplyAdds / 1e9).toFixed(digits);
    expect([giga(3, 2), giga(100, 1)]).to.deep.equal(["8.15", "15.7"]);
  });

  it("crop the other trunks' skips where their maps lie", () => {
    const crops = (trunk: FcnOptions["trunk"], variant: string, size: number): Record<string, number> =>
      cropsOf(describeNet({ trunk, variant }, size));
    expect(crops("vgg19", "8s", 500)).to.deep.equal({ score_pool4c: 5, score_pool3c: 9, score: 31 });
    // Odd kernels put GoogLeNet's and SqueezeNet's maps on each other: the skips begin where the upsampled maps do, and one row ends earlier.
    expect(crops("googlenet", "32s", 500)).to.deep.equal({ score: 1 });
    expect(crops("googlenet", "8s", 224)).to.deep.equal({ upscore2c: 0, upscore_inception_4ec: 0, score: 1 });
    expect(crops("squeezenet", "16s", 160)).to.deep.equal({ score: 1 });
    expect(crops("squeezenet", "4s", 160)).to.deep.equal({ upscore2c: 0, upscore_fire5c: 0, score: 1 });
  });

  it("leave the place of vectors open", () => {
    const image = input([1, 2, 4, 4]);
    const layers = new Map([["v", { ...image, shape: [1, 32], op: "reshape", inputs: [image], attrs: { shape: [1, 32] } }]]);
    expect(describeLayers(layers, image).rows[0]!.map).to.equal(null);
  });
});

describe("max fusion", () => {
  it("takes the larger of the skip's scores and of what is upsampled", () => {
    const net = { trunk: "lenet", variant: "2s", classes: 3, width: 0.1, fusion: "max" } as const;
    const size = [13, 16] as const;
    const layers = ["upscore2", "score_pool1c", "fuse_pool1"];
    const taken = graph({ image: input([1, 1, ...size]) }, ({ image }) => {
      const { layers: all } = fcnLayers(image, net);
      return Object.fromEntries(layers.map((name) => [name, all.get(name)!]));
    });
    const y = runReference(taken, randomWeights(taken), { image: noise(13 * 16, 2) });
    const [up, skip, fused] = layers.map((name) => y[name]!) as [Float64Array, Float64Array, Float64Array];
    expect([...fused]).to.deep.equal([...up].map((v, i) => Math.max(v, skip[i]!)));
    expect(fused.some((v, i) => v === up[i]) && fused.some((v, i) => v === skip[i])).to.equal(true);
    expect(() => fcn({ ...net, fusion: "mean" as "max", size })).to.throw(ShapeError, "fcn: fusion is mean: use sum or max");
  });
});

describe("several heads on one trunk", () => {
  const heads = { sem: { variant: "16s", classes: 33 }, geo: { variant: "16s", classes: 3 } } as const;

  it("have the authors' names, and share all but their scores: SIFT Flow's FCN-16s", () => {
    const net = multiHeadFcn({ trunk: "vgg16", heads, size: [256, 256] });
    expect(Object.fromEntries(Object.entries(net.outputs).map(([name, { shape }]) => [name, shape]))).to.deep.equal({
      scores_sem: [1, 33, 256, 256],
      labels_sem: [1, 256, 256],
      scores_geo: [1, 3, 256, 256],
      labels_geo: [1, 256, 256],
    });
    expect(parameterCount(net).learnable).to.equal(134_260_544 + 36 * (4097 + 513));
    const names = net.params.map(({ name }) => name);
    expect(names).to.include.members([
      "conv1_1.weight",
      "score_fr_sem.weight",
      "score_pool4_geo.bias",
      "upscore2_sem.weight",
      "upscore16_geo.weight",
    ]);
  });

  it("learn the sum of their losses, each with a skip of its own", () => {
    const options = { trunk: "lenet", width: 0.1, size: [12, 14] } as const;
    const both = multiHeadTraining({
      ...options,
      heads: { a: { variant: "2s", classes: 4 }, b: { variant: "4s", classes: 3 } },
      dropout: 0,
    });
    const weights = randomWeights(both);
    const given = { image: noise(12 * 14, 3), labels_a: labelsOf(12 * 14, 4), labels_b: labelsOf(12 * 14, 3) };
    const y = runReference(both, weights, given);
    expect(y.loss[0]).to.be.closeTo(y.loss_a[0]! + y.loss_b[0]!, 1e-12);
    expect(y.lossSum[0]).to.be.closeTo(168 * y.loss[0]!, 1e-9);
    // Each head alone, on the same weights.
    const alone = fcn({ ...options, variant: "2s", classes: 4 });
    const renamed = new Map([...weights].map(([name, value]) => [name.replace("_a.", "."), value]));
    expect(largestDifference(runReference(alone, renamed, { image: given.image }).scores, y.scores_a)).to.equal(0);
    expect(() => multiHeadFcn({ ...options, heads: {} })).to.throw(ShapeError, "there are no heads");
    expect(() => multiHeadFcn({ ...options, heads: { a: { variant: "8s", classes: 2 } } })).to.throw(ShapeError, "variant is 8s");
  });

  it("pad by as little as all of them need", () => {
    const options = { trunk: "vgg16", padding: "minimal", width: 1 / 64, size: [200, 200] } as const;
    const padding = (net: Graph<Names, Names>): number =>
      (topological(Object.values(net.outputs)).find(({ op }) => op === "conv2d")!.attrs as { padding: number[] }).padding[0]!;
    const head = (variant: string) => ({ variant, classes: 2 });
    expect(padding(multiHeadFcn({ ...options, heads: { a: head("8s"), b: head("16s") } }))).to.equal(73);
    expect(padding(multiHeadFcn({ ...options, heads: { a: head("8s") } }))).to.equal(69);
  });
});

describe("depth beside colour", () => {
  it("early: the fourth channel's filters are the mean of the colours'", () => {
    const trunk = earlyFusionTrunk("alexnet");
    const options = { variant: "32s", classes: 2, width: 1 / 96, size: [20, 20] } as const;
    const colour = fcn({ trunk: "alexnet", ...options });
    const net = fcn({ trunk, ...options });
    expect(net.inputs.image.shape).to.deep.equal([1, 4, 20, 20]);
    const trained = randomWeights(colour);
    const weights = earlyFusionWeights(trained, trunk);
    const image = noise(3 * 400, 4);
    const run = (depth: Float32Array): Float64Array | Int32Array =>
      runReference(net, weights, { image: Float32Array.from([...image, ...depth]) }).scores;
    const own = runReference(colour, trained, { image }).scores;
    expect(largestDifference(run(new Float32Array(400)), own)).to.equal(0);
    // A grey depth adds as much as a third of it in every colour.
    const depth = noise(400, 6);
    const greyer = image.map((v, i) => v + depth[i % 400]! / 3);
    const want = runReference(colour, trained, { image: greyer }).scores;
    expect(largestDifference(run(depth), want)).to.be.below(1e-5);
    expect(largestDifference(want, own)).to.be.above(1e-3);
    expect(() => earlyFusionTrunk("vgg16", 3)).to.throw(ShapeError, "channels is 3 but vgg16 takes 3 already");
    expect(() => earlyFusionWeights(weights, trunk)).to.throw(WeightsError, "but alexnet on 4 channels takes 4 channels");
    expect(() => earlyFusionWeights(new Map(), trunk)).to.throw(WeightsError, "there is no weight conv1.weight");
  });

  it("late: the scores are the mean of two nets' scores, upsampled once", () => {
    const options = { trunk: "lenet", variant: "2s", classes: 3, width: 0.1, size: [12, 15] } as const;
    const single = fcn(options);
    const net = lateFusionFcn({ ...options, streams: ["color", "hha"] });
    expect(net.params.map(({ name }) => name)).to.include.members([
      "conv1color.weight",
      "score_frhha.bias",
      "score_pool1color.weight",
    ]);
    expect(net.params.filter(({ name }) => name.startsWith("up")).map(({ name }) => name)).to.have.members([
      "upscore2.weight",
      "upscore_pool1.weight",
    ]);
    const [color, hha] = [randomWeights(single, 1), randomWeights(single, 2)];
    const { weights, report } = transplant(new Map([...streamWeights(color, "color"), ...streamWeights(hha, "hha")]), net);
    expect(report.initialised).to.deep.equal([]);
    const images = { color: noise(180, 1), hha: noise(180, 2) };
    const got = runReference(net, weights, images).scores;
    const [a, b] = [
      runReference(single, color, { image: images.color }).scores,
      runReference(single, hha, { image: images.hha }).scores,
    ];
    expect(
      largestDifference(
        got,
        Array.from(a, (v, i) => (v + b[i]!) / 2),
      ),
    ).to.be.below(1e-12);
  });

  it("late: streams drop on their own, and have names of their own", () => {
    const options = { trunk: "vgg16", variant: "32s", classes: 3, width: 1 / 64, size: [40, 40] } as const;
    const net = lateFusionTraining({ ...options, streams: ["color", "hha"] });
    const seeds = topological([net.outputs.loss])
      .filter(({ op }: Tensor) => op === "dropout")
      .map(({ attrs }) => (attrs as { seed: number }).seed);
    expect(seeds.sort()).to.deep.equal([0, 1, 2, 3]);
    expect(() => lateFusionFcn({ ...options, streams: ["a", "a"] })).to.throw(
      ShapeError,
      "streams are a, a: give each a name of its own",
    );
  });
});
