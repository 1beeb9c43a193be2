/** Net surgery, what it resets and what it may leave out: by how a net was made, not by what its layers are called. */
import { expect } from "chai";
import {
  bilinear,
  classifier,
  conv2d,
  convolutionalize,
  fcn,
  gemm,
  graph,
  heNormal,
  initialWeights,
  input,
  lateFusionFcn,
  multiHeadFcn,
  param,
  reshape,
  streamWeights,
  transplant,
  trunkOf,
  WeightsError,
  zeros,
  type Param,
  type Trunk,
  type TrunkLayer,
  type Weights,
} from "../../src/index.js";
import { classificationLayer } from "../../src/fcn/trunk.js";
import { TRUNK_NAMES } from "../../src/fcn/trunks.js";
import { countingWeights } from "../harness/counting-weights.js";

const conv = (name: string, channels: number): TrunkLayer => ({ op: "conv", name, channels, kernel: 3, padding: 1, relu: true });

/** A table of one's own whose names look like a head's, and whose head's do not. */
const oddlyNamed: Trunk = {
  name: "oddly named",
  layers: [
    conv("upsilon", 4),
    { op: "maxPool", name: "pool", kernel: 2, stride: 2 },
    conv("group2", 4),
    conv("scoreboard", 6),
    { op: "fullyConnected", name: "groups", channels: 7, extent: 4, relu: false },
  ],
  classifierOnly: ["groups"],
  crop: { channels: 3, size: 8 },
  caffePadding: 4,
  init: heNormal,
  bias: { lrMult: 1, decayMult: 1 },
  pixels: trunkOf("vgg16").pixels,
  heads: {
    "2s": { skips: [], upsampling: "deconv" },
    "1s": { skips: [{ from: "upsilon", upsampling: "finer" }], upsampling: "last" },
  },
};

const narrow = { trunk: "vgg16", classes: 5, width: 1 / 64, size: [40, 40] } as const;

describe("net surgery by what nets are made of", () => {
  it("resets what starts as bilinear, whatever its name, and nothing else: trunks may say group2, upsilon, scoreboard", () => {
    const net = fcn({ trunk: oddlyNamed, variant: "2s", classes: 3, size: [8, 8], upsampling: "learned" });
    const trained = countingWeights(net);
    const { weights, report } = transplant(trained, net);
    expect(report.upsampling).to.deep.equal(["deconv.weight"]);
    expect(weights.get("deconv.weight")!.data).to.deep.equal(bilinear()([3, 3, 4, 4], Math.random));
    for (const layer of ["upsilon", "group2", "scoreboard", "score_fr"]) {
      expect(report.matched).to.include.members([`${layer}.weight`, `${layer}.bias`]);
      expect(weights.get(`${layer}.weight`)!.data, layer).to.deep.equal(trained.get(`${layer}.weight`)!.data);
    }
  });

  it("refuses weights that the graph has no place for: VGG19's in VGG16's net", () => {
    const narrowly = { classes: 21, width: 1 / 64, variant: "32s", size: [40, 40] } as const;
    const deep = countingWeights(classifier({ trunk: "vgg19", width: 1 / 64 }));
    const net = fcn({ ...narrowly, trunk: "vgg16" });
    const lost = ["conv3_4", "conv4_4", "conv5_4"];
    expect(() => transplant(deep, net)).to.throw(
      WeightsError,
      'the graph has no conv3_4.weight [4, 4, 3, 3]; conv3_4.bias [4]; conv4_4.weight [8, 8, 3, 3]; conv4_4.bias [8]; conv5_4.weight [8, 8, 3, 3]; conv5_4.bias [8], which the weights hold: they are of another net, or go by other names; build the net that they belong to, or leave out what it does without: { allow: ["conv3_4","conv4_4","conv5_4"] }',
    );
    expect(() => transplant(deep, net, { allow: lost.slice(0, 2) })).to.throw(WeightsError, "the graph has no conv5_4.weight");
    for (const allow of [lost, true] as const)
      expect(transplant(deep, net, { allow }).report.dropped.filter((name) => name.endsWith("weight"))).to.deep.equal([
        ...lost.map((layer) => `${layer}.weight`),
        "fc8.weight",
      ]);
    // The right trunk needs no permission, and a bias that has no place is as lost as a layer.
    transplant(deep, fcn({ ...narrowly, trunk: "vgg19" }));
    const biased = graph({ x: input([1, 1, 4, 4]) }, ({ x }) => ({
      y: conv2d(x, param("c.weight", [1, 1, 3, 3], zeros()), null),
    }));
    const one = (n: number) => ({ shape: [n], data: new Float32Array(n).fill(1) });
    const given: Weights = new Map([
      ["c.weight", { shape: [1, 1, 3, 3], data: new Float32Array(9).fill(1) }],
      ["c.bias", one(1)],
    ]);
    expect(() => transplant(given, biased)).to.throw(WeightsError, "the graph has no c.bias [1]");
  });

  it("drops what nets leave out by their making: classification layers, side classifiers, other heads, under any suffix", () => {
    const dropped = (from: Weights, to: { readonly params: readonly Param[] }): string[] =>
      transplant(from, to).report.dropped.filter((name) => !name.endsWith(".bias"));
    const width = 1 / 64;
    const size = [64, 64] as const;
    for (const trunk of TRUNK_NAMES) {
      const last = classificationLayer(trunkOf(trunk))!.name;
      const from = countingWeights(classifier({ trunk, width }));
      for (const variant of Object.keys(trunkOf(trunk).heads))
        expect(dropped(from, fcn({ trunk, variant, classes: 3, width, size })), trunk).to.deep.equal([`${last}.weight`]);
      expect(dropped(from, convolutionalize(classifier({ trunk, width })).graph), trunk).to.deep.equal([`${last}.weight`]);
    }
    // bvlc_googlenet.caffemodel holds the two classifiers at the side, which the classifier here has not either.
    const side = { shape: [1, 1, 1, 1], data: new Float32Array(1).fill(1) };
    const google = new Map([
      ...countingWeights(classifier({ trunk: "googlenet", width })),
      ["loss1/conv.weight", side],
      ["loss2/fc.weight", side],
    ]);
    expect(dropped(google, classifier({ trunk: "googlenet", width }))).to.deep.equal(["loss1/conv.weight", "loss2/fc.weight"]);
    const eight = countingWeights(fcn({ ...narrow, variant: "8s" }));
    expect(dropped(eight, fcn({ ...narrow, variant: "32s" }))).to.deep.equal([
      "upscore2.weight",
      "score_pool4.weight",
      "upscore_pool4.weight",
      "score_pool3.weight",
      "upscore8.weight",
    ]);
    // From one head to two, and back; from a classifier to two streams.
    const { variant: _variant, ...shared } = { ...narrow, variant: "16s" };
    const heads = { sem: { variant: "16s", classes: 5 }, geo: { variant: "32s", classes: 2 } };
    const two = multiHeadFcn({ ...shared, heads });
    expect(dropped(eight, two)).to.include.members(["score_fr.weight", "upscore8.weight"]);
    expect(dropped(countingWeights(two), fcn({ ...narrow, variant: "8s" }))).to.include.members([
      "score_fr_geo.weight",
      "upscore_geo.weight",
    ]);
    const vgg = countingWeights(classifier({ trunk: "vgg16", width }));
    const late = lateFusionFcn({ ...narrow, variant: "32s", streams: ["color", "hha"] });
    const streams = new Map([...streamWeights(vgg, "color"), ...streamWeights(vgg, "hha")]);
    expect(dropped(streams, late)).to.deep.equal(["fc8color.weight", "fc8hha.weight"]);
    // A table of one's own, with names of its own: its head's other variant too.
    const other = fcn({ trunk: oddlyNamed, variant: "1s", classes: 3, size: [8, 8] });
    expect(dropped(countingWeights(fcn({ trunk: oddlyNamed, variant: "2s", classes: 3, size: [8, 8] })), other)).to.deep.equal([
      "deconv.weight",
    ]);
    expect(dropped(countingWeights(classifier({ trunk: oddlyNamed })), other)).to.deep.equal(["groups.weight"]);
    // A classifier of one's own, made convolutional.
    const own = graph({ x: input([1, 2, 4, 4]) }, ({ x }) => ({
      y: gemm(
        reshape(conv2d(x, param("c.weight", [3, 2, 3, 3], heNormal()), null), [1, 12]),
        param("fc.weight", [5, 12], heNormal()),
        null,
        { transB: true },
      ),
    }));
    expect(dropped(initialWeights(own), convolutionalize(own).graph)).to.deep.equal(["fc.weight"]);
    // And a graph of one's own that says so.
    const says = graph({ x: input([1, 2, 4, 4]) }, ({ x }) => ({
      y: conv2d(x, param("c.weight", [3, 2, 3, 3], heNormal(), { leavesOut: ["f*"] }), null),
    }));
    expect(dropped(initialWeights(own), says)).to.deep.equal(["fc.weight"]);
  }).timeout(60_000);
});
