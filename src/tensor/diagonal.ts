/** Weights [C, C, Kh, Kw] that connect each channel with itself alone. Row-major data. */
import { numel, type Shape } from "./shape.js";

export function isSquareWeight(shape: Shape): boolean {
  return shape.length === 4 && shape[0] === shape[1] && shape[0]! > 1;
}

/** Whether every value off the diagonal is 0; the shape is square. */
export function isDiagonal(shape: Shape, data: Float32Array): boolean {
  let ok = true;
  eachOffDiagonal(shape, (begin, end) => {
    for (let i = begin; ok && i < end; i++) ok = data[i] === 0;
  });
  return ok;
}

/** The data with zeros off the diagonal. */
export function keepDiagonal(shape: Shape, data: Float32Array): Float32Array {
  const kept = data.slice();
  eachOffDiagonal(shape, (begin, end) => kept.fill(0, begin, end));
  return kept;
}

function eachOffDiagonal(shape: Shape, visit: (begin: number, end: number) => void): void {
  const channels = shape[0]!;
  const taps = numel(shape.slice(2));
  for (let o = 0; o < channels; o++) {
    visit(o * channels * taps, (o * channels + o) * taps);
    visit((o * channels + o + 1) * taps, (o + 1) * channels * taps);
  }
}
