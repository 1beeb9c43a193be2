import { expect } from "chai";
import { fromHalf, HALF_MAX, roundToHalf, toHalf } from "../../src/tensor/half.js";
import { fromMemory, toMemory } from "../../src/tensor/memory.js";
import { byteLength } from "../../src/tensor/layout.js";

describe("f16 on the host", () => {
  it("gives every f16 back", () => {
    const all = Uint16Array.from({ length: 65536 }, (_, i) => i);
    const values = fromHalf(all);
    const isNaN16 = (bits: number): boolean => (bits & 0x7fff) > 0x7c00;
    const wrong = [...toHalf(values)].findIndex((bits, i) => (isNaN16(i) ? !isNaN16(bits) : bits !== i));
    expect(wrong).to.equal(-1);
  });

  for (const [value, want] of [
    [1 + 2 ** -11, 1],
    [1 + 3 * 2 ** -11, 1 + 2 ** -9],
    [1 + 2 ** -11 + 2 ** -20, 1 + 2 ** -10],
    [-0.1, -0.0999755859375],
    [2 ** -25, 0],
    [2 ** -25 * 1.001, 2 ** -24],
    [3 * 2 ** -25, 2 ** -23],
    [2 ** -14 - 2 ** -26, 2 ** -14],
    [65519.99, HALF_MAX],
    [65520, Infinity],
    [-1e30, -Infinity],
  ] as const) {
    it(`rounds ${value} to ${want}`, () => expect(roundToHalf(value)).to.equal(want));
  }

  it("rounds to the nearest: at most half a unit, 2^-11 of the number", () => {
    for (let i = 0; i < 20000; i++) {
      const value = Math.fround(2 ** ((i % 28) - 13) * (1 + ((i * 7919) % 10007) / 10007));
      expect(Math.abs(roundToHalf(value) - value) / value).to.be.at.most(2 ** -11);
    }
  });

  it("goes to memory and back, in whole words", () => {
    for (const shape of [[3], [2, 3, 2, 2], [5, 1]]) {
      const spec = { shape, dtype: "f16" } as const;
      const values = Float32Array.from({ length: shape.reduce((n, d) => n * d, 1) }, (_, i) => i / 4);
      const memory = toMemory(spec, values);
      expect(memory.byteLength % 4).to.equal(0);
      expect(memory.byteLength).to.be.at.most(byteLength(shape, "f16"));
      expect(fromMemory(spec, memory.buffer)).to.deep.equal(values);
    }
    expect(byteLength([1, 5, 3, 3], "f16")).to.equal(byteLength([1, 5, 3, 3]) / 2);
  });
});
