/** What the export refuses, and what its files say of themselves; test/onnx runs them. */
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { expect } from "chai";
import {
  classifier,
  conv2d,
  fcn,
  fcnTraining,
  graph,
  heNormal,
  initialWeights,
  input,
  param,
  relu,
  scale,
  slice,
  softmaxCrossEntropy,
  sum,
  WeightsError,
  zeros,
  type Graph,
  type Names,
  type Tensor,
} from "../../src/index.js";
import { exportOnnx, OnnxError, type ExportOnnxOptions } from "../../src/onnx/index.js";

type Message = ReadonlyMap<number, readonly (number | Uint8Array)[]>;

/** The fields of a message by number; onnx.proto3 says what they are. */
function read(bytes: Uint8Array): Message {
  const reader = new BinaryReader(bytes);
  const fields = new Map<number, (number | Uint8Array)[]>();
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    const value = type === WireType.Varint ? Number(reader.int64()) : type === WireType.Bit32 ? reader.float() : reader.bytes();
    fields.set(field, [...(fields.get(field) ?? []), value]);
  }
  return fields;
}
const messages = (of: Message, field: number): Message[] => (of.get(field) ?? []).map((bytes) => read(bytes as Uint8Array));
const texts = (of: Message, field: number): string[] =>
  (of.get(field) ?? []).map((bytes) => new TextDecoder().decode(bytes as Uint8Array));
const graphOf = (file: Uint8Array): Message => messages(read(file), 7)[0]!;

/** Inputs (field 11) or outputs (12): name -> dims, the open ones by name. */
function valuesOf(file: Uint8Array, field: number): Record<string, (number | string)[]> {
  const entries = messages(graphOf(file), field).map((value) => {
    const [tensor] = messages(messages(value, 2)[0]!, 1);
    const dims = messages(messages(tensor!, 2)[0]!, 1).map((dim) => (dim.get(1)?.[0] as number | undefined) ?? texts(dim, 2)[0]!);
    return [texts(value, 1)[0]!, dims];
  });
  return Object.fromEntries(entries) as Record<string, (number | string)[]>;
}
const operatorsOf = (file: Uint8Array): string[] => messages(graphOf(file), 1).flatMap((node) => texts(node, 4));

const net = (build: (x: Tensor) => Tensor) => graph({ x: input([1, 2, 8, 8]) }, ({ x }) => ({ y: build(x) }));
const file = (g: Graph<Names, Names>, options?: ExportOnnxOptions): Uint8Array => exportOnnx(g, initialWeights(g), options);
const small = { trunk: "lenet", variant: "2s", classes: 3, size: [32, 32] } as const;

describe("exportOnnx", () => {
  it("keeps the names and shapes of inputs, outputs and parameters, and opens the axes asked for", () => {
    const g = fcn(small);
    const fixed = file(g);
    expect(valuesOf(fixed, 11)).to.deep.equal({ image: [1, 1, 32, 32] });
    expect(valuesOf(fixed, 12)).to.deep.equal({ scores: [1, 3, 32, 32], labels: [1, 32, 32] });
    const open = file(g, { dynamic: { image: { 0: "n", 2: "rows", 3: "columns" } } });
    expect(valuesOf(open, 11)).to.deep.equal({ image: ["n", 1, "rows", "columns"] });
    expect(valuesOf(open, 12)).to.deep.equal({ scores: ["n", 3, "rows", "columns"], labels: ["n", "rows", "columns"] });
    const initializers = messages(graphOf(open), 5).flatMap((tensor) => texts(tensor, 8));
    expect(initializers).to.include.members(g.params.map(({ name }) => name));
    expect(messages(graphOf(open), 1).flatMap((node) => texts(node, 3))).to.include("score_fr/Conv");
  });

  it("gives an open axis that is no input's a name of its own", () => {
    const g = net((x) => conv2d(x, param("w", [4, 2, 3, 3], heNormal()), null));
    expect(valuesOf(file(g, { dynamic: true }), 12)).to.deep.equal({ y: ["batch", 4, "y.2", "y.3"] });
  });

  it("crops by constant ends in a file of one size and by shapes in an open one", () => {
    const g = fcn({ ...small, size: [30, 41] });
    expect(operatorsOf(file(g, { outputs: ["scores"] }))).to.not.include("Shape");
    expect(operatorsOf(file(g, { outputs: ["scores"], dynamic: true }))).to.include("Shape");
  });

  it("holds the weights' bytes as they are", () => {
    const g = net((x) => sum([x, param("w", [1, 2, 8, 8], heNormal())]));
    const weights = initialWeights(g);
    const [tensor] = messages(graphOf(exportOnnx(g, weights)), 5);
    const bytes = (tensor!.get(9)![0] as Uint8Array).slice();
    expect(new Float32Array(bytes.buffer)).to.deep.equal(weights.get("w")!.data);
  });

  it("leaves out what the outputs asked for do not need", () => {
    const training = fcnTraining(small);
    const scores = file(training, { outputs: ["scores"] });
    expect(Object.keys(valuesOf(scores, 11))).to.deep.equal(["image"]);
    expect(operatorsOf(scores)).to.not.include("ArgMax");
  });

  it("names the first op that has no form in ONNX", () => {
    const g = graph({ x: input([1, 2, 4, 4]), labels: input([1, 4, 4], "i32") }, ({ x, labels }) => ({
      loss: softmaxCrossEntropy(relu(x), labels),
    }));
    expect(() => file(g)).to.throw(OnnxError, "exportOnnx: crossEntropy [1, 4, 4]: crossEntropy has no form in ONNX");
  });

  it("refuses open axes that the net cannot follow, saying what depends on them", () => {
    expect(() => file(classifier({ trunk: "lenet" }), { dynamic: true })).to.throw(
      OnnxError,
      /other nodes at other sizes: param ip1\.weight \[500, 800\]/,
    );
    const fixed = net((x) => sum([x, param("w", [1, 2, 8, 8], zeros())]));
    expect(() => file(fixed, { dynamic: true })).to.throw(
      OnnxError,
      /cannot be built at other sizes of batch \(sum: operand 1 is/,
    );
    const byHeight = net((x) => scale(x, 1 / x.shape[2]!));
    expect(() => file(byHeight, { dynamic: true })).to.throw(OnnxError, /coefficient of sum \[1, 2, 8, 8\] depends on the size/);
    const padding = net((x) => conv2d(x, param("w", [1, 2, 3, 3], zeros()), null, { padding: x.shape[3]! }));
    expect(() => file(padding, { dynamic: true })).to.throw(OnnxError, /padding of conv2d .* depends on the size of the inputs/);
    const centred = net((x) => slice(x, { starts: [0, 0, Math.floor(x.shape[2]! / 2), 0], sizes: [1, 2, 1, 1] }));
    expect(() => file(centred, { dynamic: true })).to.throw(OnnxError, /the start on axis 2 of slice .* depends on the size/);
    const other = net((x) => (x.shape[2]! % 2 === 0 ? relu(x) : scale(x, 2)));
    expect(() => file(other, { dynamic: true })).to.throw(OnnxError, /made of other nodes at other sizes: (relu|sum) /);
    // Each of them has a file of its own size.
    for (const g of [fixed, byHeight, padding, centred, other]) expect(file(g).length).to.be.above(0);
  });

  it("refuses names that the graph does not have, or has twice", () => {
    const g = net((x) => relu(x));
    expect(() => file(g, { outputs: ["z"] })).to.throw(OnnxError, "there is no output z: the outputs are y");
    expect(() => file(g, { outputs: [] })).to.throw(OnnxError, "outputs is empty");
    expect(() => file(g, { dynamic: { image: { 0: "n" } } })).to.throw(OnnxError, "an input image: the inputs are x");
    expect(() => file(g, { dynamic: { x: { 4: "n" } } })).to.throw(OnnxError, "axis 4 of x, which is [1, 2, 8, 8]");
    expect(() => file(g, { dynamic: { x: { 0: "n", 1: "n" } } })).to.throw(OnnxError, "n is 1 in one place and 2 on axis 1 of x");
    const twice = graph({ x: input([2]) }, ({ x }) => ({ x: relu(x) }));
    expect(() => file(twice)).to.throw(OnnxError, "are called x");
  });

  it("refuses weights that are missing or of another shape", () => {
    const g = net((x) => conv2d(x, param("w", [4, 2, 3, 3], heNormal()), null));
    expect(() => exportOnnx(g, new Map())).to.throw(WeightsError, "no weights for w [4, 2, 3, 3]");
    const turned = new Map([["w", { shape: [2, 4, 3, 3], data: new Float32Array(72) }]]);
    expect(() => exportOnnx(g, turned)).to.throw(WeightsError, "w has shape [2, 4, 3, 3] but the graph expects [4, 2, 3, 3]");
  });

  it("refuses a file beyond protobuf's 2 GB before it makes one", () => {
    const shape = [2 ** 28];
    const g = graph({ x: input([1]) }, ({ x }) => ({
      y: sum([param("a", shape, zeros()), param("b", shape, zeros())]),
      z: relu(x),
    }));
    // Never touched: the system gives such pages when they are written.
    const data = new Float32Array(shape[0]!);
    const weights = new Map(["a", "b"].map((name) => [name, { shape, data }]));
    expect(() => exportOnnx(g, weights)).to.throw(OnnxError, /takes 21474\d+ bytes but an ONNX file ends at 2147483647/);
  });
});
