/** The split pass: no tensor above the limit, and the same values, on the CPU reference. */
import { expect } from "chai";
import { OutOfMemoryError } from "../../src/gpu/errors.js";
import { fuse } from "../../src/graph/passes/fuse.js";
import { splitOversized } from "../../src/graph/passes/split.js";
import {
  broadcastTo,
  conv2d,
  gradients,
  graph,
  heNormal,
  input,
  initialWeights,
  maxPool2d,
  param,
  relu,
  resize,
  softmax,
  convTranspose2d,
  reduceSum,
  type Tensor,
} from "../../src/index.js";
import { evaluate } from "../../src/reference/evaluate.js";
import { floats, ints, type NdArray } from "../../src/reference/nd-array.js";
import { byteLength } from "../../src/tensor/layout.js";
import { cut, paste } from "../../src/tensor/slices.js";
import { numel } from "../../src/tensor/shape.js";
import { isParam, topological } from "../../src/tensor/tensor.js";
import { initialValue } from "../../src/tensor/weights.js";
import { toyClassifier, toyFcn, toyInputs } from "../harness/toy-nets.js";

/** Values of leaves: parameters from their init, f32 inputs from a sine, labels in turn. */
function leafValue(leaf: Tensor): NdArray {
  if (isParam(leaf)) return floats(leaf.shape, Float64Array.from(initialValue(leaf, 1)));
  if (leaf.dtype === "f32")
    return floats(
      leaf.shape,
      Float64Array.from({ length: numel(leaf.shape) }, (_, i) => Math.sin(i * 0.7)),
    );
  return ints(
    leaf.shape,
    Int32Array.from({ length: numel(leaf.shape) }, (_, i) => i % 5),
  );
}

/** Evaluates outputs whole and in pieces and compares. Returns the tensors of the split graph. */
function checkSplit(outputs: readonly Tensor[], limit: number): Tensor[] {
  const leaves = topological(outputs).filter((t) => t.inputs.length === 0 && t.op !== "fill");
  const values = new Map(leaves.map((l) => [l, leafValue(l)]));
  const want = evaluate(outputs, values);
  const split = splitOversized(outputs, limit);
  const pieceValues = new Map<Tensor, NdArray>();
  for (const leaf of leaves) {
    const pieces = split.leaves.get(leaf)!;
    const value = values.get(leaf)!;
    let start = 0;
    for (const part of pieces.parts) {
      const size = part.shape[pieces.axis] ?? 1;
      const data =
        pieces.parts.length === 1
          ? value.data
          : (cut(leaf.shape, value.data as never, pieces.axis, start, size) as NdArray["data"]);
      pieceValues.set(part, { shape: part.shape, data });
      start += size;
    }
  }
  const parts = split.outputs.flatMap((o) => o.parts);
  for (const graphOutputs of [parts, fuse(parts)]) {
    const nodes = topological(graphOutputs);
    const over = nodes.filter((node) => byteLength(node.shape) > limit).map((node) => `${node.op} [${node.shape.join(", ")}]`);
    expect(over, "tensors above the limit").to.deep.equal([]);
    const got = evaluate(graphOutputs, pieceValues);
    let next = 0;
    split.outputs.forEach((pieces, i) => {
      const whole = new Float64Array(numel(pieces.shape));
      let start = 0;
      for (const part of pieces.parts) {
        const value = got.get(graphOutputs[next++]!)!;
        const size = part.shape[pieces.axis] ?? 1;
        paste(pieces.shape.length > 0 ? pieces.shape : [1], whole as never, pieces.axis, start, size, value.data as never);
        start += size;
      }
      const expected = want.get(outputs[i]!)!;
      const worst = whole.reduce((m, v, e) => Math.max(m, Math.abs(v - expected.data[e]!)), 0);
      expect(worst, `output ${i}, largest difference`).to.be.at.most(1e-9);
    });
  }
  return topological(fuse(parts));
}

describe("split pass", () => {
  it("leaves a graph that fits alone", () => {
    const net = toyFcn();
    const outputs = Object.values(net.outputs);
    expect(splitOversized(outputs, 2 ** 20).outputs.map((o) => o.parts[0])).to.deep.equal(outputs);
  });

  it("cuts activations by batch: forward, loss and every gradient of an FCN", () => {
    const net = toyFcn({ batch: 4, size: [13, 11] });
    const nodes = checkSplit([net.outputs.logits, net.outputs.loss, ...gradients(net.outputs.loss, net.params)], 24000);
    expect(nodes.filter((t) => t.op === "maxPool2d").length, "poolings, two of them whole").to.be.above(2);
  });

  it("cuts a single image by rows, with their halo", () => {
    const net = toyFcn({ batch: 1, size: [26, 22], channels: 4 });
    checkSplit([net.outputs.logits, net.outputs.loss], 6000);
  });

  it("cuts rows in training too", () => {
    const net = toyFcn({ batch: 1, size: [26, 22], channels: 4 });
    checkSplit([net.outputs.loss, ...gradients(net.outputs.loss, net.params)], 6000);
  });

  it("cuts fully connected weights by output, and their gradients", () => {
    const net = toyClassifier({ batch: 8, channels: 16 });
    checkSplit([net.outputs.logits, net.outputs.loss, ...gradients(net.outputs.loss, net.params)], 3000);
  });

  it("cuts convolution weights by output channel, forward and both gradients", () => {
    const net = graph({ x: input([2, 8, 6, 6]) }, ({ x }) => {
      const y = relu(conv2d(x, param("w", [32, 8, 3, 3], heNormal()), param("b", [32], heNormal()), { padding: 1 }));
      return { loss: reduceSum(y), y };
    });
    checkSplit([net.outputs.y, net.outputs.loss, ...gradients(net.outputs.loss, [...net.params, net.inputs.x])], 5000);
  });

  it("cuts a strided transposed convolution by rows", () => {
    const net = graph({ x: input([1, 4, 9, 5]) }, ({ x }) => ({
      y: convTranspose2d(x, param("w", [4, 4, 5, 5], heNormal()), param("b", [4], heNormal()), {
        stride: 3,
        padding: [1, 2, 0, 1],
      }),
    }));
    checkSplit([net.outputs.y], 2400);
  });

  it("cuts a transposed convolution whose strides leave gaps between its kernels, and the data gradient of such a convolution", () => {
    for (const kernel of [1, 2]) {
      for (const limit of [600, 1200, 2400]) {
        const up = graph({ x: input([1, 4, 9, 5]) }, ({ x }) => ({
          y: convTranspose2d(x, param("w", [4, 4, kernel, 3], heNormal()), param("b", [4], heNormal()), {
            stride: 3,
            padding: [1, 0, 0, 0],
          }),
        }));
        checkSplit([up.outputs.y], limit);
      }
    }
    const x = input([1, 4, 14, 10]);
    const y = conv2d(x, param("w", [4, 4, 1, 1], heNormal()), null, { stride: 3, padding: 1 });
    checkSplit(gradients(reduceSum(y), [x]), 1000);
  });

  it("cuts what is resized across the axis that is, not along it", () => {
    const net = graph({ x: input([4, 4, 6, 6]) }, ({ x }) => ({
      y: resize(x, { scales: [1, 1, 2.5, 2], mode: "linear" }),
    }));
    checkSplit([net.outputs.y], 4000);
    const batch = graph({ x: input([4, 6, 5]) }, ({ x }) => ({ y: resize(x, { scales: [2, 1, 1], mode: "linear" }) }));
    expect(() => splitOversized([batch.outputs.y], 500)).to.throw(OutOfMemoryError, /^resize \[8, 6, 5\] takes 960 bytes/);
  });

  it("refuses by name what cannot be cut", () => {
    const net = graph({ x: input([64, 64]) }, ({ x }) => ({ y: softmax(x, { axes: [0, 1] }) }));
    expect(() => splitOversized([net.outputs.y], 4096)).to.throw(
      OutOfMemoryError,
      /softmax \[64, 64\] takes 16384 bytes but the device binds at most 4096/,
    );
    const wide = graph({ x: input([1, 4096, 1, 1]) }, ({ x }) => ({ y: maxPool2d(x, { kernel: 1 }) }));
    expect(() => splitOversized([wide.outputs.y], 4096)).to.throw(OutOfMemoryError, /x \[1, 4096, 1, 1\]/);
  });

  it("refuses by name, and at once, what would be thousands of pieces", () => {
    const net = graph({ x: input([1, 3, 8, 8]) }, ({ x }) => ({ y: broadcastTo(x, [1e9, 1, 3, 8, 8]) }));
    expect(() => splitOversized([net.outputs.y], 2 ** 27)).to.throw(
      OutOfMemoryError,
      /broadcastTo \[1000000000, 1, 3, 8, 8\] takes 768000000000 bytes .* at most 256 pieces/,
    );
  });

  it("cuts and pastes rows of arrays back", () => {
    const data = Float32Array.from({ length: 24 }, (_, i) => i);
    const out = new Float32Array(24);
    paste([2, 3, 4], out, 1, 0, 2, cut([2, 3, 4], data, 1, 0, 2));
    paste([2, 3, 4], out, 1, 2, 1, cut([2, 3, 4], data, 1, 2, 1));
    expect(out).to.deep.equal(data);
  });

  it("has inputs of the toy nets in range", () => {
    const net = toyFcn();
    const { labels } = toyInputs(net);
    expect(initialWeights(net).size).to.equal(net.params.length);
    expect(Math.max(...labels)).to.be.below(5);
  });
});
