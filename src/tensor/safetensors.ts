/**
 * The safetensors format: 8 bytes of header length (little-endian), a JSON header (name -> dtype, shape, data_offsets; string metadata
 * under `__metadata__`), then the data. Read here with float32 tensors only.
 */
import { WeightsError } from "./errors.js";
import { numel, type Shape } from "./shape.js";

export interface SafetensorsFile {
  readonly tensors: ReadonlyMap<string, { readonly shape: Shape; readonly data: Float32Array }>;
  readonly metadata: Readonly<Record<string, string>>;
}

const MAX_HEADER_BYTES = 100 * 2 ** 20;

/** Bytes of a file with these tensors, in this order; the data starts at a multiple of 8. */
export function writeSafetensors({ tensors, metadata }: SafetensorsFile): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: metadata };
  let end = 0;
  for (const [name, { shape, data }] of tensors) {
    header[name] = { dtype: "F32", shape, data_offsets: [end, end + data.byteLength] };
    end += data.byteLength;
  }
  let text = JSON.stringify(header);
  const encoder = new TextEncoder();
  text += " ".repeat((8 - (encoder.encode(text).length % 8)) % 8);
  const head = encoder.encode(text);
  const bytes = new Uint8Array(8 + head.length + end);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(head.length), true);
  bytes.set(head, 8);
  let at = 8 + head.length;
  for (const { data } of tensors.values()) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return bytes;
}

/** Throws WeightsError where the bytes are not such a file: cut off, overlapping, of another dtype. */
export function readSafetensors(bytes: Uint8Array): SafetensorsFile {
  const fail = (why: string): never => {
    throw new WeightsError(`safetensors: ${why}: the file is damaged or of another format`);
  };
  if (bytes.length < 8) return fail(`${bytes.length} bytes are too few for a header`);
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  if (length > MAX_HEADER_BYTES || 8 + length > bytes.length)
    return fail(`the header claims ${length} bytes of ${bytes.length - 8}`);
  const header = parseHeader(bytes.subarray(8, 8 + length), fail);
  const body = bytes.subarray(8 + length);
  const tensors = new Map<string, { shape: Shape; data: Float32Array }>();
  let metadata: Record<string, string> = {};
  for (const [name, entry] of Object.entries(header)) {
    if (name === "__metadata__") {
      metadata = entry as Record<string, string>;
      continue;
    }
    const { dtype, shape, data_offsets: offsets } = entry as { dtype?: unknown; shape?: unknown; data_offsets?: unknown };
    if (dtype !== "F32") return fail(`${name} has dtype ${String(dtype)}, expected F32`);
    if (!isIndices(shape) || !isIndices(offsets) || offsets.length !== 2)
      return fail(`${name} has no valid shape and data_offsets`);
    const [from, to] = offsets as [number, number];
    if (to > body.length || to - from !== 4 * numel(shape))
      return fail(`${name} takes bytes ${from} to ${to} of ${body.length}, which does not fit shape [${shape.join(", ")}]`);
    tensors.set(name, { shape, data: new Float32Array(body.slice(from, to).buffer) });
  }
  return { tensors, metadata };
}

function parseHeader(bytes: Uint8Array, fail: (why: string) => never): Record<string, unknown> {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return fail("the header is not JSON");
  }
  if (typeof header !== "object" || header === null || Array.isArray(header)) return fail("the header is not an object");
  return header as Record<string, unknown>;
}

function isIndices(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((v) => Number.isSafeInteger(v) && (v as number) >= 0);
}
