/** Weights from a safetensors file behind a URL. */
import type { OnProgress } from "../graph/compile-options.js";
import { WeightsError } from "../tensor/errors.js";
import { readSafetensors } from "../tensor/safetensors.js";
import type { Weights } from "../tensor/weights.js";

/** Fetches http(s), blob and data URLs everywhere and file URLs in Node. Throws WeightsError where the file cannot be had or read. */
export async function readWeights(url: URL, onProgress?: OnProgress): Promise<Weights> {
  const bytes = url.protocol === "file:" ? await readFileUrl(url) : await fetchBytes(url, onProgress);
  return readSafetensors(bytes).tensors;
}

async function fetchBytes(url: URL, onProgress: OnProgress | undefined): Promise<Uint8Array> {
  const response = await fetch(url).catch((cause: unknown) => {
    throw new WeightsError(`weights: ${url.href} could not be fetched: check the address, the network and, in a page, CORS`, {
      cause,
    });
  });
  if (!response.ok || !response.body)
    throw new WeightsError(`weights: ${url.href} gives HTTP status ${response.status}: check the address`);
  // Compressed transfers announce another length than they have: the total is then unknown.
  const total = response.headers.has("content-encoding") ? 0 : Number(response.headers.get("content-length") ?? 0);
  const chunks: Uint8Array[] = [];
  let done = 0;
  const reader = response.body.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    chunks.push(next.value);
    done += next.value.length;
    onProgress?.({ stage: "weights", done, total: Math.max(total, done) });
  }
  const bytes = new Uint8Array(done);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

/** Node's file system without importing it: browsers' bundlers must not see a node module here. */
interface NodeProcess {
  getBuiltinModule?(name: "node:fs/promises"): { readFile(url: URL): Promise<Uint8Array> };
}

async function readFileUrl(url: URL): Promise<Uint8Array> {
  const files = (globalThis as { process?: NodeProcess }).process?.getBuiltinModule?.("node:fs/promises");
  if (!files) throw new WeightsError(`weights: ${url.href} is a file, which a page cannot read: serve it over http`);
  return files.readFile(url).catch((cause: unknown) => {
    throw new WeightsError(`weights: ${url.href} could not be read: check the path`, { cause });
  });
}
