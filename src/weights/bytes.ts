/** Where a file's bytes come from, piece by piece: what readers of weights take, so that no file needs to lie in memory whole. */
import { WeightsError } from "../tensor/errors.js";

/**
 * A file: its address (http(s), blob and data URLs everywhere, file URLs in Node), a File or Blob, a Response, a stream, or its bytes.
 */
export type FileSource =
  URL | Blob | Response | ReadableStream<Uint8Array> | AsyncIterable<Uint8Array> | Uint8Array | ArrayBuffer;

export interface ReadOptions {
  /** Told of stage "weights": bytes read so far, of as many as are known of. */
  readonly onProgress?:
    ((progress: { readonly stage: "weights"; readonly done: number; readonly total: number }) => void) | undefined;
  /** Stops reading: the promise then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

export interface Bytes {
  /** Each piece holds until the next one is asked for. */
  readonly pieces: AsyncIterable<Uint8Array>;
  /** Bytes in all, where that is known beforehand. */
  readonly size: number | null;
}

/** Opens a file. Throws WeightsError where it cannot be had. */
export async function openBytes(source: FileSource, signal?: AbortSignal): Promise<Bytes> {
  signal?.throwIfAborted();
  if (source instanceof URL) return source.protocol === "file:" ? await openFile(source) : await fetchBytes(source, signal);
  if (source instanceof ArrayBuffer) return once(new Uint8Array(source));
  if (source instanceof Uint8Array) return once(source);
  if (source instanceof Blob) return { pieces: fromStream(source.stream()), size: source.size };
  if (source instanceof Response) return fromResponse(source, source.url || "the response");
  if (source instanceof ReadableStream) return { pieces: fromStream(source), size: null };
  if (typeof source === "object" && source !== null && Symbol.asyncIterator in source) return { pieces: source, size: null };
  throw new WeightsError(`weights: the source is ${describe(source)}: pass a URL, File, Blob, Response, stream or bytes`);
}

function describe(value: unknown): string {
  return typeof value === "string" ? `the text "${value}" (make an address of it: new URL(...))` : typeof value;
}

function once(bytes: Uint8Array): Bytes {
  const pieces = (async function* () {
    // A generator so that all sources are alike.
    yield await Promise.resolve(bytes);
  })();
  return { pieces, size: bytes.length };
}

async function fetchBytes(url: URL, signal: AbortSignal | undefined): Promise<Bytes> {
  const response = await fetch(url, signal ? { signal } : {}).catch((cause: unknown) => {
    signal?.throwIfAborted();
    throw new WeightsError(`weights: ${url.href} could not be fetched: check the address, the network and, in a page, CORS`, {
      cause,
    });
  });
  return fromResponse(response, url.href);
}

function fromResponse(response: Response, name: string): Bytes {
  if (!response.ok || !response.body)
    throw new WeightsError(`weights: ${name} gives HTTP status ${response.status}: check the address`);
  // Compressed transfers announce another length than they have: the size is then unknown.
  const length = response.headers.has("content-encoding") ? null : response.headers.get("content-length");
  return { pieces: fromStream(response.body), size: length === null ? null : Number(length) };
}

/** With a reader: not every browser iterates over streams. */
async function* fromStream(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  const reader = stream.getReader();
  let isDone = false;
  try {
    for (;;) {
      const next = await reader.read();
      isDone = next.done;
      if (next.done) return;
      yield next.value;
    }
  } finally {
    // Left early: the rest of a download is not wanted.
    if (!isDone) await reader.cancel().catch(() => undefined);
  }
}

/** Node's file system without importing it: browsers' bundlers must not see a node module here. */
interface NodeFile {
  stat(): Promise<{ readonly size: number }>;
  read(into: Uint8Array): Promise<{ readonly bytesRead: number }>;
  close(): Promise<void>;
}
interface NodeProcess {
  getBuiltinModule?(name: "node:fs/promises"): { open(url: URL): Promise<NodeFile> };
}

const FILE_PIECE_BYTES = 2 ** 20;

async function openFile(url: URL): Promise<Bytes> {
  const files = (globalThis as { process?: NodeProcess }).process?.getBuiltinModule?.("node:fs/promises");
  if (!files) throw new WeightsError(`weights: ${url.href} is a file, which a page cannot read: serve it over http`);
  const fail = (cause: unknown): never => {
    throw new WeightsError(`weights: ${url.href} could not be read: check the path`, { cause });
  };
  const file = await files.open(url).catch(fail);
  const size = await file.stat().then(
    (stat) => stat.size,
    async (cause: unknown) => {
      await file.close();
      return fail(cause);
    },
  );
  const pieces = (async function* () {
    const buffer = new Uint8Array(Math.max(1, Math.min(size, FILE_PIECE_BYTES)));
    try {
      for (;;) {
        const { bytesRead } = await file.read(buffer).catch(fail);
        if (bytesRead === 0) return;
        yield buffer.subarray(0, bytesRead);
      }
    } finally {
      await file.close();
    }
  })();
  return { pieces, size };
}
