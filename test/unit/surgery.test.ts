import { expect } from "chai";
import {
  bilinear,
  classifier,
  conv2d,
  convolutionalClassifier,
  convolutionalWeight,
  fcn,
  gemm,
  graph,
  initialWeights,
  input,
  param,
  reshape,
  transplant,
  transpose,
  WeightsError,
  zeros,
  type Weights,
} from "../../src/index.js";
import { runReference } from "../../src/reference/index.js";
import { countingWeights } from "../harness/counting-weights.js";

const narrow = { trunk: "vgg16", classes: 5, width: 1 / 64, size: [40, 40], upsampling: "learned2x" } as const;

describe("net surgery", () => {
  it("carries every shared weight from 32s to 16s to 8s, bit for bit, and resets the upsampling to bilinear", () => {
    const stages = [
      {
        from: "32s",
        variant: "16s",
        added: ["score_pool4.weight", "score_pool4.bias"],
        upsampling: ["upscore2.weight", "upscore16.weight"],
        dropped: ["upscore.weight"],
      },
      {
        from: "16s",
        variant: "8s",
        added: ["score_pool3.weight", "score_pool3.bias"],
        upsampling: ["upscore2.weight", "upscore_pool4.weight", "upscore8.weight"],
        dropped: ["upscore16.weight"],
      },
    ];
    for (const { from, variant, added, upsampling, dropped } of stages) {
      const trained = countingWeights(fcn({ ...narrow, variant: from }));
      const net = fcn({ ...narrow, variant });
      const { weights: grown, report } = transplant(trained, net);
      expect(report.initialised).to.have.members(added);
      expect(report.upsampling).to.have.members(upsampling);
      expect(report.dropped).to.deep.equal(dropped);
      expect(report.reshaped).to.deep.equal([]);
      expect([...grown.keys()]).to.deep.equal(net.params.map((p) => p.name));
      for (const { name, shape } of net.params) {
        const { data } = grown.get(name)!;
        if (report.matched.includes(name)) expect(data, name).to.deep.equal(trained.get(name)!.data);
        else if (name.startsWith("up")) expect(data, name).to.deep.equal(bilinear()(shape, Math.random));
        else
          expect(
            data.every((v) => v === 0),
            name,
          ).to.equal(true);
      }
    }
  });

  it("reshapes fully connected layers: LeNet on its crop is its classifier, on a larger image the classifier slid by 4", () => {
    const small = { trunk: "lenet", width: 0.15 } as const;
    const from = classifier(small);
    const trained = initialWeights(from, 7);
    const to = convolutionalClassifier({ ...small, size: [36, 32] });
    const { weights, report } = transplant(trained, to);
    expect(report.reshaped.map(({ name, to: shape }) => [name, shape])).to.deep.equal([
      ["ip1.weight", [75, 8, 4, 4]],
      ["ip2.weight", [10, 75, 1, 1]],
    ]);
    expect([report.initialised, report.dropped, report.upsampling]).to.deep.equal([[], [], []]);

    const image = Float32Array.from({ length: 36 * 32 }, (_, i) => Math.sin(i * i));
    const map = runReference(to, weights, { image }).scores;
    for (let i = 0; i < 3; i++) {
      for (let j = 0; j < 2; j++) {
        const crop = Float32Array.from(
          { length: 28 * 28 },
          (_, p) => image[(4 * i + Math.floor(p / 28)) * 32 + 4 * j + (p % 28)]!,
        );
        const scores = runReference(from, trained, { image: crop }).scores;
        scores.forEach((score, k) => expect(map[(k * 3 + i) * 2 + j]).to.be.closeTo(score, 1e-12));
      }
    }
  });

  it("starts a net for segmentation from a classifier without its last layer", () => {
    const trained = initialWeights(classifier({ trunk: "lenet", width: 0.1 }), 3);
    const { report } = transplant(trained, fcn({ trunk: "lenet", variant: "2s", classes: 11, width: 0.1, size: [40, 40] }));
    expect(report.dropped).to.deep.equal(["ip2.weight", "ip2.bias"]);
    expect(report.initialised).to.have.members(["score_fr.weight", "score_fr.bias", "score_pool1.weight", "score_pool1.bias"]);
    expect(report.matched).to.include.members(["conv1.weight", "conv2.bias", "ip1.bias"]);
  });

  it("starts layers of another size anew, and says so", () => {
    const trained = countingWeights(fcn({ ...narrow, variant: "32s", classes: 7 }));
    const { weights, report } = transplant(trained, fcn({ ...narrow, variant: "32s" }));
    expect(report.dropped).to.have.members(["score_fr.weight", "score_fr.bias"]);
    expect(report.initialised).to.have.members(["score_fr.weight", "score_fr.bias"]);
    expect([...weights.get("score_fr.weight")!.data].every((v) => v === 0)).to.equal(true);
  });

  it("refuses a layer that would start at random, wholly or in part, unless it is allowed", () => {
    const net = fcn({ ...narrow, variant: "32s" });
    const trained = new Map(countingWeights(net));
    trained.delete("conv3_2.weight");
    trained.delete("conv3_2.bias");
    trained.set("conv3.2.weight", { shape: [1], data: new Float32Array(1) });
    expect(() => transplant(trained, net)).to.throw(
      WeightsError,
      'the weights have no conv3_2.weight [4, 4, 3, 3]; conv3_2.bias [4], which would start anew (left over: conv3.2.weight): check the names and sizes, or allow it: { allow: ["conv3_2"] }',
    );
    for (const allow of [["conv3_2", "conv3.2"], true] as const)
      expect(transplant(trained, net, { allow }).report.initialised).to.deep.equal(["conv3_2.weight", "conv3_2.bias"]);
    // A bias that is missing would be zero without a word.
    const half = new Map(countingWeights(net));
    half.delete("score_fr.bias");
    expect(() => transplant(half, net)).to.throw(WeightsError, "no score_fr.bias [5], which would start anew");
    // As many numbers, in another order: TensorFlow's kernels.
    const turned = new Map(countingWeights(net));
    turned.set("conv1_1.weight", { shape: [3, 3, 3, 1], data: new Float32Array(27).fill(1) });
    expect(() => transplant(turned, net)).to.throw(WeightsError, "no conv1_1.weight [1, 3, 3, 3], given as [3, 3, 3, 1]");
  });

  it("refuses a pretrained layer of nothing but zeros, unless it is allowed", () => {
    const net = fcn({ ...narrow, variant: "32s" });
    const zero = (name: string): Weights => {
      const weights = new Map(countingWeights(net));
      const { shape, data } = weights.get(name)!;
      return weights.set(name, { shape, data: new Float32Array(data.length) });
    };
    expect(() => transplant(zero("fc7.weight"), net)).to.throw(
      WeightsError,
      'fc7.weight of the weights hold nothing but zeros: they were never trained; load trained weights, or allow it: { allow: ["fc7"] }',
    );
    expect(transplant(zero("fc7.weight"), net, { allow: ["fc7"] }).report.initialised).to.deep.equal([]);
    // Biases of zero are nothing out of the ordinary, and upsampling is reset.
    for (const name of ["fc7.bias", "upscore.weight"]) transplant(zero(name), net);
  });

  it("prints what became of every parameter", () => {
    const from = initialWeights(classifier({ trunk: "lenet", width: 0.1 }), 3);
    const { report } = transplant(from, fcn({ trunk: "lenet", variant: "4s", classes: 3, width: 0.1, size: [40, 40] }));
    expect(report.toTable().split("\n")).to.deep.equal([
      "parameter        weights       graph          what",
      "---------------  ------------  -------------  -----------",
      "conv1.weight     [2, 1, 5, 5]  [2, 1, 5, 5]   matched",
      "conv1.bias       [2]           [2]            matched",
      "conv2.weight     [5, 2, 5, 5]  [5, 2, 5, 5]   matched",
      "conv2.bias       [5]           [5]            matched",
      "ip1.weight       [50, 80]      [50, 5, 4, 4]  reshaped",
      "ip1.bias         [50]          [50]           matched",
      "score_fr.weight                [3, 50, 1, 1]  initialised",
      "score_fr.bias                  [3]            initialised",
      "upscore.weight                 [3, 3, 8, 8]   upsampling",
      "ip2.weight       [10, 50]                     dropped",
      "ip2.bias         [10]                         dropped",
      "5 matched, 1 reshaped, 1 upsampling, 2 initialised, 2 dropped",
    ]);
  });

  it("refuses weights that have nothing in common with the graph, or are damaged", () => {
    const net = fcn({ ...narrow, variant: "32s" });
    const other: Weights = new Map([["block1.kernel", { shape: [1], data: new Float32Array(1) }]]);
    expect(() => transplant(other, net)).to.throw(
      WeightsError,
      "none of the 1 weights (block1.kernel) fits a parameter of the graph (conv1_1.weight, conv1_1.bias, conv1_2.weight, ...)",
    );
    const damaged = new Map([["conv1_1.bias", { shape: [1], data: new Float32Array(2) }]]);
    expect(() => transplant(damaged, net)).to.throw(WeightsError, "conv1_1.bias has 2 values but its shape [1] takes 1");
  });
});

describe("convolutionalWeight", () => {
  const [c, h, w] = [3, 2, 4] as const;
  const x = Float32Array.from({ length: c * h * w }, (_, i) => i - 7);
  const weight = { shape: [5, c * h * w], data: Float32Array.from({ length: 5 * c * h * w }, (_, i) => (i % 13) - 6) };

  for (const order of ["channel-first", "channel-last"] as const) {
    it(`gives the convolution of a layer behind a ${order} flatten`, () => {
      const dense = graph({ x: input([1, c, h, w]) }, ({ x }) => ({
        y: gemm(
          reshape(order === "channel-first" ? x : transpose(x, [0, 2, 3, 1]), [1, c * h * w]),
          param("w", weight.shape, zeros()),
          null,
          { transB: true },
        ),
      }));
      const convolution = graph({ x: input([1, c, h, w]) }, ({ x }) => ({
        y: conv2d(x, param("w", [5, c, h, w], zeros()), null),
      }));
      const { y } = runReference(dense, new Map([["w", weight]]), { x });
      expect(runReference(convolution, new Map([["w", convolutionalWeight(weight, [c, h, w], order)]]), { x }).y).to.deep.equal(
        y,
      );
    });
  }

  it("refuses a weight that does not take such a map", () => {
    expect(() => convolutionalWeight(weight, [3, 2, 5])).to.throw(
      WeightsError,
      "the weight is [5, 24] but a map [3, 2, 5] has 30 elements: it must be [O, 30]",
    );
  });
});
