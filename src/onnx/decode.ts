/**
 * The messages of onnx.proto3 that an import takes, out of a file's bytes. Tags, varints and strings are read by @bufbuild/protobuf; fields that nothing here
 * needs are passed over. Field numbers are those of onnx.proto3.
 */
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { OnnxError } from "./errors.js";

export interface DecodedAttribute {
  readonly int?: number;
  readonly float?: number;
  readonly text?: string;
  readonly ints: readonly number[];
  readonly floats: readonly number[];
  readonly tensor?: DecodedTensor;
}

export interface DecodedNode {
  readonly op: string;
  readonly domain: string;
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, DecodedAttribute>;
}

export interface DecodedTensor {
  readonly name: string;
  readonly dims: readonly number[];
  /** TensorProto.DataType. */
  readonly type: number;
  /** The bytes as they lie in the file, or the numbers of a typed field. */
  readonly raw: Uint8Array | null;
  readonly numbers: readonly number[];
  /** The values lie in another file. */
  readonly external: boolean;
}

/** An input or output. An open dimension has a name, or "?" where the file gives none. */
export interface DecodedValue {
  readonly name: string;
  readonly type: number;
  readonly dims: readonly (number | string)[];
}

export interface DecodedModel {
  readonly producer: string;
  /** Version of ONNX's own operators. */
  readonly opset: number;
  readonly nodes: readonly DecodedNode[];
  readonly initializers: readonly DecodedTensor[];
  readonly inputs: readonly DecodedValue[];
  readonly outputs: readonly DecodedValue[];
}

/** Throws OnnxError where the bytes are no such file. */
export function decodeModel(bytes: Uint8Array): DecodedModel {
  try {
    return modelOf(bytes);
  } catch (cause) {
    if (cause instanceof OnnxError) throw cause;
    throw new OnnxError("importOnnx: the file is damaged or no ONNX model (.onnx, binary)", { cause });
  }
}

type Fields = ReadonlyMap<number, readonly (number | Uint8Array)[]>;

/** The fields of a message by number, in order; contents are views of the file. */
function fieldsOf(bytes: Uint8Array): Fields {
  const reader = new BinaryReader(bytes);
  const fields = new Map<number, (number | Uint8Array)[]>();
  while (reader.pos < reader.len) {
    const [field, wire] = reader.tag();
    const value = valueOf(reader, wire, field);
    const known = fields.get(field);
    if (known) known.push(value);
    else fields.set(field, [value]);
  }
  return fields;
}

function valueOf(reader: BinaryReader, wire: WireType, field: number): number | Uint8Array {
  switch (wire) {
    case WireType.Varint:
      return Number(reader.int64());
    case WireType.Bit32:
      return reader.float();
    case WireType.Bit64:
      return reader.double();
    case WireType.LengthDelimited:
      return reader.bytes();
    case WireType.StartGroup:
    case WireType.EndGroup:
      throw new OnnxError(`importOnnx: field ${field} has wire type ${wire}: the file is damaged or no ONNX model`);
  }
}

function mistyped(field: number): never {
  throw new OnnxError(`importOnnx: field ${field} of a message has the wrong type: the file is damaged or no ONNX model`);
}

function messages(fields: Fields, field: number): Uint8Array[] {
  return (fields.get(field) ?? []).map((value) => (typeof value === "number" ? mistyped(field) : value));
}

const texts = (fields: Fields, field: number): string[] =>
  messages(fields, field).map((bytes) => new TextDecoder().decode(bytes));
const text = (fields: Fields, field: number): string => texts(fields, field).at(-1) ?? "";

function single(fields: Fields, field: number): number | undefined {
  const value = fields.get(field)?.at(-1);
  return value instanceof Uint8Array ? mistyped(field) : value;
}

/** A repeated number, packed or not. `size`: bytes of a packed one; 0 for varints. */
function repeated(fields: Fields, field: number, size: 0 | 4 | 8): number[] {
  const all: number[] = [];
  for (const value of fields.get(field) ?? []) {
    if (typeof value === "number") {
      all.push(value);
      continue;
    }
    const reader = new BinaryReader(value);
    while (reader.pos < reader.len) all.push(size === 0 ? Number(reader.int64()) : size === 4 ? reader.float() : reader.double());
  }
  return all;
}

function modelOf(bytes: Uint8Array): DecodedModel {
  const model = fieldsOf(bytes);
  const graph = messages(model, 7).at(-1);
  if (!graph) throw new OnnxError("importOnnx: the file has no graph: it is damaged or no ONNX model (.onnx, binary)");
  const fields = fieldsOf(graph);
  const opset = messages(model, 8)
    .map(fieldsOf)
    .find((set) => ["", "ai.onnx"].includes(text(set, 1)));
  return {
    producer: text(model, 2),
    opset: (opset && single(opset, 2)) ?? 1,
    nodes: messages(fields, 1).map(nodeOf),
    initializers: messages(fields, 5).map(tensorOf),
    inputs: messages(fields, 11).map(valueInfoOf),
    outputs: messages(fields, 12).map(valueInfoOf),
  };
}

function nodeOf(bytes: Uint8Array): DecodedNode {
  const fields = fieldsOf(bytes);
  const attributes = messages(fields, 5).map((attribute): [string, DecodedAttribute] => {
    const a = fieldsOf(attribute);
    const [int, float] = [single(a, 3), single(a, 2)];
    const [string] = texts(a, 4);
    const [tensor] = messages(a, 5);
    const one = {
      ...(int === undefined ? {} : { int }),
      ...(float === undefined ? {} : { float }),
      ...(string === undefined ? {} : { text: string }),
      ...(tensor === undefined ? {} : { tensor: tensorOf(tensor) }),
    };
    return [text(a, 1), { ...one, floats: repeated(a, 7, 4), ints: repeated(a, 8, 0) }];
  });
  return {
    op: text(fields, 4),
    domain: text(fields, 7),
    name: text(fields, 3),
    inputs: texts(fields, 1),
    outputs: texts(fields, 2),
    attributes: new Map(attributes),
  };
}

function tensorOf(bytes: Uint8Array): DecodedTensor {
  const fields = fieldsOf(bytes);
  const numbers = [repeated(fields, 4, 4), repeated(fields, 5, 0), repeated(fields, 7, 0), repeated(fields, 10, 8)];
  return {
    name: text(fields, 8),
    dims: repeated(fields, 1, 0),
    type: single(fields, 2) ?? 0,
    raw: messages(fields, 9).at(-1) ?? null,
    numbers: numbers.find((list) => list.length > 0) ?? [],
    external: single(fields, 14) === 1 || fields.has(13),
  };
}

function valueInfoOf(bytes: Uint8Array): DecodedValue {
  const fields = fieldsOf(bytes);
  const type = messages(fields, 2).map(fieldsOf).at(-1);
  const tensor = type && messages(type, 1).map(fieldsOf).at(-1);
  if (!tensor) throw new OnnxError(`importOnnx: ${text(fields, 1)} is no tensor: sequences and maps have no form here`);
  const [shape] = messages(tensor, 2).map(fieldsOf);
  const dims = shape ? messages(shape, 1).map(fieldsOf) : [];
  return {
    name: text(fields, 1),
    type: single(tensor, 1) ?? 0,
    dims: dims.map((dim) => single(dim, 1) ?? (text(dim, 2) || "?")),
  };
}
