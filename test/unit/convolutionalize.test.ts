/** Classifiers as fully convolutional nets, from graph to graph, on the CPU reference. */
import { expect } from "chai";
import {
  add,
  averagePool2d,
  batchNorm,
  classifier,
  classifierTraining,
  concat,
  constant,
  conv2d,
  convolutionalClassifier,
  convolutionalize,
  dropout,
  flatten,
  gemm,
  globalAveragePool,
  graph,
  heNormal,
  initialWeights,
  input,
  matmul,
  maxPool2d,
  multiply,
  param,
  relu,
  reshape,
  resize,
  ShapeError,
  softmax,
  transpose,
  trunkOf,
  WeightsError,
  zeros,
  type Graph,
  type Names,
  type Tensor,
  type Trunk,
  type TrunkName,
  type Weights,
} from "../../src/index.js";
import { runReference } from "../../src/reference/index.js";
import { uniform } from "../../src/tensor/random.js";
import { numel } from "../../src/tensor/shape.js";
import { topological } from "../../src/tensor/tensor.js";

type Net = Graph<{ readonly image: Tensor }, { readonly scores: Tensor }>;

function noise(shape: readonly number[], seed = 3): Float32Array {
  const random = uniform(seed);
  return Float32Array.from({ length: numel(shape) }, () => 2 * random() - 1);
}

/** Biases too, and LRN's squares large enough to matter. */
function weightsOf(net: Graph<Names, Names>): Weights {
  const random = uniform(9);
  return new Map(
    [...initialWeights(net)].map(([name, { shape, data }]) => [
      name,
      { shape, data: name.endsWith(".bias") ? data.map(() => 0.2 * (random() - 0.3)) : data },
    ]),
  );
}

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).to.equal(b.length);
  return Array.from(a).reduce((most, v, i) => Math.max(most, Math.abs(v - b[i]!)), 0);
}

const largest = (values: ArrayLike<number>): number => Array.from(values).reduce((most, v) => Math.max(most, Math.abs(v)), 0);

/** The scores of `dense` at each place are those of `net` on the crop there, `stride` pixels apart. */
function expectSlid(net: Net, dense: Net, trained: Weights, weights: Weights, stride: number): void {
  const [, channels, size] = net.inputs.image.shape as [number, number, number, number];
  const [, , h, w] = dense.inputs.image.shape as [number, number, number, number];
  const image = noise(dense.inputs.image.shape);
  const map = runReference(dense, weights, { image }).scores;
  const [, classes, rows, columns] = dense.outputs.scores.shape as [number, number, number, number];
  expect([rows, columns]).to.deep.equal([Math.floor((h - size) / stride) + 1, Math.floor((w - size) / stride) + 1]);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      const crop = Float32Array.from({ length: channels * size * size }, (_, p) => {
        const [c, y, x] = [Math.floor(p / size / size), Math.floor(p / size) % size, p % size];
        return image[(c * h + i * stride + y) * w + j * stride + x]!;
      });
      const { scores } = runReference(net, trained, { image: crop });
      const here = Array.from({ length: classes }, (_, k) => map[(k * rows + i) * columns + j]!);
      expect(largestDifference(here, scores) / largest(scores), `place ${i}, ${j}`).to.be.below(1e-10);
      expect(largest(scores)).to.be.above(0);
    }
  }
}

describe("convolutionalize", () => {
  const widths: Readonly<Record<TrunkName, number>> = {
    lenet: 0.1,
    alexnet: 1 / 48,
    "alexnet-bvlc": 1 / 48,
    "alexnet-torchvision": 1 / 48,
    vgg16: 1 / 64,
    vgg19: 1 / 64,
    googlenet: 1 / 32,
    "googlenet-torchvision": 1 / 32,
    squeezenet: 1 / 32,
  };
  for (const [trunk, width] of Object.entries(widths) as [TrunkName, number][]) {
    it(`gives ${trunk}'s own scores on its training crop, as a map of 1 x 1`, () => {
      const net = classifier({ trunk, width, classes: 6 });
      const { graph: dense, weights, dropped } = convolutionalize(net, { classification: "keep" });
      expect(dense.outputs.scores.shape).to.deep.equal([1, 6, 1, 1]);
      expect(dropped).to.deep.equal([]);
      expect(topological([dense.outputs.scores]).filter(({ op }) => op === "matmul")).to.deep.equal([]);
      const dropouts = (of: Tensor): number => topological([of]).filter(({ op }) => op === "dropout").length;
      expect(dropouts(dense.outputs.scores)).to.equal(dropouts(net.outputs.scores));
      const trained = weightsOf(net);
      const image = noise(net.inputs.image.shape);
      const want = runReference(net, trained, { image }).scores;
      expect(largest(want)).to.be.above(0);
      expect(largestDifference(runReference(dense, weights(trained), { image }).scores, want) / largest(want)).to.be.below(1e-10);
    }).timeout(120_000);
  }

  it("has maps of the derived sizes at full width", () => {
    const map = (trunk: TrunkName, size: number): readonly number[] =>
      convolutionalClassifier({ trunk, size: [size, size] }).outputs.scores.shape.slice(2);
    expect([227, 451, 500].map((size) => map("alexnet", size)[0])).to.deep.equal([1, 8, 10]);
    expect(map("vgg19", 256)).to.deep.equal([2, 2]);
    expect(map("googlenet", 256)).to.deep.equal([2, 2]);
    expect(map("squeezenet", 259)).to.deep.equal([3, 3]);
    expect(map("lenet", 64)).to.deep.equal([10, 10]);
  });

  it("is the classifier slid over the image where no layer pads: LeNet", () => {
    const net = classifier({ trunk: "lenet", width: 0.1 });
    const { graph: dense, weights } = convolutionalize(net, { classification: "keep", size: [36, 32] });
    const trained = weightsOf(net);
    expectSlid(net, dense, trained, weights(trained), 4);
  });

  it("is the classifier slid over the image where no layer pads: AlexNet with its pads set to 0", () => {
    const alexnet = trunkOf("alexnet");
    const layers = alexnet.layers.map((layer) =>
      layer.op === "conv" ? { ...layer, padding: 0 } : layer.name === "fc6" ? { ...layer, extent: 2 } : layer,
    );
    const trunk: Trunk = { ...alexnet, name: "alexnet without pads", layers };
    const net = classifier({ trunk, width: 1 / 48, classes: 5, dropout: 0 });
    const { graph: dense, weights } = convolutionalize(net, { classification: "keep", size: [259, 262] });
    const trained = weightsOf(net);
    expectSlid(net, dense, trained, weights(trained), 32);
  }).timeout(120_000);

  it("drops the classification layer, and a global pool with it, unless told to slide it", () => {
    const shape = (trunk: TrunkName, options = {}): readonly number[] =>
      convolutionalize(classifier({ trunk }), options).graph.outputs.scores.shape.slice(1);
    expect(shape("vgg16")).to.deep.equal([4096, 1, 1]);
    expect(shape("lenet", { size: [64, 64] })).to.deep.equal([500, 10, 10]);
    expect(shape("googlenet")).to.deep.equal([1024, 7, 7]);
    expect(shape("googlenet", { globalPool: "slide" })).to.deep.equal([1024, 1, 1]);
    expect(shape("squeezenet")).to.deep.equal([512, 14, 14]);
    expect(shape("squeezenet", { classification: "keep", globalPool: "drop" })).to.deep.equal([1000, 14, 14]);
    const { dropped, converted } = convolutionalize(classifier({ trunk: "alexnet" }));
    expect(dropped).to.deep.equal(["fc8.weight", "fc8.bias"]);
    expect(converted).to.deep.equal([
      { name: "fc6.weight", from: [4096, 9216], to: [4096, 256, 6, 6] },
      { name: "fc7.weight", from: [4096, 4096], to: [4096, 4096, 1, 1] },
    ]);
    // The dropout in front of the classification layer stays.
    const { scores } = convolutionalize(classifier({ trunk: "squeezenet" })).graph.outputs;
    expect(scores.op).to.equal("dropout");
  });

  it("is built again for another size and batch, and starts from the same numbers", () => {
    const net = classifier({ trunk: "lenet", width: 0.1 });
    const { graph: dense, weights } = convolutionalize(net, { classification: "keep", batch: 2, size: [40, 44] });
    expect(dense.outputs.scores.shape).to.deep.equal([2, 10, 4, 5]);
    expect(dense.resize({ image: [3, 1, 28, 32] }).outputs.scores.shape).to.deep.equal([3, 10, 1, 2]);
    expect([...initialWeights(dense, 5)]).to.deep.equal([...weights(initialWeights(net, 5))]);
    expect(() => dense.resize({ image: [1, 1, 20, 20] })).to.throw(ShapeError, "conv2d: the kernel");
  });
});

describe("convolutionalize, on nets of one's own", () => {
  /** 3 -> 4 channels at half size: [N, 4, 3, 5] of [N, 3, 6, 10]. */
  const features = (image: Tensor): Tensor =>
    maxPool2d(relu(conv2d(image, param("a", [4, 3, 3, 3], heNormal()), param("a.bias", [4], zeros()), { padding: [1, 1] })), {
      kernel: 2,
    });
  const own = (build: (features: Tensor) => Tensor): Net =>
    graph({ image: input([1, 3, 6, 10]) }, ({ image }) => ({ scores: build(features(image)) }));
  const weight = (...shape: number[]): Tensor => param("fc.weight", shape, heNormal());
  const bias = (...shape: number[]): Tensor => param("fc.bias", shape, constant(0.25));

  const kinds: Readonly<Record<string, (x: Tensor) => Tensor>> = {
    "matmul and a bias added": (x) => add(matmul(flatten(x), weight(60, 7)), bias(7)),
    "matmul and a bias of a row": (x) => add(bias(1, 7), matmul(reshape(x, [1, 60]), weight(60, 7))),
    "gemm behind channels moved to the back": (x) =>
      gemm(reshape(transpose(x, [0, 2, 3, 1]), [1, 60]), weight(7, 60), bias(7), { transB: true }),
    "two layers, normalised, with a softmax": (x) => {
      const first = relu(gemm(flatten(x), param("first", [9, 60], heNormal()), null, { transB: true }));
      const channel = (name: string): Tensor => param(name, [9], constant(0.5));
      const normal = batchNorm(dropout(first), channel("scale"), channel("shift"), channel("mean"), channel("variance"));
      return softmax(multiply(gemm(normal, weight(7, 9), bias(7), { transB: true }), param("temperature", [], constant(3))));
    },
    "a global average pool": (x) => gemm(flatten(globalAveragePool(x)), weight(7, 4), bias(7), { transB: true }),
    "an average pool of the whole map": (x) =>
      gemm(flatten(averagePool2d(x, { kernel: [3, 5] })), weight(7, 4), bias(7), { transB: true }),
    "branches that join": (x) =>
      gemm(flatten(concat([x, add(x, conv2d(x, param("b", [4, 4, 1, 1], heNormal()), null))], 1)), weight(7, 120), bias(7), {
        transB: true,
      }),
  };
  for (const [kind, build] of Object.entries(kinds)) {
    it(`converts ${kind}`, () => {
      const net = own(build);
      const trained = weightsOf(net);
      const { graph: dense, weights } = convolutionalize(net, { classification: "keep" });
      const image = noise([1, 3, 6, 10]);
      const want = runReference(net, trained, { image }).scores;
      expect(dense.outputs.scores.shape).to.deep.equal([1, 7, 1, 1]);
      expect(largestDifference(runReference(dense, weights(trained), { image }).scores, want)).to.be.below(1e-12);
      expect(dense.resize({ image: [1, 3, 8, 14] }).outputs.scores.shape).to.deep.equal([1, 7, 2, 3]);
    });
  }

  it("folds a bias that is added into the convolution", () => {
    const { graph: dense } = convolutionalize(own(kinds["matmul and a bias added"]!), { classification: "keep" });
    expect(dense.outputs.scores.op).to.equal("conv2d");
    expect(dense.outputs.scores.inputs.length).to.equal(3);
  });

  it("takes weights that were flattened in another order than the net flattens", () => {
    const first = own(kinds["gemm behind channels moved to the back"]!);
    const second = own((x) => gemm(flatten(x), weight(7, 60), bias(7), { transB: true }));
    const trained = weightsOf(first);
    const image = noise([1, 3, 6, 10]);
    const want = runReference(first, trained, { image }).scores;
    const { graph: dense, weights } = convolutionalize(second, { classification: "keep" });
    const got = (order?: "channel-last"): number =>
      largestDifference(runReference(dense, weights(trained, order ? { order } : {}), { image }).scores, want);
    expect(got("channel-last")).to.be.below(1e-12);
    expect(got()).to.be.above(0.1);
  });

  it("takes weights that are kernels already, and refuses those of other shapes", () => {
    const net = own((x) => gemm(flatten(x), weight(7, 60), bias(7), { transB: true }));
    const { weights } = convolutionalize(net, { classification: "keep" });
    const trained = weightsOf(net);
    const converted = weights(trained);
    expect(weights(converted).get("fc.weight")).to.equal(converted.get("fc.weight"));
    const other = new Map(trained).set("fc.weight", { shape: [7, 61], data: new Float32Array(7 * 61) });
    expect(() => weights(other)).to.throw(WeightsError, "fc.weight is [7, 61] but the net takes [7, 60] or [7, 4, 3, 5]");
    other.delete("a");
    expect(() => weights(other)).to.throw(WeightsError, "there is no weight a among the 3 given (a.bias, fc.weight, fc.bias");
  });

  it("refuses nets that cannot slide, naming the node and why", () => {
    const gemmOf = (x: Tensor, k: number): Tensor => gemm(x, weight(7, k), bias(7), { transB: true });
    const refused: readonly (readonly [(x: Tensor) => Tensor, string])[] = [
      [
        (x) => gemmOf(flatten(resize(x, { size: [2, 2] })), 16),
        "resize [1, 4, 2, 5] cannot slide over an image: its result depends on the size",
      ],
      [
        (x) => gemmOf(flatten(softmax(x, { axes: [2, 3] })), 60),
        "softmax [1, 4, 3, 5] cannot slide over an image: it runs over axes [2, 3]",
      ],
      [
        (x) => gemmOf(flatten(reshape(x, [1, 4, 5, 3])), 60),
        "reshape [1, 4, 5, 3] cannot slide over an image: maxPool2d [1, 4, 3, 5] is neither flattened",
      ],
      [(x) => gemmOf(flatten(transpose(x, [0, 1, 3, 2])), 60), "it permutes axes by [0, 1, 3, 2]"],
      [(x) => matmul(x, weight(5, 7)), "it takes a map that is not flattened"],
      [
        (x) => gemm(flatten(x), relu(weight(7, 60)), null, { transB: true }),
        "its weight, relu [7, 60], is no parameter of rank 2",
      ],
      [(x) => gemm(flatten(x), weight(7, 60), bias(7), { transB: true, alpha: 2 }), "it is scaled or transposed (alpha 2"],
      [
        (x) => gemmOf(flatten(add(x, param("map", [4, 3, 5], zeros()))), 60),
        "its operand param map [4, 3, 5] differs from place to place",
      ],
    ];
    for (const [build, message] of refused)
      expect(() => convolutionalize(own(build), { classification: "keep" }), message).to.throw(ShapeError, message);
    expect(() => convolutionalize(classifierTraining({ trunk: "lenet" }))).to.throw(
      ShapeError,
      "the net has inputs image, labels: build it without labels",
    );
    expect(() => convolutionalize(own((x) => add(x, relu(x))))).to.throw(ShapeError, "add [1, 4, 3, 5] joins 2 branches");
    const several = graph({ image: input([1, 3, 6, 10]) }, ({ image }) => ({ a: features(image), b: relu(image) }));
    expect(() => convolutionalize(several)).to.throw(ShapeError, "the net has outputs a, b: say which by the option output");
    expect(() => convolutionalize(several, { output: "b" })).to.throw(ShapeError, "the net has no layer with weights");
    expect(convolutionalize(several, { output: "a" }).graph.outputs.a.shape).to.deep.equal([1, 3, 6, 10]);
  });
});
