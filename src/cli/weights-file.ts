/** Weights files of every kind that there is, by what their names end in. Packages that only some kinds need are loaded with these. */
import { access, readFile } from "node:fs/promises";
import { extname } from "node:path";
import { pathToFileURL } from "node:url";
import { netFacts, type NetFacts } from "../fcn/net-metadata.js";
import { InputError } from "../tensor/errors.js";
import type { Shape } from "../tensor/shape.js";
import type { Weights } from "../tensor/weights.js";
import type { ReadOptions } from "../weights/bytes.js";
import { readManifest } from "../weights/manifest.js";
import { loadSafetensors, openSafetensors } from "../weights/safetensors.js";
import { mebibytes, UsageError, type Io } from "./io.js";

export type WeightsFormat = "safetensors" | "caffemodel" | "manifest" | "onnx";

const FORMATS: Readonly<Record<string, WeightsFormat>> = {
  ".safetensors": "safetensors",
  ".caffemodel": "caffemodel",
  ".json": "manifest",
  ".onnx": "onnx",
};

/** Throws UsageError for another ending. */
export function formatOf(file: string): WeightsFormat {
  const format = FORMATS[extname(file).toLowerCase()];
  if (!format)
    throw new UsageError(
      `${file}: weights are .safetensors, .caffemodel, .onnx, or a manifest's .json (its .bin lies beside it)`,
    );
  return format;
}

export interface WeightsFile {
  readonly format: WeightsFormat;
  readonly weights: Weights;
  /** Texts of a safetensors file, or of a manifest. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly facts: NetFacts;
}

/** Rejects with InputError where there is no file, and with its reader's error where it is damaged. */
export async function readWeightsFile(file: string, io: Io): Promise<WeightsFile> {
  const format = formatOf(file);
  await expectFile(file);
  const url = pathToFileURL(file);
  const options = readingOf(file, io);
  const plain = (weights: Weights): WeightsFile => ({ format, weights, metadata: {}, facts: {} });
  try {
    switch (format) {
      case "safetensors": {
        const { tensors, metadata } = await loadSafetensors(url, options);
        return { format, weights: tensors, metadata, facts: netFacts(metadata) };
      }
      case "caffemodel":
        return plain((await (await import("../caffe/caffemodel.js")).readCaffemodel(url, options)).weights);
      case "manifest": {
        const { tensors, about } = await readManifest(url, options);
        const metadata = textsOf(about);
        return { format, weights: tensors, metadata, facts: netFacts(metadata) };
      }
      case "onnx":
        return plain(await onnxWeights(file, io));
    }
  } catch (error) {
    throw ofFile(file, error);
  } finally {
    io.status("");
  }
}

/** What readers say of damage does not name the file. */
function ofFile(file: string, error: unknown): unknown {
  const isDamage = error instanceof Error && ["WeightsError", "OnnxError"].includes(error.name) && !error.message.includes(file);
  return isDamage ? new InputError(`${file}: ${error.message}`, { cause: error }) : error;
}

/** Where an input's extents are open: one image of the size that ImageNet's nets were trained on. */
const [OPEN_BATCH, OPEN_EXTENT] = [1, 224];

/** Readers' options: bytes that were read are shown, and Ctrl-C ends them. */
function readingOf(file: string, { status, signal }: Io): ReadOptions {
  return {
    onProgress: ({ done, total }) => status(`reading ${file}: ${mebibytes(done)} of ${mebibytes(total)}`),
    signal,
  };
}

/** A protobuf of one message is read whole. */
async function onnxBytes(file: string, io: Io): Promise<Uint8Array> {
  io.status(`reading ${file}`);
  return new Uint8Array(await readFile(file, { signal: io.signal }));
}

async function onnxWeights(file: string, io: Io): Promise<Weights> {
  const [{ decodeModel }, { importOnnx }] = await Promise.all([import("../onnx/decode.js"), import("../onnx/import.js")]);
  const bytes = await onnxBytes(file, io);
  const { inputs, initializers } = decodeModel(bytes);
  const held = new Set(initializers.map(({ name }) => name));
  const open = inputs.filter(({ name, dims }) => !held.has(name) && dims.some((d) => typeof d === "string"));
  const shapes = open.map(({ name, dims }): [string, Shape] => [
    name,
    dims.map((d, axis) => (typeof d === "number" ? d : axis === 0 ? OPEN_BATCH : OPEN_EXTENT)),
  ]);
  return importOnnx(bytes, { shapes: Object.fromEntries(shapes) }).weights;
}

export interface TensorEntry {
  readonly name: string;
  readonly type: string;
  readonly shape: Shape;
}

export interface FileListing {
  readonly format: WeightsFormat;
  readonly entries: readonly TensorEntry[];
  /** What else the file says, a line each. */
  readonly about: readonly string[];
  readonly facts: NetFacts;
}

/** What is in a file; of safetensors the header alone is read. */
export async function listWeightsFile(file: string, io: Io): Promise<FileListing> {
  const format = formatOf(file);
  await expectFile(file);
  try {
    return await listed(file, format, io);
  } catch (error) {
    throw ofFile(file, error);
  } finally {
    io.status("");
  }
}

async function listed(file: string, format: WeightsFormat, io: Io): Promise<FileListing> {
  const url = pathToFileURL(file);
  const options = readingOf(file, io);
  const entriesOf = (weights: Weights): TensorEntry[] => [...weights].map(([name, { shape }]) => ({ name, type: "F32", shape }));
  switch (format) {
    case "safetensors": {
      const opened = await openSafetensors(url, { signal: io.signal });
      await opened.close();
      const entries = opened.entries.map(({ name, dtype, shape }) => ({ name, type: dtype, shape }));
      const about = Object.entries(opened.metadata).map(([key, value]) => `${key}: ${value}`);
      return { format, entries, about, facts: netFacts(opened.metadata) };
    }
    case "caffemodel": {
      const { readCaffemodel } = await import("../caffe/caffemodel.js");
      const { name, layers, weights } = await readCaffemodel(url, options);
      const about = [`net: ${name || "(without a name)"}`, `layers: ${layers.map((l) => `${l.name} (${l.type})`).join(", ")}`];
      return { format, entries: entriesOf(weights), about, facts: {} };
    }
    case "manifest": {
      const { tensors, about } = await readManifest(url, options);
      const texts = textsOf(about);
      const lines = Object.entries(texts).map(([key, value]) => `${key}: ${value}`);
      return { format, entries: entriesOf(tensors), about: lines, facts: netFacts(texts) };
    }
    case "onnx":
      return { format, ...(await listOnnx(file, io)), facts: {} };
  }
}

async function listOnnx(file: string, io: Io): Promise<Pick<FileListing, "entries" | "about">> {
  const { decodeModel } = await import("../onnx/decode.js");
  const { producer, opset, nodes, initializers, inputs, outputs } = decodeModel(await onnxBytes(file, io));
  const held = new Set(initializers.map(({ name }) => name));
  const valueText = ({ name, dims }: (typeof inputs)[number]): string => `${name} [${dims.join(", ")}]`;
  const counts = new Map<string, number>();
  for (const { op } of nodes) counts.set(op, (counts.get(op) ?? 0) + 1);
  return {
    entries: initializers.map(({ name, dims, type }) => ({ name, type: ONNX_TYPES[type] ?? `type ${type}`, shape: dims })),
    about: [
      `made by ${producer || "(unknown)"}, opset ${opset}`,
      `inputs: ${inputs
        .filter(({ name }) => !held.has(name))
        .map(valueText)
        .join(", ")}`,
      `outputs: ${outputs.map(valueText).join(", ")}`,
      `nodes: ${[...counts].map(([op, n]) => `${n} ${op}`).join(", ")}`,
    ],
  };
}

/** The JSON's own texts, of which a manifest that fcn convert has written holds what safetensors hold as metadata. */
function textsOf(about: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(Object.entries(about).filter((entry): entry is [string, string] => typeof entry[1] === "string"));
}

/** TensorProto.DataType of what weights are made of. */
const ONNX_TYPES: Readonly<Record<number, string>> = { 1: "F32", 6: "I32", 7: "I64", 10: "F16", 11: "F64", 16: "BF16" };

async function expectFile(file: string): Promise<void> {
  await access(file).catch((cause: unknown) => {
    throw new InputError(`${file}: there is no such file: check the path`, { cause });
  });
}
