/** The fusion pass: what a graph looks like before and after, and that its values stay (the split tests compare those on whole nets). */
import { expect } from "chai";
import { fuse } from "../../src/graph/passes/fuse.js";
import { withoutDropout } from "../../src/graph/passes/without-dropout.js";
import {
  add,
  bilinear,
  conv2d,
  convTranspose2d,
  crop2d,
  dropout,
  fcn,
  gradients,
  heNormal,
  input,
  logSoftmax,
  nllLoss,
  param,
  reduceSum,
  relu,
  sum,
  type Tensor,
} from "../../src/index.js";
import { evaluate } from "../../src/reference/evaluate.js";
import { floats, ints, type NdArray } from "../../src/reference/nd-array.js";
import { numel } from "../../src/tensor/shape.js";
import { isParam, topological } from "../../src/tensor/tensor.js";
import { initialValue } from "../../src/tensor/weights.js";
import { opsOf } from "../harness/ops-of.js";

function leafValue(leaf: Tensor): NdArray {
  if (isParam(leaf)) return floats(leaf.shape, Float64Array.from(initialValue(leaf, 1)));
  if (leaf.dtype === "i32")
    return ints(
      leaf.shape,
      Int32Array.from({ length: numel(leaf.shape) }, (_, i) => i % 3),
    );
  return floats(
    leaf.shape,
    Float64Array.from({ length: numel(leaf.shape) }, (_, i) => Math.sin(i * 1.3)),
  );
}

/** Fuses, checks that values agree, and gives the ops after. */
function fused(outputs: readonly Tensor[]): string[] {
  const after = fuse(outputs);
  const values = new Map(
    topological(outputs)
      .filter((t) => t.inputs.length === 0 && t.op !== "fill")
      .map((t) => [t, leafValue(t)]),
  );
  const want = evaluate(outputs, values);
  const got = evaluate(after, values);
  outputs.forEach((t, i) => {
    const expected = want.get(t)!.data;
    got.get(after[i]!)!.data.forEach((v: number, e: number) => {
      if (Math.abs(v - expected[e]!) > 1e-12)
        throw new Error(`output ${i}, element ${e}: ${v} after fusing, ${expected[e]} before`);
    });
  });
  return opsOf(after);
}

describe("fusion pass", () => {
  const x = input([1, 3, 6, 6]);
  const conv = (from: Tensor, name = "c") =>
    conv2d(from, param(`${name}.weight`, [4, from.shape[1]!, 3, 3], heNormal()), param(`${name}.bias`, [4], heNormal()), {
      padding: 1,
    });
  const up = (from: Tensor) => convTranspose2d(from, param("up.weight", [4, 4, 4, 4], bilinear()), null, { stride: 2 });

  it("puts a ReLU into the convolution before it", () => {
    const y = relu(conv(x));
    expect(opsOf([y])).to.deep.equal(["conv2d", "relu"]);
    expect(fused([y])).to.deep.equal(["conv2d"]);
  });

  it("leaves a ReLU alone whose input is needed elsewhere", () => {
    const c = conv(x);
    expect(fused([relu(c), c])).to.deep.equal(["conv2d", "relu"]);
  });

  it("puts a sum into one of its convolutions, then the ReLU behind it", () => {
    const a = conv(x, "a");
    const y = relu(add(a, conv(a, "b")));
    expect(opsOf([y])).to.deep.equal(["conv2d", "conv2d", "add", "relu"]);
    expect(fused([y])).to.deep.equal(["conv2d", "conv2d"]);
    expect(fused([sum([conv(x, "a"), conv(x, "b")])])).to.deep.equal(["conv2d", "conv2d"]);
  });

  it("does not put a sum with other coefficients, or of one tensor with itself, into a convolution", () => {
    expect(fused([sum([conv(x, "a"), conv(x, "b")], [1, 0.5])])).to.include("sum");
    const a = conv(x, "a");
    expect(fused([add(a, a)])).to.include("add");
  });

  it("puts the crop into the upsampling and the sum into one of its operands", () => {
    const skip = conv(x, "skip");
    const y = add(crop2d(up(conv(x)), skip, { offset: 2 }), skip);
    expect(opsOf([y])).to.deep.equal(["conv2d", "convTranspose2d", "slice", "conv2d", "add"]);
    expect(fused([y])).to.have.members(["conv2d", "conv2d", "convTranspose2d"]);
    const pooled = input(skip.shape);
    expect(fused([add(crop2d(up(conv(x)), pooled, { offset: 2 }), pooled)])).to.deep.equal(["conv2d", "convTranspose2d"]);
  });

  it("puts the crop of a skip into its convolution, whatever its stride, and the sum into the upsampling", () => {
    const skip = conv2d(input([1, 3, 17, 14]), param("skip.weight", [4, 3, 3, 2], heNormal()), null, { padding: 2, stride: 2 });
    const rising = up(conv(x));
    const cropped = crop2d(skip, input([1, 4, 4, 5]), { offset: [3, 1] });
    expect(fused([cropped])).to.deep.equal(["conv2d"]);
    const [sumNode] = fuse([add(crop2d(rising, input([1, 4, 4, 5]), { offset: 3 }), cropped)]);
    expect(sumNode!.op).to.equal("convTranspose2d");
    expect(sumNode!.attrs).to.include({ extra: "add" });
  });

  it("leaves no crop and no sum of its own in FCN-8s", () => {
    for (const padding of ["caffe", "same", "minimal"] as const) {
      const { scores } = fcn({ trunk: "vgg16", variant: "8s", classes: 5, size: [96, 64], width: 1 / 16, padding }).outputs;
      const after = topological(fuse(withoutDropout([scores])));
      expect(
        after.map((t) => t.op).filter((op) => ["slice", "add", "sum"].includes(op)),
        padding,
      ).to.deep.equal([]);
      const up = after.filter((t) => t.op === "convTranspose2d");
      expect(
        up.map((t) => (t.attrs as { extra: string }).extra),
        padding,
      ).to.deep.equal(["add", "add", "none"]);
    }
  });

  it("puts the ReLU mask into the data gradient", () => {
    const y = conv(relu(conv(x, "a")), "b");
    const wrt = topological([y]).filter((t) => t.name === "a.weight");
    const grads = gradients(reduceSum(y), wrt);
    expect(opsOf(grads)).to.include("reluGrad");
    expect(fused(grads)).to.not.include("reluGrad");
  });

  it("puts log-softmax into the loss", () => {
    const labels = input([1, 6, 6], "i32");
    const loss = nllLoss(logSoftmax(conv(x), { axes: [1] }), labels);
    expect(opsOf([loss])).to.include.members(["logSoftmax", "nll"]);
    expect(fused([loss]))
      .to.include("crossEntropy")
      .and.not.include("logSoftmax");
  });

  it("removes dropout in inference", () => {
    const y = relu(dropout(conv(x), { p: 0.5 }));
    expect(opsOf(fuse(withoutDropout([y])))).to.deep.equal(["conv2d"]);
  });
});
