/** The pass that gives one node two outputs: what a graph looks like before and after, and that its values stay. */
import { expect } from "chai";
import { fuse } from "../../src/graph/passes/fuse.js";
import { pair } from "../../src/graph/passes/pair.js";
import {
  add,
  conv2d,
  gradients,
  heNormal,
  input,
  maxPool2d,
  param,
  relu,
  softmaxCrossEntropy,
  softmaxWithLoss,
  type Tensor,
} from "../../src/index.js";
import { evaluate } from "../../src/reference/evaluate.js";
import { floats, ints } from "../../src/reference/nd-array.js";
import { numel } from "../../src/tensor/shape.js";
import { isParam, topological } from "../../src/tensor/tensor.js";
import { opsOf } from "../harness/ops-of.js";

/** Pairs, checks that values agree, and gives the ops after. */
function paired(outputs: readonly Tensor[]): string[] {
  const after = pair(outputs);
  const leaves = topological(outputs).filter((t) => t.op === "input" || isParam(t));
  const values = new Map(
    leaves.map((t) => {
      const data = Array.from({ length: numel(t.shape) }, (_, i) =>
        t.dtype === "i32" ? i % 3 : Math.round(4 * Math.sin(i * 1.3)),
      );
      return [t, t.dtype === "i32" ? ints(t.shape, Int32Array.from(data)) : floats(t.shape, Float64Array.from(data))];
    }),
  );
  const [want, got] = [evaluate(outputs, values), evaluate(after, values)];
  outputs.forEach((t, i) => expect(got.get(after[i]!)!.data, `output ${i}`).to.deep.equal(want.get(t)!.data));
  return opsOf(after);
}

describe("pairing pass", () => {
  const x = input([1, 3, 6, 6]);
  const labels = input([1, 6, 6], "i32");

  it("keeps the winning taps of a pooling for its gradient", () => {
    const y = maxPool2d(x, { kernel: 3, stride: 2 });
    const [dx] = gradients(y, [x], input(y.shape));
    expect(paired([y, dx!])).to.deep.equal(["maxPool2dTaps", "second", "maxPool2dTapsGrad"]);
  });

  it("sums a bias gradient with the gradient of the weight, where both are of one convolution", () => {
    const [weight, bias] = [param("c.weight", [4, 3, 3, 3], heNormal()), param("c.bias", [4], heNormal())];
    const y = conv2d(x, weight, bias, { padding: 1 });
    const seed = input(y.shape);
    expect(paired(gradients(y, [weight, bias], seed))).to.deep.equal(["conv2dWeightBiasGrad", "second"]);
    expect(paired(gradients(y, [weight], seed))).to.deep.equal(["conv2dWeightGrad"]);
    expect(paired(gradients(y, [bias], seed))).to.deep.equal(["reduceSum"]);
    // One dy for two convolutions: its sum is made once.
    const two = add(
      conv2d(x, weight, null, { padding: 1 }),
      conv2d(relu(x), param("d.weight", [4, 3, 3, 3], heNormal()), bias, { padding: 1 }),
    );
    const wrt = topological([two]).filter(isParam);
    expect(paired(gradients(two, wrt, seed)).filter((op) => op.startsWith("conv2dWeight") || op === "reduceSum")).to.have.members(
      ["conv2dWeightBiasGrad", "conv2dWeightGrad"],
    );
  });

  it("leaves pooling alone where no gradient is taken", () => {
    expect(paired([maxPool2d(x, { kernel: 2 })])).to.deep.equal(["maxPool2d"]);
  });

  it("leaves windows alone whose taps do not fit a byte", () => {
    const wide = input([1, 1, 16, 16]);
    const y = maxPool2d(wide, { kernel: 16 });
    expect(paired([y, gradients(y, [wide], input(y.shape))[0]!])).to.deep.equal(["maxPool2d", "maxPool2dGrad"]);
  });

  it("computes a loss and its gradient at once", () => {
    for (const loss of [
      softmaxCrossEntropy(x, labels, { ignoreIndex: 2 }),
      softmaxWithLoss(x, labels, { normalization: "FULL" }),
    ]) {
      const after = paired([loss, gradients(loss, [x])[0]!]);
      expect(after.filter((op) => op.startsWith("crossEntropy") || op === "second")).to.deep.equal([
        "crossEntropyBoth",
        "second",
      ]);
    }
  });

  it("does not where the arriving gradient depends on the losses", () => {
    const losses = softmaxCrossEntropy(x, labels, { reduction: "none" });
    const [dx] = gradients(losses, [x], losses);
    expect(paired([losses, dx!])).to.deep.equal(["crossEntropy", "crossEntropyGrad"]);
  });

  it("goes through a training graph: the mask of a ReLU goes below the pooling, into the gradient that arrives", () => {
    const conv = (from: Tensor, name: string) =>
      conv2d(from, param(`${name}.weight`, [3, 3, 3, 3], heNormal()), param(`${name}.bias`, [3], heNormal()), { padding: 1 });
    const pooled = maxPool2d(relu(conv(x, "a")), { kernel: 2 });
    const loss = softmaxCrossEntropy(conv(pooled, "b"), input([1, 3, 3], "i32"));
    const params = topological([loss]).filter(isParam);
    const after = paired(fuse([loss, ...gradients(loss, params)]));
    expect(after).to.include.members(["maxPool2dTaps", "maxPool2dTapsGrad", "crossEntropyBoth"]);
    expect(after).to.not.include.members(["reluGrad"]);
    expect(after).to.not.include.members(["maxPool2dGrad"]);
  });
});
