/** Which taps of a strided, dilated transposed convolution exist for an output pixel. */
import { gcd } from "./conv-geometry.js";

/** Which taps reach an output row a = i + p: those with a - u d divisible by s, namely u = first(a) + k step (see `firstTap`). */
export interface ValidTaps {
  /** Between valid taps of one output row, s / gcd(s, d); the input row then falls by d / gcd(s, d). */
  readonly step: number;
  /** Rows a that are no multiple of gcd(s, d) have no tap. */
  readonly divisor: number;
  /** first(a) = (a mod s / divisor) inverse mod step. */
  readonly inverse: number;
}

export function validTaps(stride: number, dilation: number): ValidTaps {
  const divisor = gcd(stride, dilation);
  const step = stride / divisor;
  const d = dilation / divisor;
  let inverse = 0;
  while (step > 1 && (inverse * d) % step !== 1) inverse++;
  return { step, divisor, inverse };
}
