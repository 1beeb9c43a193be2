import { expect } from "chai";
import { gradients } from "../../src/graph/gradients.js";
import { checkLabels, nllLoss, softmaxCrossEntropy, softmaxWithLoss, type LossOptions } from "../../src/kernels/loss.js";
import { logSoftmax } from "../../src/kernels/softmax.js";
import { evaluate } from "../../src/reference/evaluate.js";
import { floats, ints, type NdArray } from "../../src/reference/nd-array.js";
import { InputError, ShapeError } from "../../src/tensor/errors.js";
import { input, type Tensor } from "../../src/tensor/tensor.js";

const x = input([2, 3, 1, 2]);
const labels = input([2, 1, 2], "i32");
const weights = input([3]);
/** Logits of equal classes: every pixel's nll is ln 3. */
const even = new Float64Array(12);
const ln3 = Math.log(3);

interface Values {
  readonly x?: Float64Array;
  readonly labels: readonly number[];
  readonly weights?: readonly number[];
}

function lossAndGradient(loss: Tensor, values: Values): { loss: NdArray; dx: NdArray } {
  const leaves = new Map<Tensor, NdArray>([
    [x, floats(x.shape, values.x ?? even)],
    [labels, ints(labels.shape, Int32Array.from(values.labels))],
    [weights, floats(weights.shape, Float64Array.from(values.weights ?? [1, 1, 1]))],
  ]);
  const [dx] = gradients(loss, [x]);
  const all = evaluate([loss, dx!], leaves);
  return { loss: all.get(loss)!, dx: all.get(dx!)! };
}

const crossEntropy = (options: LossOptions, values: Values): { loss: NdArray; dx: NdArray } =>
  lossAndGradient(softmaxCrossEntropy(x, labels, options), values);

describe("softmaxCrossEntropy", () => {
  it("is the mean by default, over the pixels not ignored", () => {
    const { loss, dx } = crossEntropy({ ignoreIndex: 255 }, { labels: [0, 255, 2, 1] });
    expect(loss.shape).to.deep.equal([]);
    expect(loss.data[0]).to.be.closeTo(ln3, 1e-15);
    // (1/3 - onehot) / 3 valid pixels; the ignored one is the second of the first image.
    const third = 1 / 9;
    const want = [third - 1 / 3, 0, third, 0, third, 0, third, third, third, third - 1 / 3, third - 1 / 3, third];
    dx.data.forEach((v, i) => expect(v).to.be.closeTo(want[i]!, 1e-15));
  });

  it("divides a weighted mean by the sum of the weights", () => {
    const { loss, dx } = crossEntropy({ classWeights: weights }, { labels: [0, 1, 2, 1], weights: [1, 2, 5] });
    expect(loss.data[0]).to.be.closeTo(ln3, 1e-15);
    expect(dx.data[0]).to.be.closeTo(((1 / 3 - 1) * 1) / 10, 1e-15);
  });

  it("sums, or gives the map", () => {
    expect(crossEntropy({ reduction: "sum", ignoreIndex: 1 }, { labels: [0, 1, 2, 1] }).loss.data[0]).to.be.closeTo(
      2 * ln3,
      1e-14,
    );
    const map = crossEntropy({ reduction: "none", ignoreIndex: 1 }, { labels: [0, 1, 2, 1] }).loss;
    expect(map.shape).to.deep.equal([2, 1, 2]);
    expect([...map.data].map((v) => Math.round(v / ln3))).to.deep.equal([1, 0, 1, 0]);
  });

  it("is 0 with gradient 0 where every pixel is ignored", () => {
    for (const reduction of ["mean", "sum"] as const) {
      const { loss, dx } = crossEntropy({ reduction, ignoreIndex: 7 }, { labels: [7, 7, 7, 7] });
      expect(loss.data[0]).to.equal(0);
      expect([...dx.data].every((v) => v === 0)).to.equal(true);
    }
  });

  it("is nllLoss of logSoftmax, in value and gradient", () => {
    const values = {
      x: Float64Array.from({ length: 12 }, (_, i) => Math.sin(7 * i)),
      labels: [0, 1, 2, 255],
      weights: [0.5, 2, 3],
    };
    const options = { ignoreIndex: 255, classWeights: weights };
    const a = crossEntropy(options, values);
    const b = lossAndGradient(nllLoss(logSoftmax(x), labels, options), values);
    expect(a.loss.data[0]).to.be.closeTo(b.loss.data[0]!, 1e-14);
    a.dx.data.forEach((v, i) => expect(v).to.be.closeTo(b.dx.data[i]!, 1e-14));
  });

  it("refuses what does not fit, before any data exists", () => {
    const refuse = (build: () => Tensor, message: string): void => void expect(build).to.throw(ShapeError, message);
    refuse(() => softmaxCrossEntropy(x, input([2, 2, 1], "i32")), "labels are [2, 2, 1] but x [2, 3, 1, 2] expects [2, 1, 2]");
    refuse(() => softmaxCrossEntropy(x, input([2, 1, 2])), 'labels are f32 [2, 1, 2]: make them i32, input(shape, "i32")');
    refuse(() => softmaxCrossEntropy(input([3]), labels), "x is [3]: it needs a batch axis and a class axis");
    refuse(() => softmaxCrossEntropy(input([2, 3, 1, 2], "i32"), labels), "x is i32 [2, 3, 1, 2]: it must be f32");
    refuse(
      () => softmaxCrossEntropy(x, labels, { classWeights: input([4]) }),
      "classWeights are f32 [4] but there are 3 classes: use f32 [3]",
    );
    refuse(() => softmaxCrossEntropy(x, labels, { ignoreIndex: 0.5 }), "ignoreIndex is 0.5: use a 32-bit integer");
    refuse(() => softmaxCrossEntropy(x, labels, { reduction: "average" as "mean" }), "reduction is average: use");
    refuse(() => nllLoss(x, input([2, 2, 1], "i32")), "nllLoss: labels are [2, 2, 1]");
  });
});

describe("softmaxWithLoss", () => {
  const caffe = (options: Parameters<typeof softmaxWithLoss>[2], values: Values): { loss: NdArray; dx: NdArray } =>
    lossAndGradient(softmaxWithLoss(x, labels, options), values);

  it("divides by valid pixels, all pixels, images or 1", () => {
    const values = { labels: [0, 255, 255, 1] };
    for (const [normalization, divisor] of [
      ["VALID", 2],
      ["FULL", 4],
      ["BATCH_SIZE", 2],
      ["NONE", 1],
    ] as const) {
      const { loss, dx } = caffe({ normalization, ignoreLabel: 255 }, values);
      expect(loss.data[0], normalization).to.be.closeTo((2 * ln3) / divisor, 1e-14);
      expect(dx.data[0], normalization).to.be.closeTo((1 / 3 - 1) / divisor, 1e-14);
    }
  });

  it("is 0 with gradient 0 where every label is ignored, by every normaliser", () => {
    for (const normalization of ["VALID", "FULL", "BATCH_SIZE", "NONE"] as const) {
      const { loss, dx } = caffe({ normalization, ignoreLabel: 0 }, { labels: [0, 0, 0, 0] });
      expect(loss.data[0]).to.equal(0);
      expect([...dx.data].every((v) => v === 0)).to.equal(true);
    }
  });

  it("floors the probability at FLT_MIN in the loss and not in the gradient", () => {
    const far = Float64Array.from({ length: 12 }, (_, i) => (i === 2 ? 200 : 0));
    const { loss, dx } = caffe({ normalization: "NONE", ignoreLabel: 255 }, { x: far, labels: [0, 255, 255, 255] });
    expect(loss.data[0]).to.be.closeTo(87.33654475, 1e-7);
    expect(dx.data[0]).to.equal(-1);
    expect(dx.data[2]).to.be.closeTo(1, 1e-15);
  });

  it("refuses a normalisation that Caffe does not know", () => {
    expect(() => softmaxWithLoss(x, labels, { normalization: "valid" as "VALID" })).to.throw(
      ShapeError,
      'normalization is valid: use "VALID"',
    );
  });
});

describe("checkLabels", () => {
  it("takes classes and the ignored label", () => {
    checkLabels("labels", Int32Array.of(0, 20, 255), 21, 255);
    checkLabels("labels", Int32Array.of(-1, 3), 4, -1);
  });

  it("names the first bad label, where it is and what would be good", () => {
    expect(() => checkLabels("labels", Int32Array.of(0, 1, 21, -4), 21, 255)).to.throw(
      InputError,
      "labels: label 21 at index 2 is outside 0 to 20 and 255 is ignored: correct the labels",
    );
    expect(() => checkLabels("truth", Int32Array.of(-1), 21, null)).to.throw(
      InputError,
      "truth: label -1 at index 0 is outside 0 to 20 and no label is ignored",
    );
  });
});
