/** BlobProto of caffe.proto: an array with its shape, old (num, channels, height, width) or new (BlobShape). */
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { formatShape, numel, type Shape } from "../tensor/shape.js";
import type { ByteReader } from "../weights/byte-reader.js";
import { allocate } from "../weights/read-placed.js";
import { contentOf, expectWire, fail, fieldsOf, type Field } from "./fields.js";

export interface Blob {
  readonly shape: Shape;
  /** The shape is num, channels, height, width, whatever the rank of what it holds. */
  readonly legacy: boolean;
  readonly data: Float32Array;
}

/** Field numbers. The gradients, `diff` and `double_diff`, are passed over. */
const LAST_LEGACY = 4;
const DATA = 5;
const SHAPE = 7;
const DOUBLE_DATA = 8;
/** Caffe's kMaxBlobAxes. */
const MAX_AXES = 32;

export async function readBlob(reader: ByteReader, end: number, what: string): Promise<Blob> {
  const legacy = [0, 0, 0, 0];
  let isLegacy = false;
  let shape: Shape = [];
  const parts: Float32Array[] = [];
  /** Values that come one by one, which the format allows. */
  let single: number[] = [];
  const flush = (): void => {
    if (single.length > 0) parts.push(Float32Array.from(single));
    single = [];
  };
  for await (const field of fieldsOf(reader, end, what)) {
    if (field.number <= LAST_LEGACY) {
      expectWire(field, what, WireType.Varint);
      legacy[field.number - 1] = field.value;
      isLegacy = true;
    } else if (field.number === SHAPE) {
      shape = await readShape(reader, field, what);
    } else if (field.number === DATA || field.number === DOUBLE_DATA) {
      const part = await readValues(reader, field, what);
      if (part.length !== 1) flush();
      if (part.length === 1) single.push(part[0]!);
      else parts.push(part);
    }
  }
  flush();
  const data = parts.length === 1 ? parts[0]! : joined(parts);
  // As Caffe's Blob::FromProto: the old fields count where there are any.
  const extents = isLegacy ? legacy : shape;
  if (extents.some((d) => !Number.isSafeInteger(d)) || numel(extents) !== data.length)
    fail(`${what} has ${data.length} values but its shape ${formatShape(extents)} takes ${numel(extents)}`);
  return { shape: extents, legacy: isLegacy, data };
}

async function readShape(reader: ByteReader, field: Field, what: string): Promise<Shape> {
  expectWire(field, what, WireType.LengthDelimited);
  const bytes = await contentOf(reader, field, what, 1024);
  const message = new BinaryReader(bytes);
  const shape: number[] = [];
  try {
    while (message.pos < message.len) {
      const [number, wire] = message.tag();
      if (number !== 1) {
        message.skip(wire, number);
        continue;
      }
      const end = wire === WireType.LengthDelimited ? message.uint32() + message.pos : null;
      do shape.push(Number(message.int64()));
      while (end !== null && message.pos < end);
    }
  } catch (error) {
    fail(`the shape of ${what} cannot be read`, error);
  }
  if (shape.length > MAX_AXES || shape.some((d) => !Number.isSafeInteger(d) || d < 0))
    fail(`the shape of ${what} is ${formatShape(shape.slice(0, MAX_AXES))}`);
  return shape;
}

/** Doubles a piece are converted at once. */
const PIECE = 65536;

/** Packed, or a single value. */
async function readValues(reader: ByteReader, field: Field, what: string): Promise<Float32Array> {
  const size = field.number === DATA ? 4 : 8;
  expectWire(field, what, WireType.LengthDelimited, size === 4 ? WireType.Bit32 : WireType.Bit64);
  const bytes = field.end - reader.position;
  if (bytes % size !== 0) fail(`${what} has ${bytes} bytes of values, which is no multiple of ${size}`);
  const values = allocate([bytes / size], what);
  if (size === 4) {
    if ((await reader.fill(new Uint8Array(values.buffer))) < bytes) fail(`the file ends inside ${what}`);
    return values;
  }
  const piece = new Float64Array(Math.min(PIECE, values.length));
  for (let at = 0; at < values.length; at += PIECE) {
    const part = piece.subarray(0, values.length - at);
    if ((await reader.fill(new Uint8Array(part.buffer, 0, part.byteLength))) < part.byteLength)
      fail(`the file ends inside ${what}`);
    values.set(part, at);
  }
  return values;
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
