/**
 * torchvision's AlexNet and VGG16 and timm's VGG16 by their own rules (models/alexnet.py, models/vgg.py, timm/models/vgg.py): `features` by its indices, the map
 * flattened channel first, Linear as PyTorch defines it. The trunks, with the weights by convertNames, give the same scores.
 */
import { expect } from "chai";
import {
  classifier,
  conv2d,
  convolutionalClassifier,
  graph,
  input,
  maxPool2d,
  param,
  relu,
  transplant,
  zeros,
  type Tensor,
  type Weights,
} from "../../src/index.js";
import { runReference } from "../../src/reference/index.js";
import { uniform } from "../../src/tensor/random.js";
import { numel, type Shape } from "../../src/tensor/shape.js";
import { convertNames, PIXELS, type NameTableName, type Pixels } from "../../src/weights/index.js";
import { difference } from "../harness/difference.js";

const SIZE = 224;
const CLASSES = 5;

/** A module of `features`. Behind each convolution is a ReLU with an index of its own. */
type Module =
  | { readonly channels: number; readonly kernel: number; readonly stride?: number; readonly padding: number }
  | { readonly pool: number };

interface TorchNet {
  readonly table: NameTableName;
  readonly width: number;
  readonly features: readonly Module[];
  /** Names of the three Linear modules; timm has the first two as convolutions. */
  readonly linear: readonly string[];
  readonly asConvolutions?: true;
  /** Outputs of the first two. */
  readonly hidden: number;
}

const conv3 = (channels: number): Module => ({ channels, kernel: 3, padding: 1 });
const vgg16 = (width: number): Module[] =>
  [
    [64, 64],
    [128, 128],
    [256, 256, 256],
    [512, 512, 512],
    [512, 512, 512],
  ].flatMap((block) => [...block.map((channels) => conv3(channels * width)), { pool: 2 }]);

const NETS: readonly TorchNet[] = [
  {
    table: "torchvision/alexnet",
    width: 1 / 32,
    features: [
      { channels: 2, kernel: 11, stride: 4, padding: 2 },
      { pool: 3 },
      { channels: 6, kernel: 5, padding: 2 },
      { pool: 3 },
      conv3(12),
      conv3(8),
      conv3(8),
      { pool: 3 },
    ],
    linear: ["classifier.1", "classifier.4", "classifier.6"],
    hidden: 128,
  },
  {
    table: "torchvision/vgg16",
    width: 1 / 64,
    features: vgg16(1 / 64),
    linear: ["classifier.0", "classifier.3", "classifier.6"],
    hidden: 64,
  },
  {
    table: "timm/vgg16",
    width: 1 / 64,
    features: vgg16(1 / 64),
    linear: ["pre_logits.fc1", "pre_logits.fc2", "head.fc"],
    asConvolutions: true,
    hidden: 64,
  },
];

/** The net's weights by its own names, and its scores of pixels [3, 224, 224] of 0 to 255. */
function built({ features, linear, asConvolutions, hidden }: TorchNet) {
  const random = uniform(7);
  const weights = new Map<string, { shape: Shape; data: Float32Array }>();
  const draw = (name: string, shape: Shape, range: number): void => {
    weights.set(name, { shape, data: Float32Array.from({ length: numel(shape) }, () => range * (random() - 0.4)) });
  };
  const net = graph({ image: input([1, 3, SIZE, SIZE]) }, ({ image }) => {
    let [x, index]: [Tensor, number] = [image, 0];
    for (const module of features) {
      if ("pool" in module) {
        x = maxPool2d(x, { kernel: module.pool, stride: 2 });
        index += 1;
        continue;
      }
      const { channels, kernel, stride = 1, padding } = module;
      const name = `features.${index}`;
      const shape = [channels, x.shape[1]!, kernel, kernel];
      draw(`${name}.weight`, shape, 4 / kernel / Math.sqrt(shape[1]!));
      draw(`${name}.bias`, [channels], 0.5);
      const weight = param(`${name}.weight`, shape, zeros());
      x = relu(conv2d(x, weight, param(`${name}.bias`, [channels], zeros()), { stride, padding }));
      index += 2;
    }
    return { map: x };
  });
  // AdaptiveAvgPool2d is the identity here: at 224 the map has the size that it makes.
  const [, channels, extent] = net.outputs.map.shape as [number, number, number, number];
  const widths = [channels * extent * extent, hidden, hidden, CLASSES];
  for (const [i, name] of linear.entries()) {
    const [inputs, outputs] = [widths[i]!, widths[i + 1]!];
    const kernel = i === 0 ? [channels, extent, extent] : [inputs, 1, 1];
    draw(`${name}.weight`, asConvolutions && i < 2 ? [outputs, ...kernel] : [outputs, inputs], 4 / Math.sqrt(inputs));
    draw(`${name}.bias`, [outputs], 0.5);
  }
  const scores = (bytes: Float32Array): number[] => {
    // Row-major [1, C, H, W]: flattened as torch.flatten does.
    let x = Array.from(runReference(net, weights, { image: prepared(bytes, PIXELS.torchvision) }).map);
    for (const [i, name] of linear.entries()) {
      const [weight, bias] = [weights.get(`${name}.weight`)!.data, weights.get(`${name}.bias`)!.data];
      const y = Array.from(bias, (b, o) => x.reduce((sum, v, k) => sum + v * weight[o * x.length + k]!, b));
      x = i < 2 ? y.map((v) => Math.max(0, v)) : y;
    }
    return x;
  };
  return { weights: weights as Weights, scores };
}

/** Bytes in R, G, B planes as a net's input. */
function prepared(bytes: Float32Array, { order, mean, scale }: Pixels): Float32Array {
  const plane = SIZE * SIZE;
  return bytes.map((_, i) => {
    const c = Math.floor(i / plane);
    const source = order === "rgb" ? c : 2 - c;
    return (bytes[source * plane + (i % plane)]! - mean[c]!) * (typeof scale === "number" ? scale : scale[c]!);
  });
}

describe("nets of torchvision and timm", () => {
  // Smooth, so that a map that is read in another order gives other scores.
  const bytes = Float32Array.from({ length: 3 * SIZE * SIZE }, (_, i) => {
    const [y, x] = [Math.floor(i / SIZE) % SIZE, i % SIZE];
    return 127.5 * (1 + Math.sin(x / 31 + y / 57 + Math.floor(i / SIZE / SIZE)));
  });
  const { mean } = PIXELS.torchvision;
  // Caffe's order and range with torchvision's mean: exact where layers pad, too.
  const bgr: Pixels = { order: "bgr", mean: mean.toReversed(), scale: 1 };

  for (const net of NETS) {
    it(`${net.table}: scores by its own rules, from its own pixels and from BGR bytes`, () => {
      const { weights, scores } = built(net);
      const expected = scores(bytes);
      for (const pixels of ["own", bgr] as const) {
        const converted = convertNames(weights, net.table, { pixels });
        expect([converted.dropped, converted.atBorder]).to.deep.equal([[], 0]);
        const trunk = converted.trunk as "vgg16" | "alexnet-torchvision";
        const own = classifier({ trunk, width: net.width, classes: CLASSES, dropout: 0 });
        const { weights: fitted, report } = transplant(converted.weights, own);
        expect([report.initialised, report.dropped]).to.deep.equal([[], []]);
        const image = prepared(bytes, converted.pixels);
        expect(difference(expected, runReference(own, fitted, { image }).scores)).to.be.below(1e-5);
        const dense = convolutionalClassifier({ trunk, width: net.width, classes: CLASSES, dropout: 0, size: [SIZE, SIZE] });
        const slid = runReference(dense, transplant(converted.weights, dense).weights, { image });
        expect(difference(expected, slid.scores)).to.be.below(1e-5);
      }
    });
  }

  it("give other scores where the map is flattened channel last", () => {
    const net = NETS[1]!;
    const { weights, scores } = built(net);
    const [name] = net.linear;
    const { shape, data } = weights.get(`${name}.weight`)!;
    const [outputs, inputs] = shape as [number, number];
    const turned = new Float32Array(data.length);
    for (let o = 0; o < outputs; o++)
      for (let i = 0; i < inputs; i++) turned[o * inputs + (i % 49) * (inputs / 49) + Math.floor(i / 49)] = data[o * inputs + i]!;
    const wrong = convertNames(new Map(weights).set(`${name}.weight`, { shape, data: turned }), net.table, { pixels: "own" });
    const own = classifier({ trunk: "vgg16", width: net.width, classes: CLASSES, dropout: 0 });
    const { weights: fitted } = transplant(wrong.weights, own);
    const got = runReference(own, fitted, { image: prepared(bytes, wrong.pixels) }).scores;
    expect(difference(scores(bytes), got)).to.be.above(1e-2);
  });
}).timeout(60_000);
