/**
 * Element types of weight files, and what becomes of them: everything is computed in float32. F16 and BF16 are exact there; F64 and integers
 * beyond 2^24 are rounded to the nearest float32.
 */
import { halfBits, halfValue } from "../tensor/half.js";

/** Pieces of this many elements are converted at once: what a conversion needs beside its result. */
export const PIECE = 65536;

interface ElementType {
  /** Bytes of an element. */
  readonly size: number;
  /** Values of `bytes` (little-endian, aligned to `size` in its buffer) into `out`, as many as there are. */
  read(bytes: Uint8Array, out: Float32Array): void;
}

type Reader = new (buffer: ArrayBufferLike, offset: number, length: number) => ArrayLike<number | bigint>;

function numbers(size: number, View: Reader): ElementType {
  return {
    size,
    read(bytes, out) {
      const values = new View(bytes.buffer, bytes.byteOffset, bytes.length / size);
      for (let i = 0; i < values.length; i++) out[i] = Number(values[i]!);
    },
  };
}

/** By safetensors' names. */
export const ELEMENT_TYPES: ReadonlyMap<string, ElementType> = new Map<string, ElementType>([
  ["F64", numbers(8, Float64Array)],
  ["F32", { size: 4, read: (bytes, out) => new Uint8Array(out.buffer, out.byteOffset, bytes.length).set(bytes) }],
  [
    "F16",
    {
      size: 2,
      read(bytes, out) {
        const halves = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
        for (let i = 0; i < halves.length; i++) out[i] = halfValue(halves[i]!);
      },
    },
  ],
  [
    "BF16",
    {
      size: 2,
      read(bytes, out) {
        const halves = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
        const bits = new Uint32Array(out.buffer, out.byteOffset, halves.length);
        for (let i = 0; i < halves.length; i++) bits[i] = halves[i]! << 16;
      },
    },
  ],
  ["I64", numbers(8, BigInt64Array)],
  ["U64", numbers(8, BigUint64Array)],
  ["I32", numbers(4, Int32Array)],
  ["U32", numbers(4, Uint32Array)],
  ["I16", numbers(2, Int16Array)],
  ["U16", numbers(2, Uint16Array)],
  ["I8", numbers(1, Int8Array)],
  ["U8", numbers(1, Uint8Array)],
  ["BOOL", numbers(1, Uint8Array)],
]);

/** Types that weights can be written as. */
export type WrittenType = "F32" | "F16" | "BF16";

/** Bits of each value in 16 bits, rounded to nearest, ties to even. The second result is the index of the first finite value that the type cannot hold, or -1. */
export function toSixteenBits(
  values: Float32Array,
  type: "F16" | "BF16",
): { readonly bits: Uint16Array; readonly beyond: number } {
  const bits = new Uint16Array(values.length);
  const from = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const convert = type === "F16" ? (i: number) => halfBits(values[i]!) : (i: number) => brainBits(from[i]!);
  const infinity = type === "F16" ? 0x7c00 : 0x7f80;
  let beyond = -1;
  for (let i = 0; i < values.length; i++) {
    bits[i] = convert(i);
    if (beyond === -1 && (bits[i]! & 0x7fff) === infinity && Number.isFinite(values[i]!)) beyond = i;
  }
  return { bits, beyond };
}

/** float32 bits to bfloat16 bits. */
function brainBits(bits: number): number {
  if ((bits & 0x7fffffff) > 0x7f800000) return (bits >>> 16) | 0x40;
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}
