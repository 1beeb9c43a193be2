/**
 * Manifests: NAME.json, which lists tensors by name, shape and first byte, beside NAME.bin, their float32 values one behind the other. What the JSON says
 * besides (model, input, licence) comes along as it is.
 */
import { WeightsError } from "../tensor/errors.js";
import { numel, type Shape } from "../tensor/shape.js";
import { ByteReader } from "./byte-reader.js";
import { openBytes, type FileSource, type ReadOptions } from "./bytes.js";
import { parseStrictJson } from "./json.js";
import { inOrder, isIndices, type PlacedTensor } from "./placement.js";
import { readPlaced } from "./read-placed.js";

export interface Manifest {
  readonly tensors: ReadonlyMap<string, { readonly shape: Shape; readonly data: Float32Array }>;
  /** The JSON's other fields. */
  readonly about: Readonly<Record<string, unknown>>;
}

const MAX_MANIFEST_BYTES = 2 ** 24;
/** An object with an array of objects with shapes. */
const MAX_DEPTH = 4;

const fail = (why: string): never => {
  throw new WeightsError(`manifest: ${why}: the files are damaged, of another format, or not of one pair`);
};

/**
 * Reads both files. From the address of the JSON alone the data is taken beside it, as NAME.bin. Throws WeightsError where they do not fit together, or hold
 * other than float32, little-endian.
 *
 * @example const { tensors } = await readManifest(new URL("lenet.json", base));
 */
export async function readManifest(
  manifest: FileSource,
  options: ReadOptions & { readonly data?: FileSource } = {},
): Promise<Manifest> {
  const source = options.data ?? besides(manifest);
  const { tensors: listed, ...about } = parse(await textOf(manifest, options));
  const reader = new ByteReader(await openBytes(source, options.signal), options);
  try {
    const entries = inOrder(listed, reader.size, fail);
    const tensors = new Map<string, { shape: Shape; data: Float32Array }>();
    for await (const { name, shape, data } of readPlaced(reader, entries, () => true, fail)) tensors.set(name, { shape, data });
    return { tensors, about };
  } finally {
    await reader.close();
  }
}

function besides(manifest: FileSource): URL {
  if (!(manifest instanceof URL) || !manifest.pathname.endsWith(".json"))
    throw new WeightsError("manifest: only beside the address of a .json file is NAME.bin found: pass { data }");
  const data = new URL(manifest);
  data.pathname = data.pathname.replace(/json$/, "bin");
  return data;
}

async function textOf(manifest: FileSource, { signal }: ReadOptions): Promise<string> {
  const reader = new ByteReader(await openBytes(manifest, signal));
  try {
    const bytes = await reader.peek(MAX_MANIFEST_BYTES + 1);
    if (bytes.length > MAX_MANIFEST_BYTES) fail(`the JSON has more than ${MAX_MANIFEST_BYTES} bytes`);
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) return fail("the JSON is not UTF-8");
    throw error;
  } finally {
    await reader.close();
  }
}

function parse(text: string): { readonly tensors: readonly PlacedTensor[]; readonly [key: string]: unknown } {
  const value = parseStrictJson(text, MAX_DEPTH, fail);
  if (typeof value !== "object" || value === null || Array.isArray(value)) return fail("the JSON is no object");
  const { tensors, dtype = "float32", byteOrder = "little", ...about } = value as Record<string, unknown>;
  if (dtype !== "float32" || byteOrder !== "little")
    return fail(`the values are ${String(dtype)}, ${String(byteOrder)}-endian, expected float32, little-endian`);
  if (!Array.isArray(tensors)) return fail("the JSON has no list of tensors");
  const names = new Set<unknown>();
  const placed = tensors.map((entry: unknown): PlacedTensor => {
    const { name, shape, offset } = (entry ?? {}) as { name?: unknown; shape?: unknown; offset?: unknown };
    if (typeof name !== "string" || !isIndices(shape) || !isIndices([offset]))
      return fail(`the tensor ${String(name)} has no valid name, shape and offset`);
    if (names.has(name)) fail(`${name} is there twice`);
    names.add(name);
    const from = offset as number;
    return { name, dtype: "F32", shape, from, to: from + 4 * numel(shape) };
  });
  return { ...about, tensors: placed };
}

/** Both files of a manifest: the JSON and, piece by piece, the values, which are views of the tensors. `about` comes into the JSON beside the list. */
export function manifestFiles(
  tensors: Manifest["tensors"],
  about: Readonly<Record<string, unknown>> = {},
): { readonly json: string; readonly data: Iterable<Uint8Array<ArrayBuffer>> } {
  let offset = 0;
  const listed = [...tensors].map(([name, { shape, data }]) => {
    if (data.length !== numel(shape))
      throw new WeightsError(
        `manifest: ${name} has ${data.length} values but its shape takes ${numel(shape)}: the weights are damaged`,
      );
    const entry = { name, shape, offset };
    offset += 4 * data.length;
    return entry;
  });
  const json = `${JSON.stringify({ ...about, dtype: "float32", byteOrder: "little", bytes: offset, tensors: listed }, null, 1)}\n`;
  const data = [...tensors.values()].map(
    (t) => new Uint8Array(t.data.buffer as ArrayBuffer, t.data.byteOffset, t.data.byteLength),
  );
  return { json, data };
}
