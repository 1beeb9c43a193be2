import { expect } from "chai";

/** Largest difference of two arrays of one length, as a fraction of the largest value of the first, which is not all zeros. */
export function difference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).to.equal(b.length);
  let [largest, off] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    largest = Math.max(largest, Math.abs(a[i]!));
    off = Math.max(off, Math.abs(a[i]! - b[i]!));
  }
  expect(largest, "largest value").to.be.above(0);
  return off / largest;
}
