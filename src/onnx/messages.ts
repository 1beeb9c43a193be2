/**
 * The few messages of onnx.proto3 that a graph takes, and their bytes. Field numbers are those of onnx.proto3; the varints, tags and strings
 * are written by @bufbuild/protobuf. Weights never pass through its writer, which would copy them with every message around them: a file is
 * made of pieces, and copied together once.
 */
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { OnnxError } from "./errors.js";

/** ONNX's TensorProto.DataType. */
export const DATA_TYPES = { f32: 1, i32: 6, i64: 7, u32: 12 } as const;
export type DataType = keyof typeof DATA_TYPES;

/** A whole number is an INT, an array of them INTS; a FLOAT says so. */
export type Attribute = number | readonly number[] | string | { readonly float: number };
export type Attributes = Readonly<Record<string, Attribute>>;

export interface NodeMessage {
  readonly op: string;
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Attributes;
}

export interface TensorMessage {
  readonly name: string;
  readonly type: DataType;
  readonly dims: readonly number[];
  /** Little-endian. */
  readonly bytes: Uint8Array;
}

/** An input or output. A dimension is a number, or a name where it is open. */
export interface ValueMessage {
  readonly name: string;
  readonly type: DataType;
  readonly dims: readonly (number | string)[];
}

export interface ModelMessage {
  readonly irVersion: number;
  readonly opset: number;
  readonly producer: string;
  readonly graphName: string;
  readonly nodes: readonly NodeMessage[];
  readonly initializers: readonly TensorMessage[];
  readonly inputs: readonly ValueMessage[];
  readonly outputs: readonly ValueMessage[];
}

/** Protobuf's own limit: readers refuse more. */
const MAX_FILE_BYTES = 2 ** 31 - 1;

/** The file's bytes. Throws OnnxError where they would exceed protobuf's 2 GB, before anything large is allocated. */
export function encodeModel(model: ModelMessage): Uint8Array {
  const graph = [
    ...model.nodes.flatMap((node) => message(1, [encodeNode(node)])),
    text(2, model.graphName),
    ...model.initializers.flatMap((tensor) => message(5, encodeTensor(tensor))),
    ...model.inputs.flatMap((value) => message(11, [encodeValue(value)])),
    ...model.outputs.flatMap((value) => message(12, [encodeValue(value)])),
  ];
  const size = byteCount(graph);
  if (size > MAX_FILE_BYTES) {
    throw new OnnxError(
      `exportOnnx: the graph takes ${size} bytes but an ONNX file ends at ${MAX_FILE_BYTES}: export a narrower net, or its parts`,
    );
  }
  return joined([
    varint(1, model.irVersion),
    text(2, model.producer),
    ...message(8, [text(1, ""), varint(2, model.opset)]),
    ...message(7, graph),
  ]);
}

type Pieces = readonly Uint8Array[];

function byteCount(pieces: Pieces): number {
  return pieces.reduce((n, piece) => n + piece.length, 0);
}

function joined(pieces: Pieces): Uint8Array {
  const bytes = new Uint8Array(byteCount(pieces));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/** An embedded message, or bytes: tag, length, and the pieces as they are. */
function message(field: number, pieces: Pieces): Pieces {
  const size = byteCount(pieces);
  // A length beyond protobuf's is refused with the whole file's.
  const length = Math.min(size, MAX_FILE_BYTES);
  return [new BinaryWriter().tag(field, WireType.LengthDelimited).uint32(length).finish(), ...pieces];
}

function text(field: number, value: string): Uint8Array {
  return new BinaryWriter().tag(field, WireType.LengthDelimited).string(value).finish();
}

function varint(field: number, value: number): Uint8Array {
  return new BinaryWriter().tag(field, WireType.Varint).int64(value).finish();
}

function encodeNode({ op, name, inputs, outputs, attributes }: NodeMessage): Uint8Array {
  return joined([
    ...inputs.map((input) => text(1, input)),
    ...outputs.map((output) => text(2, output)),
    text(3, name),
    text(4, op),
    ...Object.entries(attributes).flatMap(([key, value]) => message(5, [text(1, key), ...encodeAttribute(value)])),
  ]);
}

/** The value, and AttributeProto.AttributeType. */
function encodeAttribute(value: Attribute): Pieces {
  const typed = (type: number, ...pieces: Pieces): Pieces => [...pieces, varint(20, type)];
  if (typeof value === "number") return typed(2, varint(3, value));
  if (typeof value === "string") return typed(3, text(4, value));
  if ("float" in value) return typed(1, new BinaryWriter().tag(2, WireType.Bit32).float(value.float).finish());
  return typed(7, ...value.map((item) => varint(8, item)));
}

function encodeTensor({ name, type, dims, bytes }: TensorMessage): Pieces {
  return [...dims.map((dim) => varint(1, dim)), varint(2, DATA_TYPES[type]), text(8, name), ...message(9, [bytes])];
}

function encodeValue({ name, type, dims }: ValueMessage): Uint8Array {
  const shape = dims.flatMap((dim) => message(1, [typeof dim === "number" ? varint(1, dim) : text(2, dim)]));
  const tensor = [varint(1, DATA_TYPES[type]), ...message(2, shape)];
  return joined([text(1, name), ...message(2, message(1, tensor))]);
}
