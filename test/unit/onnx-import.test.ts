/** ONNX files of others as graphs: what comes in, and what has no form here and is named. */
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { expect } from "chai";
import { ShapeError, type Shape } from "../../src/index.js";
import { importOnnx, OnnxError, type ImportOnnxOptions } from "../../src/onnx/index.js";
import { encodeModel, type Attributes, type NodeMessage, type TensorMessage } from "../../src/onnx/messages.js";
import { runReference } from "../../src/reference/index.js";
import { uniform } from "../../src/tensor/random.js";
import { numel } from "../../src/tensor/shape.js";
import { difference } from "../harness/difference.js";

const random = uniform(5);
const values = (shape: Shape): Float32Array => Float32Array.from({ length: numel(shape) }, () => 4 * random() - 2);

const node = (op: string, inputs: readonly string[], outputs: readonly string[], attributes: Attributes = {}): NodeMessage => ({
  op,
  name: `the ${op}`,
  inputs,
  outputs,
  attributes,
});
const floats = (name: string, dims: Shape, data: Float32Array = values(dims)): TensorMessage => ({
  name,
  type: "f32",
  dims,
  bytes: new Uint8Array(data.buffer),
});
const whole = (name: string, data: readonly number[]): TensorMessage => ({
  name,
  type: "i64",
  dims: [data.length],
  bytes: new Uint8Array(BigInt64Array.from(data, BigInt).buffer),
});

/** A file as another exporter would write it. */
function file(
  nodes: readonly NodeMessage[],
  initializers: readonly TensorMessage[] = [],
  dims: readonly (number | string)[] = [1, 2, 5, 6],
  opset = 17,
): Uint8Array {
  return encodeModel({
    irVersion: 8,
    opset,
    producer: "a test",
    graphName: "g",
    nodes,
    initializers,
    inputs: [{ name: "x", type: "f32", dims }],
    outputs: [{ name: nodes.at(-1)!.outputs[0]!, type: "f32", dims: [] }],
  });
}

const x = values([1, 2, 5, 6]);
function runFile(bytes: Uint8Array, options: ImportOnnxOptions = {}): { shape: Shape; y: number[] } {
  const { graph: net, weights } = importOnnx(bytes, options);
  const [name, output] = Object.entries(net.outputs)[0]!;
  return { shape: output.shape, y: [...runReference(net, weights, { x })[name]!] };
}
const closeTo = (a: readonly number[], b: readonly number[]): void => {
  expect(difference(a, b)).to.be.below(1e-6);
};

describe("ONNX import", () => {
  it("convolutions with auto_pad: as many outputs as strides fit", () => {
    const w = floats("w", [3, 2, 3, 2]);
    for (const [auto, stride] of [
      ["SAME_UPPER", 1],
      ["SAME_LOWER", 2],
      ["VALID", 2],
      ["SAME_UPPER", 3],
    ] as const) {
      const { shape } = runFile(file([node("Conv", ["x", "w"], ["y"], { auto_pad: auto, strides: [stride, stride] })], [w]));
      const expected = auto === "VALID" ? [2, 3] : [Math.ceil(5 / stride), Math.ceil(6 / stride)];
      expect(shape).to.deep.equal([1, 3, ...expected]);
    }
    // An even kernel: the odd place at the bottom and right, or at the top and left.
    const even = (auto: string): number[] =>
      runFile(
        file([node("Conv", ["x", "w"], ["y"], { auto_pad: auto })], [floats("w", [1, 2, 2, 2], new Float32Array(8).fill(1))]),
      ).y;
    const [upper, lower] = [even("SAME_UPPER"), even("SAME_LOWER")];
    closeTo([lower.at(-1)!], [upper.at(-8)!]);
    const transposed = node("ConvTranspose", ["x", "w"], ["y"], { auto_pad: "SAME_UPPER", strides: [2, 2] });
    expect(runFile(file([transposed], [floats("w", [2, 1, 4, 4])])).shape).to.deep.equal([1, 1, 10, 12]);
    const asked = node("ConvTranspose", ["x", "w"], ["y"], { output_shape: [9, 11], strides: [2, 2] });
    expect(runFile(file([asked], [floats("w", [2, 1, 4, 4])])).shape).to.deep.equal([1, 1, 9, 11]);
  });

  it("a clip, between two bounds, one, or none", () => {
    const bound = (name: string, v: number): TensorMessage => floats(name, [], Float32Array.of(v));
    const both = runFile(file([node("Clip", ["x", "low", "high"], ["y"])], [bound("low", -0.5), bound("high", 1)]));
    closeTo([...x.map((v) => Math.min(Math.max(v, -0.5), 1))], both.y);
    const high = runFile(file([node("Clip", ["x", "", "high"], ["y"])], [bound("high", 1)]));
    closeTo([...x.map((v) => Math.min(v, 1))], high.y);
    const six = runFile(file([node("Clip", ["x"], ["y"], { min: { float: 0 }, max: { float: 6 } })], [], undefined, 9));
    closeTo([...x.map((v) => Math.max(v, 0))], six.y);
  });

  it("softmax: over one axis since opset 13, over all from it on before", () => {
    const sums = (opset: number): number[] => {
      const { y } = runFile(file([node("Softmax", ["x"], ["y"], { axis: 2 })], [], undefined, opset));
      return [y.reduce((a, b) => a + b)];
    };
    closeTo(sums(13), [12]);
    closeTo(sums(11), [2]);
  });

  it("shapes that PyTorch computes: the batch of the input, and what is left", () => {
    const nodes = [
      node("Shape", ["x"], ["shape"]),
      node("Gather", ["shape", "zero"], ["n"]),
      node("Unsqueeze", ["n", "axes"], ["n1"]),
      node("Concat", ["n1", "rest"], ["to"], { axis: 0 }),
      node("Reshape", ["x", "to"], ["y"]),
    ];
    const zero: TensorMessage = { ...whole("zero", [0]), dims: [] };
    const bytes = file(nodes, [zero, whole("axes", [0]), whole("rest", [-1, 6])], ["N", 2, 5, 6]);
    const net = importOnnx(bytes, { dimensions: { N: 1 } }).graph;
    expect(net.outputs["y"]!.shape).to.deep.equal([1, 10, 6]);
    expect(net.resize({ x: [3, 2, 5, 6] }).outputs["y"]!.shape).to.deep.equal([3, 10, 6]);
    expect(importOnnx(bytes, { shapes: { x: [4, 2, 5, 6] } }).graph.outputs["y"]!.shape).to.deep.equal([4, 10, 6]);
  });

  it("a 1x1 classifier of MatMul, Add and Dropout; constants in nodes; inner outputs", () => {
    const w = floats("w", [60, 3]);
    const nodes = [
      node("Flatten", ["x"], ["flat"]),
      node("MatMul", ["flat", "w"], ["product"]),
      node("Add", ["product", "b"], ["sum"]),
      node("Dropout", ["sum"], ["dropped"]),
      node("Constant", [], ["half"], { value_float: { float: 0.5 } }),
      node("Mul", ["dropped", "half"], ["y"]),
    ];
    const bytes = file(nodes, [w, floats("b", [3])]);
    const { graph: net, weights } = importOnnx(bytes);
    expect(net.params.map(({ name }) => name)).to.have.members(["w", "b"]);
    const inner = importOnnx(bytes, { outputs: ["product", "y"] });
    const { product, y } = runReference(inner.graph, inner.weights, { x }) as Record<string, Float64Array>;
    const b = weights.get("b")!.data;
    closeTo(
      [...y!],
      [...product!].map((v, i) => (v + b[i]!) / 2),
    );
    // What the outputs do not need is not imported.
    expect([...importOnnx(bytes, { outputs: ["product"] }).weights.keys()]).to.deep.equal(["w"]);
  });

  it("statistics of batch normalisation, which training does not move", () => {
    const [s, b, m] = ["s", "b", "m"].map((name) => floats(name, [2]));
    const v = floats("v", [2], Float32Array.of(0.5, 2));
    const { graph: net } = importOnnx(file([node("BatchNormalization", ["x", "s", "b", "m", "v"], ["y"])], [s!, b!, m!, v]));
    expect(net.params.map(({ name, lrMult }) => [name, lrMult])).to.have.deep.members([
      ["s", 1],
      ["b", 1],
      ["m", 0],
      ["v", 0],
    ]);
  });

  it("names the first node that has no form here, with its opset and a remedy", () => {
    const nodes = [node("Relu", ["x"], ["a"]), node("Sigmoid", ["a"], ["b"]), node("Tanh", ["b"], ["y"])];
    expect(() => importOnnx(file(nodes))).to.throw(
      OnnxError,
      'importOnnx: node the Sigmoid (Sigmoid, opset 17): this engine has no such op: take outputs in front of it, with { outputs: ["a"] }, or replace it before the export',
    );
    expect(importOnnx(file(nodes), { outputs: ["a"] }).weights.size).to.equal(0);
    for (const [op, attributes, message] of [
      ["Resize", { mode: "cubic" }, /mode is cubic: use nearest or linear/],
      ["constructor", {}, /node the constructor \(constructor, opset 17\): this engine has no such op/],
      ["BatchNormalization", { training_mode: 1 }, /model\.eval\(\)/],
      ["Cast", { to: 7 }, /casts f32 to data type 7/],
      ["Softmax", { axis: 9 }, /axis 9 is outside rank 4/],
    ] as const)
      expect(() => importOnnx(file([node(op, ["x", "x", "x", "x", "x"], ["y"], attributes)]))).to.throw(OnnxError, message);
    const shaped = [node("Reshape", ["x", "x"], ["y"])];
    expect(() => importOnnx(file(shaped))).to.throw(OnnxError, /the shape depends on the values of the input/);
    const misfit = [node("Conv", ["x", "w"], ["y"])];
    expect(() => importOnnx(file(misfit, [floats("w", [3, 5, 1, 1])]))).to.throw(
      ShapeError,
      /importOnnx: node the Conv \(Conv, opset 17\): conv2d: /,
    );
  });

  it("asks for the sizes of open dimensions, by name", () => {
    const open = file([node("Relu", ["x"], ["y"])], [], ["batch", 2, "height", 6]);
    expect(() => importOnnx(open, { dimensions: { batch: 1 } })).to.throw(
      OnnxError,
      'x is [batch, 2, height, 6], and nothing says how large height is: pass { dimensions: { "height": 1 } }',
    );
    expect(() => importOnnx(open, { shapes: { x: [1, 3, 4, 6] } })).to.throw(
      OnnxError,
      "x is given as [1, 3, 4, 6] but is [batch, 2",
    );
    expect(() => importOnnx(open, { shapes: { image: [1] } })).to.throw(OnnxError, "shapes names image: the inputs are x");
  });

  it("refuses files that are damaged, too old, or in two parts", () => {
    const good = file([node("Conv", ["x", "w"], ["y"])], [floats("w", [3, 2, 1, 1])]);
    expect(() => importOnnx(new Uint8Array(0))).to.throw(OnnxError, "the file has no graph");
    expect(() => importOnnx(new TextEncoder().encode("<!doctype html>"))).to.throw(OnnxError, /damaged or no ONNX/);
    expect(() => importOnnx(file([node("Relu", ["x"], ["y"])], [], undefined, 6))).to.throw(OnnxError, "opset 6, older than 7");
    expect(() => importOnnx(file([node("Relu", ["z"], ["y"])]))).to.throw(OnnxError, /depend on no input/);
    expect(() => importOnnx(file([node("Sum", ["x", "z"], ["y"])]))).to.throw(
      OnnxError,
      "(Sum, opset 17) reads z, which nothing",
    );
    expect(() => importOnnx(good, { outputs: ["q"] })).to.throw(OnnxError, "no node makes an output q: the file's are y");
    const short = { ...floats("w", [3, 2, 1, 1]), bytes: new Uint8Array(20) };
    expect(() => importOnnx(file([node("Conv", ["x", "w"], ["y"])], [short]))).to.throw(OnnxError, "w [3, 2, 1, 1] has 5 values");
    expect(() => importOnnx(external())).to.throw(OnnxError, /has its values in another file/);
    let refused = 0;
    for (let length = 0; length < good.length; length++) {
      try {
        importOnnx(good.slice(0, length));
      } catch (error) {
        expect(error).to.satisfy(
          (e: unknown) => e instanceof OnnxError || e instanceof ShapeError,
          `cut at ${length}: ${String(error)}`,
        );
        refused++;
      }
    }
    expect(refused).to.be.above(good.length / 2);
    for (let i = 0; i < 1000; i++) {
      const bytes = good.slice();
      bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
      try {
        importOnnx(bytes);
      } catch (error) {
        expect(error).to.satisfy((e: unknown) => e instanceof OnnxError || e instanceof ShapeError, String(error));
      }
    }
  });
});

/** A graph whose weight says that it lies elsewhere, as models beyond 2 GB do. */
function external(): Uint8Array {
  const bytes = (field: number, content: Uint8Array): Uint8Array =>
    new BinaryWriter().tag(field, WireType.LengthDelimited).bytes(content).finish();
  const number = (field: number, value: number): Uint8Array =>
    new BinaryWriter().tag(field, WireType.Varint).int64(value).finish();
  const text = (field: number, value: string): Uint8Array => bytes(field, new TextEncoder().encode(value));
  const joined = (...parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]));
  const tensor = joined(number(1, 1), number(2, 1), text(8, "w"), number(14, 1));
  const dims = joined(bytes(1, number(1, 1)));
  const info = (name: string): Uint8Array => joined(text(1, name), bytes(2, bytes(1, joined(number(1, 1), bytes(2, dims)))));
  const add = joined(text(1, "x"), text(1, "w"), text(2, "y"), text(4, "Add"));
  const whole = joined(bytes(1, add), bytes(5, tensor), bytes(11, info("x")), bytes(12, info("y")));
  return joined(bytes(8, number(2, 17)), bytes(7, whole));
}
