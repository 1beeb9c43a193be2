/**
 * The fields of a protobuf message in a file that is read piece by piece: tags and numbers are decoded by @bufbuild/protobuf, contents are read by
 * whoever knows the message. So the weights of a 500 MB net go from the file into their own arrays.
 */
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { WeightsError } from "../tensor/errors.js";
import type { ByteReader } from "../weights/byte-reader.js";

export interface Field {
  readonly number: number;
  readonly wire: WireType;
  /** A varint's value; 0 for other wire types, whose content is still to be read. */
  readonly value: number;
  /** The byte behind its content. */
  readonly end: number;
}

/** A tag of up to 5 bytes, and a varint of up to 10. */
const LONGEST = 16;
/** Protobuf's own limit. */
const MAX_LENGTH = 2 ** 31 - 1;

export function fail(why: string, cause?: unknown): never {
  throw new WeightsError(`caffemodel: ${why}: the file is damaged or no binary .caffemodel`, { cause });
}

/**
 * The fields of the message that the reader stands in, which ends at byte `end` (null: where the file ends). What the caller leaves of a field is
 * passed over. `what` names the message in errors.
 */
export async function* fieldsOf(reader: ByteReader, end: number | null, what: string): AsyncGenerator<Field, void, void> {
  while (end === null || reader.position < end) {
    const bytes = await reader.peek(LONGEST);
    if (bytes.length === 0) {
      if (end === null) return;
      fail(`the file ends inside ${what}`);
    }
    const { length, ...field } = headOf(bytes, reader.position, what);
    await reader.skip(length);
    const limit = end ?? reader.size;
    if (limit !== null && field.end > limit)
      fail(`field ${field.number} of ${what} ends at byte ${field.end}, but ${what} at ${limit}`);
    yield field;
    const rest = field.end - reader.position;
    if ((await reader.skip(rest)) < rest) fail(`the file ends inside ${what}`);
  }
}

/** The field whose tag is at the front of `bytes`, and how many bytes tag and number take. */
function headOf(bytes: Uint8Array, position: number, what: string): Field & { readonly length: number } {
  const head = new BinaryReader(bytes);
  let number = 0;
  let wire: WireType;
  try {
    [number, wire] = head.tag();
    const value = wire === WireType.Varint ? Number(head.uint64()) : 0;
    const content = contentLength(head, wire);
    if (content === null || content > MAX_LENGTH)
      fail(`field ${number} of ${what} has ${content === null ? `wire type ${wire}` : `${content} bytes`}`);
    return { number, wire, value, length: head.pos, end: position + head.pos + content };
  } catch (error) {
    if (error instanceof WeightsError) throw error;
    return fail(`there is no field at byte ${position} of ${what}`, error);
  }
}

/** Bytes behind tag and number; null for groups, which no version of the format has. */
function contentLength(head: BinaryReader, wire: WireType): number | null {
  switch (wire) {
    case WireType.Varint:
      return 0;
    case WireType.Bit32:
      return 4;
    case WireType.Bit64:
      return 8;
    case WireType.LengthDelimited:
      // Not as 32 bits, which would cut a longer one down to something harmless.
      return Number(head.uint64());
    case WireType.StartGroup:
    case WireType.EndGroup:
      return null;
  }
}

/** Throws unless the field is of one of the wire types that the schema allows. */
export function expectWire(field: Field, what: string, ...wires: readonly WireType[]): void {
  if (!wires.includes(field.wire))
    fail(`field ${field.number} of ${what} has wire type ${field.wire}, expected ${wires.join(" or ")}`);
}

/** All of a field's content. `most`: more is an error, since no such field is that long. */
export async function contentOf(reader: ByteReader, field: Field, what: string, most: number): Promise<Uint8Array> {
  const length = field.end - reader.position;
  if (length > most) fail(`field ${field.number} of ${what} takes ${length} bytes, expected at most ${most}`);
  const bytes = new Uint8Array(length);
  if ((await reader.fill(bytes)) < length) fail(`the file ends inside ${what}`);
  return bytes;
}

export async function textOf(reader: ByteReader, field: Field, what: string): Promise<string> {
  expectWire(field, what, WireType.LengthDelimited);
  const bytes = await contentOf(reader, field, what, 65536);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    return fail(`field ${field.number} of ${what} is no text`, error);
  }
}
