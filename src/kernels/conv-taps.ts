/** Which taps of a strided, dilated transposed convolution exist for an output pixel. */
import { gcd, type Pair2, type TrilinearForm } from "./conv-geometry.js";

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

/** The same as the shaders take it, down and across; a conv2d uses every tap. */
export function tapParams(
  { stride, dilation }: Pick<TrilinearForm, "stride" | "dilation">,
  transposed: boolean,
): { readonly tap_step: Pair2; readonly tap_divisor: Pair2; readonly tap_inverse: Pair2 } {
  const [down, across] = [validTaps(stride[0], dilation[0]), validTaps(stride[1], dilation[1])] as const;
  return {
    tap_step: transposed ? [down.step, across.step] : [1, 1],
    tap_divisor: [down.divisor, across.divisor],
    tap_inverse: [down.inverse, across.inverse],
  };
}
