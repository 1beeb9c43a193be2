/** IEEE 754 binary16 on the host, for platforms without Float16Array: 11 significant bits, 2^-24 to 65504; numbers are rounded to the nearest, ties to even. */

/** The largest finite f16. */
export const HALF_MAX = 65504;

const word = new Uint32Array(1);
const float = new Float32Array(word.buffer);

/** The bits of the nearest f16: infinity from 65520 on, subnormals below 2^-14. */
export function halfBits(value: number): number {
  float[0] = value;
  const bits = word[0]!;
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00; // NaN
  if (magnitude >= 0x477ff000) return sign | 0x7c00; // 65520, halfway to 2^16
  if (magnitude < 0x38800000) {
    // Below 2^-14 an f16 is a multiple of 2^-24, the last bit of an f32 near 0.5: adding rounds to the nearest even multiple.
    float[0] = Math.abs(value) + 0.5;
    return sign | (word[0]! - 0x3f000000);
  }
  return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
}

/** The value of an f16 of these bits. */
export function halfValue(bits: number): number {
  const exponent = (bits >>> 10) & 31;
  const fraction = bits & 1023;
  const magnitude =
    exponent === 0
      ? fraction * 2 ** -24
      : exponent === 31
        ? fraction === 0
          ? Infinity
          : NaN
        : (1 + fraction / 1024) * 2 ** (exponent - 15);
  return bits & 0x8000 ? -magnitude : magnitude;
}

/** The nearest f16. */
export function roundToHalf(value: number): number {
  return halfValue(halfBits(value));
}

/** Bits of f16, in an array of even length: whole words for `writeBuffer`. */
export function toHalf(values: Float32Array): Uint16Array<ArrayBuffer> {
  const out = new Uint16Array(values.length + (values.length % 2));
  for (let i = 0; i < values.length; i++) out[i] = halfBits(values[i]!);
  return out;
}

export function fromHalf(bits: Uint16Array): Float32Array<ArrayBuffer> {
  return Float32Array.from(bits, halfValue);
}
