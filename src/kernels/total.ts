/** Sums over many runs: total += x, 64 bits wide. Beside the op table, since it writes what it reads; src/graph/totals.ts binds it. */
import { dispatch, grid, inputRef, type Dispatch } from "./op.js";

/** Bytes of the totals of `count` integers. */
export function totalBytes(count: number): number {
  return 8 * count;
}

/** Adds `count` integers of at least 0 to their totals: input 0 to the output. */
export function addToTotal(count: number): Dispatch {
  return dispatch("total.direct", {
    params: { count },
    buffers: { x: inputRef(0), total: "output" },
    workgroups: grid(count),
  });
}

/** The totals as numbers, exact up to 2^53. */
export function readTotals(words: Uint32Array): Float64Array {
  return Float64Array.from({ length: words.length / 2 }, (_, i) => words[2 * i]! + 2 ** 32 * words[2 * i + 1]!);
}
