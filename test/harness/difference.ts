import { expect } from "chai";

/** Largest difference of two arrays of one length, as a fraction of the largest value of the first. */
export function difference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).to.equal(b.length);
  let [largest, off] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    largest = Math.max(largest, Math.abs(a[i]!));
    off = Math.max(off, Math.abs(a[i]! - b[i]!));
  }
  return off === 0 ? 0 : off / largest;
}
