/**
 * The safetensors format: 8 bytes of header length (little-endian), a JSON header (name -> dtype, shape, data_offsets; string metadata
 * under `__metadata__`), then the data. Read into float32, whatever the file holds, tensor by tensor; a file is never in memory beside its
 * tensors unless the caller passes its bytes.
 */
import { WeightsError } from "../tensor/errors.js";
import { formatShape, numel, type Shape } from "../tensor/shape.js";
import { ByteReader } from "./byte-reader.js";
import { openBytes, type FileSource, type ReadOptions } from "./bytes.js";
import { ELEMENT_TYPES, toSixteenBits, type WrittenType } from "./element-types.js";
import { parseStrictJson } from "./json.js";
import { inOrder, isIndices, type PlacedTensor } from "./placement.js";
import { readPlaced, type NamedTensor } from "./read-placed.js";

export interface SafetensorsFile {
  readonly tensors: ReadonlyMap<string, { readonly shape: Shape; readonly data: Float32Array }>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** A file whose header has been read and checked. */
export interface OpenSafetensors {
  readonly metadata: Readonly<Record<string, string>>;
  /** What is in it, in the order of the file. */
  readonly entries: readonly PlacedTensor[];
  /** Reads the tensors, in that order; once. Those that `only` refuses are passed over. Leaving the loop closes the file. */
  tensors(options?: { readonly only?: (name: string) => boolean }): AsyncGenerator<NamedTensor, void, void>;
  /** Closes a file whose tensors are not wanted. */
  close(): Promise<void>;
}

/** The format's own limit. */
const MAX_HEADER_BYTES = 100_000_000;
/** An object of objects with arrays in them. */
const MAX_DEPTH = 3;
const METADATA = "__metadata__";

const fail = (why: string): never => {
  throw new WeightsError(`safetensors: ${why}: the file is damaged or of another format`);
};

/**
 * Reads and checks the header. Throws WeightsError where it does not describe the file: cut off, tensors that overlap or leave gaps, a name twice,
 * an unknown dtype.
 *
 * @example
 * for await (const { name, shape, data } of (await openSafetensors(url)).tensors()) console.log(name, shape, data.length);
 */
export async function openSafetensors(source: FileSource, options: ReadOptions = {}): Promise<OpenSafetensors> {
  const reader = new ByteReader(await openBytes(source, options.signal), options);
  try {
    const { metadata, entries } = await readHeader(reader);
    return {
      metadata,
      entries,
      async *tensors({ only = () => true } = {}) {
        try {
          yield* readPlaced(reader, entries, only, fail);
        } finally {
          await reader.close();
        }
      },
      close: () => reader.close(),
    };
  } catch (error) {
    await reader.close();
    throw error;
  }
}

/** The whole file. Peak memory is that of the tensors as float32, and about a megabyte. Throws WeightsError as {@link openSafetensors}. */
export async function loadSafetensors(source: FileSource, options: ReadOptions = {}): Promise<SafetensorsFile> {
  const file = await openSafetensors(source, options);
  const tensors = new Map<string, { shape: Shape; data: Float32Array }>();
  for await (const { name, shape, data } of file.tensors()) tensors.set(name, { shape, data });
  return { tensors, metadata: file.metadata };
}

/** The same from bytes that are there already, at once. */
export function readSafetensors(bytes: Uint8Array): SafetensorsFile {
  return tensorsIn(bytes, () => false);
}

/** The same without a second copy: float32 tensors are views of the bytes, where these lie so that they can be. */
export function viewSafetensors(bytes: Uint8Array): SafetensorsFile {
  return tensorsIn(bytes, ({ buffer, byteOffset }) => buffer instanceof ArrayBuffer && byteOffset % 4 === 0);
}

function tensorsIn(bytes: Uint8Array, canView: (values: Uint8Array) => boolean): SafetensorsFile {
  if (bytes.length < 8) return fail(`${bytes.length} bytes are too few for a header`);
  const length = headerLength(bytes, bytes.length - 8);
  const body = bytes.subarray(8 + length);
  const { metadata, entries } = parseHeader(bytes.subarray(8, 8 + length), body.length);
  const tensors = new Map<string, { shape: Shape; data: Float32Array }>();
  for (const { name, dtype, shape, from, to } of entries) {
    const values = body.subarray(from, to);
    if (dtype === "F32" && canView(values)) {
      tensors.set(name, { shape, data: new Float32Array(values.buffer, values.byteOffset, numel(shape)) });
      continue;
    }
    const data = new Float32Array(numel(shape));
    // Copied where the type needs alignment.
    ELEMENT_TYPES.get(dtype)!.read(dtype === "F32" ? values : values.slice(), data);
    tensors.set(name, { shape, data });
  }
  return { tensors, metadata };
}

async function readHeader(reader: ByteReader): Promise<Header> {
  const prefix = new Uint8Array(8);
  const there = await reader.fill(prefix);
  if (there < 8) return fail(`${there} bytes are too few for a header`);
  const length = headerLength(prefix, reader.left);
  // In pieces: a length that is a lie must not take memory.
  const pieces: Uint8Array[] = [];
  for (let done = 0; done < length;) {
    const piece = new Uint8Array(Math.min(length - done, 2 ** 20));
    const read = await reader.fill(piece);
    if (read < piece.length) return fail(`the header claims ${length} bytes of ${done + read}`);
    pieces.push(piece);
    done += read;
  }
  return parseHeader(joined(pieces), reader.left);
}

function headerLength(prefix: Uint8Array, left: number | null): number {
  const claimed = new DataView(prefix.buffer, prefix.byteOffset).getBigUint64(0, true);
  if (left !== null && claimed > BigInt(left)) return fail(`the header claims ${claimed} bytes of ${left}`);
  if (claimed > MAX_HEADER_BYTES)
    return fail(`the header claims ${claimed} bytes, more than the ${MAX_HEADER_BYTES} of the format`);
  return Number(claimed);
}

interface Header {
  readonly metadata: Readonly<Record<string, string>>;
  readonly entries: readonly PlacedTensor[];
}

/** `size`: bytes behind the header, where known. */
function parseHeader(bytes: Uint8Array, size: number | null): Header {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return fail("the header is not UTF-8");
  }
  if (!text.startsWith("{")) return fail("the header is not an object");
  const header = parseStrictJson(text, MAX_DEPTH, fail) as Record<string, unknown>;
  // Names are data: entries of an object, never looked up on it, so that __proto__ is a name like any other.
  const all = Object.entries(header);
  const entries = all.filter(([name]) => name !== METADATA).map(([name, value]) => placed(name, value));
  const metadata = all.find(([name]) => name === METADATA)?.[1] ?? {};
  return { metadata: textsOf(metadata), entries: inOrder(entries, size, fail) };
}

function placed(name: string, value: unknown): PlacedTensor {
  const { dtype, shape, data_offsets: offsets } = (value ?? {}) as { dtype?: unknown; shape?: unknown; data_offsets?: unknown };
  if (typeof dtype !== "string") return fail(`${name} has no dtype`);
  if (!isIndices(shape) || !isIndices(offsets) || offsets.length !== 2)
    return fail(`${name} has no valid shape and data_offsets`);
  return { name, dtype, shape, from: offsets[0]!, to: offsets[1]! };
}

function textsOf(metadata: unknown): Record<string, string> {
  if (typeof metadata !== "object" || metadata === null || Array.isArray(metadata)) return fail(`${METADATA} is not an object`);
  const entries = Object.entries(metadata).map(([key, value]): [string, string] =>
    typeof value === "string" ? [key, value] : fail(`${METADATA} holds ${key}, which is no text`),
  );
  return Object.fromEntries(entries);
}

export interface WriteOptions {
  /** What the values are written as, default F32. F16 and BF16 halve the file and round to nearest. */
  readonly dtype?: WrittenType;
}

/**
 * A file piece by piece: the header, then each tensor; float32 pieces are views of the tensors themselves, so that nothing is copied. For
 * `fs.writeFile(path, pieces)` in Node and `new Blob([...pieces])` in a page. Throws WeightsError for a tensor whose data is not as long as its shape
 * says, or a value that the dtype cannot hold.
 */
export function* safetensorsPieces(
  { tensors, metadata }: SafetensorsFile,
  { dtype = "F32" }: WriteOptions = {},
): Generator<Uint8Array<ArrayBuffer>, void, void> {
  for (const [name, { shape, data }] of tensors) {
    if (data.length !== numel(shape)) {
      throw new WeightsError(`safetensors: ${name} has ${data.length} values but ${formatShape(shape)} takes ${numel(shape)}`);
    }
  }
  yield safetensorsHead(
    [...tensors].map(([name, { shape }]) => ({ name, shape })),
    metadata,
    { dtype },
  );
  for (const [name, { data }] of tensors) {
    if (dtype === "F32") {
      yield bytesOf(data);
      continue;
    }
    const { bits, beyond } = toSixteenBits(data, dtype);
    if (beyond !== -1)
      throw new WeightsError(`safetensors: ${name} holds ${data[beyond]}, which ${dtype} cannot hold: write F32 or BF16`);
    yield bytesOf(bits);
  }
}

/** What stands in front of the data of tensors that follow in this order: all of the file that one needs to know before one has them. */
export function safetensorsHead(
  tensors: readonly { readonly name: string; readonly shape: Shape }[],
  metadata: Readonly<Record<string, string>>,
  { dtype = "F32" }: WriteOptions = {},
): Uint8Array<ArrayBuffer> {
  const size = ELEMENT_TYPES.get(dtype)!.size;
  let end = 0;
  const entries = tensors.map(({ name, shape }): [string, object] => {
    if (name === METADATA)
      throw new WeightsError(`safetensors: a tensor is called ${METADATA}, which the format keeps for itself`);
    const from = end;
    end += size * numel(shape);
    return [name, { dtype, shape, data_offsets: [from, end] }];
  });
  // Not by assignment, which would make a prototype of __proto__.
  const text = JSON.stringify(Object.fromEntries([[METADATA, metadata], ...entries]));
  const encoded = new TextEncoder().encode(text);
  // The data begins at a multiple of 8.
  const head = new Uint8Array(8 + Math.ceil(encoded.length / 8) * 8).fill(32);
  new DataView(head.buffer).setBigUint64(0, BigInt(head.length - 8), true);
  head.set(encoded, 8);
  return head;
}

/** A file's bytes in one array. */
export function writeSafetensors(file: SafetensorsFile, options: WriteOptions = {}): Uint8Array {
  return joined([...safetensorsPieces(file, options)]);
}

/** As they lie in memory, which is as they lie in a file. */
export function bytesOf(values: Float32Array | Uint16Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(values.buffer as ArrayBuffer, values.byteOffset, values.byteLength);
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(pieces.reduce((n, piece) => n + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}
