/** Reads a file's bytes in order, as many at a time as the format says: each is copied once, to where it belongs. */
import type { Bytes, ReadOptions } from "./bytes.js";

const NONE: Uint8Array = new Uint8Array(0);

export class ByteReader {
  /** Bytes read. */
  position = 0;
  private readonly iterator: AsyncIterator<Uint8Array>;
  private piece = NONE;
  private arrived = 0;

  constructor(
    private readonly bytes: Bytes,
    private readonly options: ReadOptions = {},
  ) {
    this.iterator = bytes.pieces[Symbol.asyncIterator]();
  }

  /** Bytes of the file, where known. */
  get size(): number | null {
    return this.bytes.size;
  }

  /** Bytes that are left, where the size is known. */
  get left(): number | null {
    return this.size === null ? null : this.size - this.position;
  }

  /** Fills `target` and returns how many bytes there were: fewer than asked for at the end. */
  async fill(target: Uint8Array): Promise<number> {
    let filled = 0;
    while (filled < target.length && (this.piece.length > 0 || (await this.next()))) {
      const part = this.take(target.length - filled);
      target.set(part, filled);
      filled += part.length;
    }
    return filled;
  }

  /** Passes over bytes; returns how many there were. */
  async skip(count: number): Promise<number> {
    let skipped = 0;
    while (skipped < count && (this.piece.length > 0 || (await this.next()))) skipped += this.take(count - skipped).length;
    return skipped;
  }

  /** The next bytes, fewer at the end, without reading them. They hold until the next call. */
  async peek(count: number): Promise<Uint8Array> {
    if (this.piece.length < count) {
      // Copied: a piece holds only until the next one.
      let joined: Uint8Array = this.piece.slice();
      while (joined.length < count && (await this.next())) joined = concatenated(joined, this.piece);
      this.piece = joined;
    }
    return this.piece.subarray(0, count);
  }

  /** Ends reading: files are closed, downloads stopped. */
  async close(): Promise<void> {
    await this.iterator.return?.();
  }

  private take(count: number): Uint8Array {
    const part = this.piece.subarray(0, count);
    this.piece = this.piece.subarray(part.length);
    this.position += part.length;
    return part;
  }

  /** The next piece that is not empty; false at the end. */
  private async next(): Promise<boolean> {
    const { onProgress, signal } = this.options;
    for (;;) {
      signal?.throwIfAborted();
      const next = await this.iterator.next();
      this.piece = next.done === true ? NONE : next.value;
      if (next.done === true) return false;
      this.arrived += this.piece.length;
      onProgress?.({ stage: "weights", done: this.arrived, total: Math.max(this.bytes.size ?? 0, this.arrived) });
      if (this.piece.length > 0) return true;
    }
  }
}

function concatenated(a: Uint8Array, b: Uint8Array): Uint8Array {
  const joined = new Uint8Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}
