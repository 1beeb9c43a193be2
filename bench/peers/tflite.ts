/**
 * Nets as TensorFlow Lite models: flatbuffers by the schema's field numbers (tensorflow/lite/schema/schema.fbs, version 3). NHWC; weights of both kinds
 * of convolution as OHWI.
 */
import { Builder } from "flatbuffers";
import type { LayerWeights } from "../data.js";
import type { ConvLayer, Layer, Net } from "../net.js";
import { nhwcShape, permuted } from "./layout.js";

/** BuiltinOperator and BuiltinOptions of the schema. */
const OPERATORS = {
  conv: { code: 3, options: 1 },
  pool: { code: 17, options: 5 },
  deconv: { code: 67, options: 49 },
  add: { code: 0, options: 11 },
  pad: { code: 34, options: 22 },
} as const;
type OperatorName = keyof typeof OPERATORS;

const SAME = 0;
const VALID = 1;
const FLOAT32 = 0;
const INT32 = 2;
const SCHEMA_VERSION = 3;
const FILE_IDENTIFIER = "TFL3";

interface ModelTensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** Index of its buffer; 0 is the empty one. */
  readonly buffer: number;
  readonly type: number;
}

interface Operator {
  readonly name: OperatorName;
  readonly inputs: readonly number[];
  readonly output: number;
  readonly padding: number;
  readonly layer: Layer | null;
}

/** The parts of a model, with tensors and buffers by index. */
interface Parts {
  readonly tensors: ModelTensor[];
  readonly buffers: (Uint8Array | null)[];
  readonly operators: Operator[];
  readonly input: number;
  readonly output: number;
}

/** Throws for a transposed convolution whose crop the format cannot say. */
export function tfliteModel(net: Net, weights: ReadonlyMap<string, LayerWeights>): Uint8Array {
  return write(partsOf(net, weights));
}

function partsOf(net: Net, weights: ReadonlyMap<string, LayerWeights>): Parts {
  const tensors: ModelTensor[] = [];
  const buffers: (Uint8Array | null)[] = [null];
  const operators: Operator[] = [];
  const tensor = (name: string, shape: readonly number[], data?: Float32Array | Int32Array): number => {
    const bytes = data && new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const buffer = bytes ? buffers.push(bytes) - 1 : 0;
    return tensors.push({ name, shape, buffer, type: data instanceof Int32Array ? INT32 : FLOAT32 }) - 1;
  };
  const activation = (name: string): number => tensor(name, nhwcShape(net.shapes[name]!));

  const indices = new Map([["x", activation("x")]]);
  const convolution = (layer: ConvLayer, x: number): void => {
    const { weight, shape, bias } = weights.get(layer.name)!;
    const { channelsOut, channelsIn, kernel } = layer;
    const ohwi = permuted(weight, shape, layer.op === "conv" ? [0, 2, 3, 1] : [1, 2, 3, 0]);
    const filter = tensor(`${layer.name}.weight`, [channelsOut, kernel, kernel, channelsIn], ohwi);
    if (layer.op === "conv") {
      const [padded, padding] = explicitPadding(layer, x);
      const inputs = [padded, filter, tensor(`${layer.name}.bias`, [channelsOut], bias!)];
      operators.push({ name: "conv", inputs, output: activation(layer.name), padding, layer });
    } else {
      const size = tensor(`${layer.name}.size`, [4], Int32Array.from(nhwcShape(net.shapes[layer.name]!)));
      operators.push({
        name: "deconv",
        inputs: [size, filter, x],
        output: activation(layer.name),
        padding: cropOf(layer),
        layer,
      });
    }
  };
  /** Padding that is neither none nor "same" is an operator before the convolution. */
  const explicitPadding = (layer: ConvLayer, x: number): [number, number] => {
    const { name, padding, stride, kernel, inputs } = layer;
    if (padding === 0) return [x, VALID];
    if (stride === 1 && 2 * padding === kernel - 1) return [x, SAME];
    const [c, h, w] = net.shapes[inputs[0]!]!;
    const pads = tensor(`${name}.pads`, [4, 2], Int32Array.of(0, 0, padding, padding, padding, padding, 0, 0));
    const padded = tensor(`${name}.padded`, [1, h + 2 * padding, w + 2 * padding, c]);
    operators.push({ name: "pad", inputs: [x, pads], output: padded, padding: VALID, layer: null });
    return [padded, VALID];
  };

  for (const layer of net.layers) {
    const inputs = layer.inputs.map((name) => indices.get(name)!);
    if (layer.op === "conv" || layer.op === "deconv") convolution(layer, inputs[0]!);
    else operators.push({ name: layer.op, inputs, output: activation(layer.name), padding: VALID, layer });
    indices.set(layer.name, operators.at(-1)!.output);
  }
  return { tensors, buffers, operators, input: indices.get("x")!, output: indices.get(net.output)! };
}

function cropOf({ name, padding, kernel, stride }: ConvLayer): number {
  if (padding === 0) return VALID;
  if (2 * padding === kernel - stride) return SAME;
  throw new Error(`tflite: ${name} crops ${padding} pixels: a TransposeConv of kernel ${kernel} and stride ${stride} cannot`);
}

function write({ tensors, buffers, operators, input, output }: Parts): Uint8Array {
  const b = new Builder(1 << 20);
  const codes = [...new Set(operators.map(({ name }) => name))];
  const vector = (values: readonly number[], add: (value: number) => void): number => {
    b.startVector(4, values.length, 4);
    for (const value of [...values].reverse()) add(value); // flatbuffers are written from the end
    return b.endVector();
  };
  const ints = (values: readonly number[]): number => vector(values, (value) => b.addInt32(value));
  const tables = (offsets: readonly number[]): number => vector(offsets, (offset) => b.addOffset(offset));
  const table = (fields: number, fill: () => void): number => {
    b.startObject(fields);
    fill();
    return b.endObject();
  };
  const bytes = (data: Uint8Array): number => {
    b.startVector(1, data.length, 16);
    b.space -= data.length;
    b.bb.bytes().set(data, b.space);
    return b.endVector();
  };

  const bufferTables = buffers.map((data) => {
    const offset = data ? bytes(data) : 0;
    return table(1, () => data && b.addFieldOffset(0, offset, 0));
  });
  const tensorTables = tensors.map(({ name, shape, buffer, type }) => {
    const [text, sizes] = [b.createString(name), ints(shape)];
    return table(8, () => {
      b.addFieldOffset(0, sizes, 0);
      b.addFieldInt8(1, type, 0);
      b.addFieldInt32(2, buffer, 0);
      b.addFieldOffset(3, text, 0);
    });
  });
  const operatorTables = operators.map((operator) => {
    const [inputs, outputs] = [ints(operator.inputs), ints([operator.output])];
    const options = writeOptions(b, operator);
    return table(5, () => {
      b.addFieldInt32(0, codes.indexOf(operator.name), 0);
      b.addFieldOffset(1, inputs, 0);
      b.addFieldOffset(2, outputs, 0);
      b.addFieldInt8(3, OPERATORS[operator.name].options, 0);
      b.addFieldOffset(4, options, 0);
    });
  });
  const codeTables = codes.map((name) =>
    table(4, () => {
      b.addFieldInt8(0, OPERATORS[name].code, 0);
      b.addFieldInt32(2, 1, 1);
      b.addFieldInt32(3, OPERATORS[name].code, 0);
    }),
  );
  const parts = [tables(tensorTables), ints([input]), ints([output]), tables(operatorTables), b.createString("main")];
  const subgraph = table(5, () => parts.forEach((offset, field) => b.addFieldOffset(field, offset, 0)));
  const model = [tables(codeTables), tables([subgraph]), b.createString("fcn-webgpu benchmark"), tables(bufferTables)];
  const root = table(8, () => {
    b.addFieldInt32(0, SCHEMA_VERSION, 0);
    model.forEach((offset, i) => b.addFieldOffset(i + 1, offset, 0));
  });
  b.finish(root, FILE_IDENTIFIER);
  return b.asUint8Array().slice();
}

/** Conv2DOptions, Pool2DOptions, TransposeConvOptions; the others are empty here. */
function writeOptions(b: Builder, { layer, padding }: Operator): number {
  if (layer === null || layer.op === "add") {
    b.startObject(1);
    return b.endObject();
  }
  b.startObject(6);
  b.addFieldInt8(0, padding, 0);
  b.addFieldInt32(1, layer.stride, 0);
  b.addFieldInt32(2, layer.stride, 0);
  if (layer.op === "conv") b.addFieldInt8(3, layer.relu ? 1 : 0, 0);
  if (layer.op === "pool") {
    b.addFieldInt32(3, layer.kernel, 0);
    b.addFieldInt32(4, layer.kernel, 0);
  }
  return b.endObject();
}
