/** A run's files in memory, as a page may keep them. */
import type { FileData, RunStore } from "../../src/training/index.js";

export interface MemoryStore extends RunStore {
  readonly files: Map<string, Uint8Array>;
  /** Names of the files that came in pieces. */
  readonly inPieces: Set<string>;
  /** Of the log. */
  readonly lines: readonly string[];
}

export function memoryStore(): MemoryStore {
  const files = new Map<string, Uint8Array>();
  const inPieces = new Set<string>();
  return {
    files,
    inPieces,
    get lines() {
      return new TextDecoder().decode(files.get("log.jsonl")).trim().split("\n");
    },
    read: (name) => Promise.resolve(files.get(name) ?? null),
    async write(name, data) {
      if (!(data instanceof Uint8Array)) inPieces.add(name);
      files.set(name, await joined(data));
    },
    remove: (name) => Promise.resolve(void files.delete(name)),
    async append(name, line) {
      files.set(name, await joined([files.get(name) ?? new Uint8Array(), new TextEncoder().encode(`${line}\n`)]));
    },
  };
}

async function joined(data: FileData): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of data instanceof Uint8Array ? [data] : data) pieces.push(piece);
  const bytes = new Uint8Array(pieces.reduce((n, piece) => n + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}
