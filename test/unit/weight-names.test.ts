/** Weights of other libraries: their names, their batch normalisation, their pixels. Every net is built twice, by their rules and by the tables. */
import { expect } from "chai";
import {
  batchNorm,
  classifier,
  concat,
  conv2d,
  fcn,
  fcnLayers,
  fill,
  graph,
  input,
  maxPool2d,
  param,
  relu,
  scale,
  subtract,
  transplant,
  trunkOf,
  WeightsError,
  zeros,
  type Tensor,
  type TrunkName,
  type Weights,
} from "../../src/index.js";
import { runReference } from "../../src/reference/index.js";
import { uniform } from "../../src/tensor/random.js";
import { numel, type Shape } from "../../src/tensor/shape.js";
import {
  convertNames,
  convertPixels,
  foldBatchNorm,
  NAME_TABLES,
  nameTableOf,
  PIXELS,
  type NameTableName,
  type Pixels,
} from "../../src/weights/index.js";

const random = uniform(6);
const tensor = (shape: Shape, to: (r: number) => number = (r) => r - 0.5) => ({
  shape,
  data: Float32Array.from({ length: numel(shape) }, () => to(random())),
});

/** torchvision's vgg16 at a width of a few channels: name -> shape. */
function vgg(fc: readonly [string, string, string], asConvolutions: boolean): Weights {
  const indices = [0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28];
  const channels = [1, 1, 2, 2, 4, 4, 4, 8, 8, 8, 8, 8, 8];
  const convs = indices.map((index, i) => ({ name: `features.${index}`, shape: [channels[i]!, channels[i - 1] ?? 3, 3, 3] }));
  const full = [
    { name: fc[0], shape: asConvolutions ? [64, 8, 7, 7] : [64, 392] },
    { name: fc[1], shape: asConvolutions ? [64, 64, 1, 1] : [64, 64] },
    { name: fc[2], shape: [1000, 64] },
  ];
  return new Map(
    [...convs, ...full].flatMap(({ name, shape }) => [
      [`${name}.weight`, tensor(shape)] as const,
      [`${name}.bias`, tensor([shape[0]!])] as const,
    ]),
  );
}

describe("names of other libraries", () => {
  it("torchvision's and timm's vgg16 become the trunk, and FCN-32s", () => {
    const cases = [
      { table: "torchvision/vgg16", weights: vgg(["classifier.0", "classifier.3", "classifier.6"], false) },
      { table: "timm/vgg16", weights: vgg(["pre_logits.fc1", "pre_logits.fc2", "head.fc"], true) },
    ] as const;
    for (const { table, weights } of cases) {
      expect(nameTableOf(weights)).to.equal(table);
      const converted = convertNames(weights, table);
      expect(converted.trunk).to.equal("vgg16");
      expect(converted.dropped).to.deep.equal([]);
      const net = fcn({ trunk: "vgg16", variant: "32s", classes: 3, width: 1 / 64, size: [32, 32] });
      const { report } = transplant(converted.weights, net);
      expect(report.matched.length + report.reshaped.length).to.equal(30);
      expect(report.dropped).to.deep.equal(["fc8.weight", "fc8.bias"]);
      expect(converted.weights.get("conv5_3.weight")).to.equal(weights.get("features.28.weight"));
      expect(converted.weights.get("conv3_1.bias")).to.equal(weights.get("features.10.bias"));
    }
  });

  it("the tables have every layer of their trunks, once", () => {
    for (const [name, { trunk, layers }] of Object.entries(NAME_TABLES)) {
      const ours = layers.map(([, layer]) => layer);
      const weighted = trunkOf(trunk as TrunkName)
        .layers.filter(({ op }) => op === "conv" || op === "fullyConnected")
        .map((layer) => layer.name);
      expect(ours, name).to.have.members(weighted);
      expect(new Set(layers.map(([theirs]) => theirs)).size, name).to.equal(weighted.length);
    }
  });

  it("a net without its classification layer converts too; one with a layer missing is named", () => {
    const weights = new Map(vgg(["classifier.0", "classifier.3", "classifier.6"], false));
    weights.delete("classifier.6.weight");
    expect(convertNames(weights, "torchvision/vgg16").weights.has("fc8.weight")).to.equal(false);
    expect(convertNames(weights, "torchvision/vgg16").dropped).to.deep.equal(["classifier.6.bias"]);
    expect(() => convertNames(weights, "torchvision/alexnet")).to.throw(
      WeightsError,
      "torchvision/alexnet has features.3.weight, which is not among the 31 weights: these are the names of torchvision/vgg16",
    );
    weights.delete("features.7.weight");
    expect(() => convertNames(weights, "torchvision/vgg16")).to.throw(WeightsError, "has features.7.weight, which is not");
    expect(nameTableOf(weights)).to.equal(null);
    expect(() => convertNames(weights, "keras/vgg16" as NameTableName)).to.throw(WeightsError, "there is no table keras/vgg16");
  });

  it("torchvision's alexnet is the table alexnet-torchvision: its 61,100,840 parameters", () => {
    const { params } = classifier({ trunk: "alexnet-torchvision" });
    const shapes = new Map(params.map(({ name, shape }) => [name, shape]));
    expect(params.reduce((n, { shape }) => n + numel(shape), 0)).to.equal(61_100_840);
    expect(shapes.get("conv2.weight")).to.deep.equal([192, 64, 5, 5]);
    expect(shapes.get("fc6.weight")).to.deep.equal([4096, 9216]);
    // Given to CaffeNet's trunk by the same names, they do not fit, and surgery says so.
    const narrow: Weights = new Map(
      classifier({ trunk: "alexnet-torchvision", width: 1 / 32 }).params.map((p) => [p.name, tensor(p.shape)]),
    );
    expect(() => transplant(narrow, classifier({ trunk: "alexnet", width: 1 / 32 }))).to.throw(
      WeightsError,
      /conv1\.weight|conv2\.weight/,
    );
  });

  it("torchvision's googlenet is the table googlenet-torchvision: 6,624,904 parameters less what batch normalisation has twice", () => {
    const { params } = classifier({ trunk: "googlenet-torchvision" });
    // 57 convolutions have a bias here, and a factor and a summand there.
    const outputs = params
      .filter(({ name, shape }) => name.endsWith(".bias") && shape[0] !== 1000)
      .reduce((n, p) => n + p.shape[0]!, 0);
    expect(params.reduce((n, { shape }) => n + numel(shape), 0)).to.equal(6_624_904 - outputs);
  });

  it("torchvision's googlenet gives here what its own layers give, batch normalisation and all", () => {
    const net = googlenet();
    const image = tensor([1, 3, 64, 64], (r) => 255 * r).data;
    const { features } = runReference(net.graph, net.weights, { image });
    const { weights, trunk, atBorder, dropped, pixels } = convertNames(
      new Map([...net.weights, ...auxiliary()]),
      "torchvision/googlenet",
    );
    expect([trunk, atBorder, dropped]).to.deep.equal(["googlenet-torchvision", 0, []]);
    expect(pixels).to.deep.equal({ ...trunkOf("googlenet-torchvision").pixels });
    const own = graph({ image: input([1, 3, 64, 64]) }, ({ image: x }) => ({
      features: fcnLayers(x, { trunk: "googlenet-torchvision", variant: "32s", classes: 2, width: 1 / 16 }).layers.get(
        "inception_5b/output",
      )!,
    }));
    const { features: ours } = runReference(own, weights, { image: prepared(image, 64 * 64, pixels) });
    expect(ours.length).to.equal(features.length);
    const range = Math.max(...features) - Math.min(...features);
    expect(Math.max(...features)).to.be.above(0);
    ours.forEach((value, i) => expect(Math.abs(value - features[i]!)).to.be.below(1e-5 * range));
  });
});

/** Bytes in R, G, B planes as a net's input. */
function prepared(bytes: Float32Array, plane: number, { order, mean, scale }: Pixels): Float32Array {
  return bytes.map((_, i) => {
    const c = Math.floor(i / plane);
    const source = order === "rgb" ? c : mean.length - 1 - c;
    return (bytes[source * plane + (i % plane)]! - mean[c]!) * (typeof scale === "number" ? scale : scale[c]!);
  });
}

function auxiliary(): Weights {
  return new Map(["aux1.fc1.weight", "aux2.conv.bn.num_batches_tracked"].map((name) => [name, tensor([2])]));
}

/** torchvision's GoogLeNet (models/googlenet.py) at a sixteenth of its width, on bytes from 0 to 255. */
function googlenet() {
  const weights = new Map<string, { shape: Shape; data: Float32Array }>();
  const add = (name: string, shape: Shape, to?: (r: number) => number): Tensor => {
    weights.set(name, tensor(shape, to));
    return param(name, shape, zeros());
  };
  const built = graph({ image: input([1, 3, 64, 64]) }, ({ image }) => {
    const basic = (x: Tensor, name: string, channels: number, kernel: number, stride = 1): Tensor => {
      const c = Math.max(1, Math.round(channels / 16));
      const weight = add(`${name}.conv.weight`, [c, x.shape[1]!, kernel, kernel], (r) => (r - 0.4) / kernel / 2);
      const y = conv2d(x, weight, null, { stride, padding: (kernel - 1) / 2 });
      return relu(
        batchNorm(
          y,
          add(`${name}.bn.weight`, [c], (r) => r + 0.5),
          add(`${name}.bn.bias`, [c]),
          add(`${name}.bn.running_mean`, [c]),
          add(`${name}.bn.running_var`, [c], (r) => r / 100),
          { epsilon: 1e-3 },
        ),
      );
    };
    const pool = (x: Tensor, kernel: number): Tensor => maxPool2d(x, { kernel, stride: 2, ceil: true });
    const inception = (x: Tensor, name: string, [a, b1, b, c1, c, d]: readonly number[]): Tensor =>
      concat(
        [
          basic(x, `${name}.branch1`, a!, 1),
          basic(basic(x, `${name}.branch2.0`, b1!, 1), `${name}.branch2.1`, b!, 3),
          basic(basic(x, `${name}.branch3.0`, c1!, 1), `${name}.branch3.1`, c!, 3),
          basic(maxPool2d(x, { kernel: 3, stride: 1, padding: 1, ceil: true }), `${name}.branch4.1`, d!, 1),
        ],
        1,
      );
    // Normalised by ImageNet and undone by transform_input: from -1 to 1.
    const centre = (x: Tensor): Tensor => subtract(scale(x, 1 / 127.5), fill(x.shape, 1));
    let x = pool(basic(centre(image), "conv1", 64, 7, 2), 3);
    x = pool(basic(basic(x, "conv2", 64, 1), "conv3", 192, 3), 3);
    x = inception(inception(x, "inception3a", [64, 96, 128, 16, 32, 32]), "inception3b", [128, 128, 192, 32, 96, 64]);
    x = inception(pool(x, 3), "inception4a", [192, 96, 208, 16, 48, 64]);
    x = inception(x, "inception4b", [160, 112, 224, 24, 64, 64]);
    x = inception(x, "inception4c", [128, 128, 256, 24, 64, 64]);
    x = inception(x, "inception4d", [112, 144, 288, 32, 64, 64]);
    x = inception(x, "inception4e", [256, 160, 320, 32, 128, 128]);
    x = inception(pool(x, 2), "inception5a", [256, 160, 320, 32, 128, 128]);
    return { features: inception(x, "inception5b", [384, 192, 384, 48, 128, 128]) };
  });
  return { graph: built, weights };
}

describe("pixels", () => {
  const layer = { trained: tensor([2, 3, 3, 3]), bias: tensor([2]) };
  const weights: Weights = new Map([
    ["conv1.weight", layer.trained],
    ["conv1.bias", layer.bias],
    ["conv2.weight", tensor([1])],
  ]);
  const bytes = tensor([3, 6, 5], (r) => Math.floor(256 * r)).data;
  const outputs = (w: Weights, pixels: Pixels, padding: number): Float64Array =>
    runReference(
      graph({ x: input([1, 3, 6, 5]) }, ({ x }) => ({
        y: conv2d(x, param("conv1.weight", [2, 3, 3, 3], zeros()), param("conv1.bias", [2], zeros()), { padding }),
      })),
      w,
      { x: prepared(bytes, 30, pixels) },
    ).y as Float64Array;
  const largest = (a: Float64Array, b: Float64Array): number => Math.max(...a.map((v, i) => Math.abs(v - b[i]!)));
  const from = PIXELS.torchvision;

  it("of one mean: the same everywhere, padding too, whatever order and scale", () => {
    const mean = [...from.mean].reverse();
    for (const to of [
      { order: "bgr", mean, scale: 1 },
      { order: "rgb", mean: from.mean, scale: [1, 0.5, 2] },
    ] as const) {
      const { weights: converted, atBorder } = convertPixels(weights, { layer: "conv1", from, to });
      expect(atBorder).to.equal(0);
      for (const padding of [0, 1, 2])
        expect(largest(outputs(weights, from, padding), outputs(converted, to, padding))).to.be.below(1e-4);
      expect(converted.get("conv2.weight")).to.equal(weights.get("conv2.weight"));
    }
  });

  it("of another mean: the same where no padding is in the window, elsewhere within what is said", () => {
    const { weights: converted, atBorder } = convertPixels(weights, { layer: "conv1", from, to: PIXELS.caffe });
    expect(largest(outputs(weights, from, 0), outputs(converted, PIXELS.caffe, 0))).to.be.below(1e-4);
    const off = largest(outputs(weights, from, 1), outputs(converted, PIXELS.caffe, 1));
    expect(off).to.be.within(1e-3, atBorder);
    // Half a grey level of red, and less of the others: little, but not nothing.
    expect(atBorder).to.be.below(0.5);
  });

  it("of a single channel, and with a bias where there was none", () => {
    const one: Weights = new Map([["conv1.weight", tensor([2, 1, 3, 3])]]);
    const { weights: converted } = convertPixels(one, {
      layer: "conv1",
      from: { order: "rgb", mean: [0], scale: 1 / 256 },
      to: { order: "rgb", mean: [128], scale: 1 },
    });
    const sum = one
      .get("conv1.weight")!
      .data.slice(0, 9)
      .reduce((a, b) => a + b);
    expect(converted.get("conv1.bias")!.data[0]).to.be.closeTo(sum / 2, 1e-6);
    expect(converted.get("conv1.weight")!.data[3]).to.be.closeTo(one.get("conv1.weight")!.data[3]! / 256, 1e-9);
  });

  it("say which layer or mean does not fit", () => {
    expect(() => convertPixels(weights, { layer: "conv9", from, to: PIXELS.caffe })).to.throw(WeightsError, "no conv9.weight");
    const grey = { order: "rgb", mean: [0], scale: 1 } as const;
    expect(() => convertPixels(weights, { layer: "conv1", from: grey, to: PIXELS.caffe })).to.throw(
      WeightsError,
      "1 and 3 channels",
    );
  });

  it("batch normalisation that does not fit its convolution is refused", () => {
    const norm = { weight: tensor([2]), bias: tensor([2]), mean: tensor([2]), variance: tensor([2], () => -1), epsilon: 0 };
    expect(() => foldBatchNorm(layer.trained, undefined, norm)).to.throw(WeightsError, "the variance of channel 0 is -1");
    expect(() => foldBatchNorm(layer.trained, undefined, { ...norm, mean: tensor([3]) })).to.throw(
      WeightsError,
      "mean has 3 values",
    );
  });
});
