/** Shift-and-stitch, filter rarefaction, and the net on every crop: three ways to the same dense scores (paper, section 3.2). */
import { expect } from "chai";
import {
  averagePool2d,
  classifier,
  convolutionalize,
  conv2d,
  coordinateMap,
  fcn,
  graph,
  heNormal,
  initialWeights,
  input,
  maxPool2d,
  param,
  rarefy,
  receptiveField,
  relu,
  resize,
  shiftAndStitch,
  ShapeError,
  type Graph,
  type Tensor,
} from "../../src/index.js";
import { runReference } from "../../src/reference/index.js";
import { uniform } from "../../src/tensor/random.js";

type Net = Graph<{ readonly image: Tensor }, { readonly scores: Tensor }>;
type Size = readonly [h: number, w: number];

/** Stride 6, receptive field 16: strides in convolutions and in both kinds of pool. */
const small: Net = graph({ image: input([1, 2, 16, 16]) }, ({ image }) => {
  const weight = (name: string, ...shape: number[]): Tensor => param(name, shape, heNormal());
  const a = relu(conv2d(image, weight("a", 4, 2, 3, 3), null));
  const b = conv2d(maxPool2d(a, { kernel: 3, stride: 2 }), weight("b", 4, 4, 2, 2), weight("b.bias", 4), { stride: 3 });
  return { scores: conv2d(averagePool2d(relu(b), { kernel: 2, stride: 1 }), weight("c", 3, 4, 1, 1), null) };
});

function noise(count: number): Float32Array {
  const random = uniform(8);
  return Float32Array.from({ length: count }, () => 2 * random() - 1);
}

/** Rows and columns from `top`, `left` on of an image [C, H, W]; zeros beyond it. */
function window(image: Float32Array, [h, w]: Size, top: number, left: number, [rows, columns]: Size): Float32Array {
  const channels = image.length / h / w;
  return Float32Array.from({ length: channels * rows * columns }, (_, p) => {
    const [c, y, x] = [Math.floor(p / rows / columns), top + (Math.floor(p / columns) % rows), left + (p % columns)];
    return y < 0 || x < 0 || y >= h || x >= w ? 0 : image[(c * h + y) * w + x]!;
  });
}

function difference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).to.equal(b.length);
  expect(Array.from(a).some((v) => v !== 0)).to.equal(true);
  return Array.from(a).reduce((most, v, i) => Math.max(most, Math.abs(v - b[i]!)), 0);
}

function expectDense(net: Net, [h, w]: Size): void {
  const [, channels] = net.inputs.image.shape as [number, number];
  const [{ stride }] = coordinateMap(net.outputs.scores);
  const field = receptiveField(coordinateMap(net.outputs.scores))[0];
  const weights = initialWeights(net);
  const image = noise(channels * h * w);
  const [, classes] = net.outputs.scores.shape as [number, number];

  const rarefied = rarefy(net).resize({ image: [1, channels, h, w] });
  const [rows, columns] = rarefied.outputs.scores.shape.slice(2) as [number, number];
  expect([rows, columns]).to.deep.equal([h + 1 - field, w + 1 - field]);
  expect(coordinateMap(rarefied.outputs.scores).map((axis) => axis.stride)).to.deep.equal([1, 1]);
  const dense = runReference(rarefied, weights, { image }).scores;

  // The net on the crop at every pixel.
  const own = net.resize({ image: [1, channels, field, field] });
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      const here = runReference(own, weights, { image: window(image, [h, w], y, x, [field, field]) }).scores;
      expect(
        difference(
          here,
          Array.from({ length: classes }, (_, k) => dense[(k * rows + y) * columns + x]!),
        ),
      ).to.be.below(1e-12);
    }
  }

  // Shifted and stitched: the same, from stride - 1 pixels before the first on.
  const stitched = shiftAndStitch(net).resize({ image: [1, channels, h, w] });
  const [tall, wide] = stitched.outputs.scores.shape.slice(2) as [number, number];
  expect([tall % stride, wide % stride]).to.deep.equal([0, 0]);
  const all = runReference(stitched, weights, { image }).scores;
  const before = stride - 1;
  const common: Size = [Math.min(rows, tall - before), Math.min(columns, wide - before)];
  expect(common[0] > rows - stride && common[1] > columns - stride).to.equal(true);
  const fromStitched = window(Float32Array.from(all), [tall, wide], before, before, common);
  const fromDense = window(Float32Array.from(dense), [rows, columns], 0, 0, common);
  expect(difference(fromStitched, fromDense)).to.equal(0);

  // On the padded image rarefaction gives all of it.
  const padded: Size = [h + 2 * before, w + 2 * before];
  const wider = runReference(rarefied.resize({ image: [1, channels, ...padded] }), weights, {
    image: window(image, [h, w], -before, -before, padded),
  }).scores;
  const size: Size = [rows + 2 * before, columns + 2 * before];
  expect(difference(window(Float32Array.from(wider), size, 0, 0, [tall, wide]), Float32Array.from(all))).to.equal(0);
}

describe("shift-and-stitch and filter rarefaction", () => {
  it("give the net's scores at every pixel: strides 2 and 3, in a convolution and a pool", () => {
    expectDense(small, [20, 23]);
  });

  it("give LeNet's, convolutionalised", () => {
    // Sizes at which no pool has a partial window: those, of Caffe's rounding, have no like among the dense ones.
    expectDense(convolutionalize(classifier({ trunk: "lenet", width: 0.1 }), { classification: "keep" }).graph, [33, 37]);
  });

  it("spread later filters by the strides in front of them: VGG16 by 2, 4, 8, 16 and 32", () => {
    const net = convolutionalize(classifier({ trunk: "vgg16", width: 1 / 64 }), { classification: "keep" }).graph;
    const dilations = new Map<string, number>();
    const visit = (node: Tensor): void => {
      if (node.op === "conv2d") dilations.set(node.inputs[1]!.name, (node.attrs as { dilation: number[] }).dilation[0]!);
      node.inputs.forEach(visit);
    };
    visit(rarefy(net).resize({ image: [1, 3, 500, 500] }).outputs.scores);
    expect(
      ["conv1_2", "conv2_1", "conv3_3", "conv4_1", "conv5_3", "fc6"].map((name) => dilations.get(`${name}.weight`)),
    ).to.deep.equal([1, 2, 4, 8, 16, 32]);
  });

  it("refuse nets that are not one map of one image, or hold anything but windows", () => {
    const upsampled = graph({ image: input([1, 2, 20, 20]) }, ({ image }) => ({
      y: resize(maxPool2d(image, { kernel: 2 }), { size: [20, 20] }),
    }));
    expect(() => rarefy(upsampled)).to.throw(ShapeError, "is neither a convolution, a pool nor pointwise");
    const net = fcn({ trunk: "lenet", variant: "4s", classes: 2, size: [28, 28] });
    expect(() => rarefy(net)).to.throw(ShapeError, "rarefy: the net has inputs image and outputs scores, labels");
    expect(() => shiftAndStitch(net)).to.throw(ShapeError, "shiftAndStitch: the net has inputs image");
    const uneven = graph({ image: input([1, 2, 20, 20]) }, ({ image }) => ({ y: maxPool2d(image, { kernel: [2, 3] }) }));
    expect(() => shiftAndStitch(uneven)).to.throw(ShapeError, "has strides 2 and 3");
  });
});
