/** Nets as ONNX models: protocol buffers by the field numbers of onnx.proto, opset 13. */
import { isConv, type LayerWeights } from "../data.js";
import type { Layer, Net } from "../net.js";

const IR_VERSION = 8;
const OPSET = 13;
const FLOAT = 1;
const ATTRIBUTE_INTS = 7;

type Bytes = Uint8Array;

export function onnxModel(net: Net, weights: ReadonlyMap<string, LayerWeights>): Bytes {
  const initializers = [...weights].flatMap(([name, { weight, shape, bias }]) => [
    tensor(`${name}.weight`, shape, weight),
    ...(bias ? [tensor(`${name}.bias`, [bias.length], bias)] : []),
  ]);
  // GraphProto: node 1, name 2, initializer 5, input 11, output 12.
  const graph = joined([
    ...net.layers.flatMap((layer) => nodesOf(layer).map((node) => message(1, node))),
    text(2, "net"),
    ...initializers.map((initializer) => message(5, initializer)),
    message(11, valueInfo("x", [1, ...net.input])),
    message(12, valueInfo(net.output, [1, ...net.shapes[net.output]!])),
  ]);
  // ModelProto: ir_version 1, graph 7, opset_import 8 (domain 1, version 2).
  return joined([integer(1, IR_VERSION), message(7, graph), message(8, joined([text(1, ""), integer(2, OPSET)]))]);
}

function nodesOf(layer: Layer): Bytes[] {
  const { name, inputs } = layer;
  if (layer.op === "add") return [node("Add", inputs, name)];
  const { kernel, stride } = layer;
  const attributes = [integers("kernel_shape", [kernel, kernel]), integers("strides", [stride, stride])];
  if (!isConv(layer)) return [node("MaxPool", inputs, name, attributes)];
  attributes.push(integers("pads", [layer.padding, layer.padding, layer.padding, layer.padding]));
  const operands = [...inputs, `${name}.weight`, ...(layer.bias ? [`${name}.bias`] : [])];
  const type = layer.op === "conv" ? "Conv" : "ConvTranspose";
  if (!layer.relu) return [node(type, operands, name, attributes)];
  const before = `${name}.before_relu`;
  return [node(type, operands, before, attributes), node("Relu", [before], name)];
}

/** NodeProto: input 1, output 2, name 3, op_type 4, attribute 5. */
function node(type: string, inputs: readonly string[], output: string, attributes: readonly Bytes[] = []): Bytes {
  return joined([
    ...inputs.map((name) => text(1, name)),
    text(2, output),
    text(3, output),
    text(4, type),
    ...attributes.map((attribute) => message(5, attribute)),
  ]);
}

/** AttributeProto: name 1, ints 8, type 20. */
function integers(name: string, values: readonly number[]): Bytes {
  return joined([text(1, name), ...values.map((value) => integer(8, value)), integer(20, ATTRIBUTE_INTS)]);
}

/** TensorProto: dims 1, data_type 2, name 8, raw_data 9. */
function tensor(name: string, shape: readonly number[], { buffer, byteOffset, byteLength }: Float32Array): Bytes {
  return joined([
    ...shape.map((size) => integer(1, size)),
    integer(2, FLOAT),
    text(8, name),
    message(9, new Uint8Array(buffer, byteOffset, byteLength)),
  ]);
}

/** ValueInfoProto: name 1, type 2; TypeProto: tensor_type 1 (elem_type 1, shape 2); its dims 1 (dim_value 1). */
function valueInfo(name: string, shape: readonly number[]): Bytes {
  const dimensions = joined(shape.map((size) => message(1, integer(1, size))));
  return joined([text(1, name), message(2, message(1, joined([integer(1, FLOAT), message(2, dimensions)])))]);
}

// Fields of protocol buffers: a tag (number and wire type), then the value.
const VARINT = 0;
const LENGTH_DELIMITED = 2;

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return [...bytes, rest];
}

const integer = (field: number, value: number): Bytes => Uint8Array.from([...varint(field * 8 + VARINT), ...varint(value)]);

const message = (field: number, bytes: Bytes): Bytes =>
  joined([Uint8Array.from([...varint(field * 8 + LENGTH_DELIMITED), ...varint(bytes.length)]), bytes]);

const text = (field: number, value: string): Bytes => message(field, new TextEncoder().encode(value));

function joined(parts: readonly Bytes[]): Bytes {
  const result = new Uint8Array(parts.reduce((total, { length }) => total + length, 0));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}
