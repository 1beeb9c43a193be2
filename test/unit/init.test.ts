/** Initial values of upsampling: the bilinear kernels of fcn.md 1.5 and 9, as numbers. */
import { expect } from "chai";
import { bilinear, bilinearEveryPair, ShapeError } from "../../src/index.js";

const noDraw = (): number => {
  throw new Error("a bilinear kernel draws nothing");
};
const fill = (shape: readonly number[]): number[] => Array.from(bilinear()(shape, noDraw));
/** One row: of a kernel that is one pixel high. */
const row = (kernel: number): number[] => fill([1, 1, 1, kernel]);
const mirrored = (half: readonly number[]): number[] => [...half, ...half.toReversed()];

// prettier-ignore
const UP_TO_63 = [1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31, 33, 35, 37, 39, 41, 43, 45, 47, 49, 51, 53, 55, 57, 59, 61, 63];
// prettier-ignore
const UP_TO_31 = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31];

describe("bilinear kernels", () => {
  it("have the rows of the authors' surgery.py: 4, 16, 64, and 63 with its peak of exactly 1 at index 31", () => {
    expect(row(4)).to.deep.equal([0.25, 0.75, 0.75, 0.25]);
    expect(row(16)).to.deep.equal(mirrored([1, 3, 5, 7, 9, 11, 13, 15].map((n) => n / 16)));
    expect(row(64)).to.deep.equal(mirrored(UP_TO_63.map((n) => n / 64)));
    expect(row(63)).to.deep.equal([...UP_TO_31, 32, ...UP_TO_31.toReversed()].map((n) => n / 32));
    expect([row(63)[31], row(63).filter((v) => v === 1).length]).to.deep.equal([1, 1]);
    expect(row(32).slice(0, 2)).to.deep.equal([1 / 32, 3 / 32]);
  });

  it("are the product of a column and a row", () => {
    expect(fill([1, 1, 4, 4])).to.deep.equal([1, 3, 3, 1, 3, 9, 9, 3, 3, 9, 9, 3, 1, 3, 3, 1].map((n) => n / 16));
    const [column, across] = [row(16), row(63)];
    expect(fill([1, 1, 16, 63])).to.deep.equal(column.flatMap((a) => across.map((b) => Math.fround(a * b))));
  });

  it("give every pixel a whole: at each stride of fcn.md 1.5 what falls on one phase adds up to 1", () => {
    for (const [kernel, stride] of [
      [64, 32],
      [63, 32],
      [32, 16],
      [16, 8],
      [8, 4],
      [4, 2],
    ] as const) {
      const weights = row(kernel);
      for (let phase = 0; phase < stride; phase++) {
        const sum = weights.filter((_, i) => i % stride === phase).reduce((a, b) => a + b, 0);
        expect(sum, `kernel ${kernel}, stride ${stride}, phase ${phase}`).to.equal(1);
      }
    }
    // And a kernel that is no multiple does not.
    expect(
      row(6)
        .filter((_, i) => i % 2 === 0)
        .reduce((a, b) => a + b, 0),
    ).to.not.equal(1);
  });

  it("lie on the diagonal alone, class to class; in Caffe's own filler everywhere", () => {
    const kernel = fill([1, 1, 4, 4]);
    const pairs = [0, 1, 2].flatMap((from) => [0, 1, 2].map((to) => from === to));
    expect(fill([3, 3, 4, 4])).to.deep.equal(pairs.flatMap((isSame) => (isSame ? kernel : kernel.map(() => 0))));
    expect(fill([3, 1, 4, 4]), "channel by channel").to.deep.equal([...kernel, ...kernel, ...kernel]);
    expect(Array.from(bilinearEveryPair()([3, 3, 4, 4], noDraw))).to.deep.equal(pairs.flatMap(() => kernel));
    expect(() => fill([3, 3, 4])).to.throw(ShapeError, "bilinear: the weight is [3, 3, 4]");
  });
});
