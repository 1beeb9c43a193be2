import { expect } from "chai";
import { packRgba } from "../../src/kernels/image.js";
import { InputError } from "../../src/tensor/errors.js";
import { describeOp } from "../harness/op-cases.js";

const shapes = [
  [1, 1, 1],
  [1, 7, 9],
  [1, 8, 8],
  [3, 5, 13],
  [1, 13, 5],
];
const pixels = (shape: readonly number[]) => [
  { shape, dtype: "u32" as const, values: (_i: number, random: () => number) => Math.floor(random() * 2 ** 32) },
];

describeOp("imageToTensor", {
  bound: { abs: 0, rel: 0 },
  cases: shapes.flatMap((shape) =>
    (["rgb", "bgr"] as const).map((order) => ({
      name: `[${shape.join(", ")}] ${order}, integer mean`,
      inputs: pixels(shape),
      attrs: { mean: [104, 117, 123] as const, scale: [1, 0.5, 2] as const, order },
      shape: [shape[0]!, 3, shape[1]!, shape[2]!],
    })),
  ),
});

describeOp("imageToTensor", {
  // The mean rounded to f32, the difference and the product: three roundings of at most 255 * scale.
  bound: { abs: 3 * 255 * 0.02 * 2 ** -24, rel: 0 },
  cases: shapes.map((shape) => ({
    name: `[${shape.join(", ")}] with a mean of decimals`,
    inputs: pixels(shape),
    attrs: {
      mean: [104.00699, 116.66877, 122.67892] as const,
      scale: [1 / 58.395, 1 / 57.12, 1 / 57.375] as const,
      order: "bgr" as const,
    },
  })),
});

describe("packRgba", () => {
  const bytes = Uint8Array.of(1, 2, 3, 4, 0xff, 0, 0, 0x80);
  const words = [0x04030201, 0x800000ff];

  it("puts red in the lowest byte, without a copy", () => {
    const packed = packRgba(bytes);
    expect([...packed]).to.deep.equal(words);
    expect(packed.buffer).to.equal(bytes.buffer);
  });

  it("takes an ImageData, and bytes that are not aligned", () => {
    expect([...packRgba({ data: new Uint8ClampedArray(bytes) })]).to.deep.equal(words);
    expect([...packRgba(Uint8Array.of(9, ...bytes).subarray(1))]).to.deep.equal(words);
  });

  it("refuses bytes that are not whole pixels", () => {
    expect(() => packRgba(new Uint8Array(7))).to.throw(InputError, "packRgba: 7 bytes are not whole RGBA pixels");
  });
});
