import { expect } from "chai";
import { graph, input, overlayLabels, packLabels, ShapeError } from "../../src/index.js";
import { runReference } from "../../src/reference/index.js";
import { describeOp } from "../harness/op-cases.js";

/** Whole words and one, two, three labels over; widths that are no multiple of 4; past a workgroup of words. */
const shapes = [
  [1],
  [2],
  [3],
  [4],
  [5],
  [1, 1, 7],
  [1, 8, 8],
  [1, 13, 5],
  [2, 5, 9],
  [3, 85],
  [1, 16, 16],
  [1, 17, 67],
  [2, 3, 5, 3, 3],
];

const anyByte = (_i: number, random: () => number): number => Math.floor(random() * 256);
/** Also what is no byte: the lowest one counts. */
const anyInteger = (i: number, random: () => number): number => (i % 11 === 3 ? -1 - i : Math.floor(random() * 1000));

describeOp("packLabels", {
  bound: { abs: 0, rel: 0 },
  cases: shapes.flatMap((shape) =>
    [anyByte, anyInteger].map((values) => ({
      name: `[${shape.join(", ")}]${values === anyByte ? "" : ", beyond bytes"}`,
      inputs: [{ shape, dtype: "i32" as const, values }],
      attrs: {},
      shape: [Math.ceil(shape.reduce((n, d) => n * d, 1) / 4)],
    })),
  ),
});

const anyWord = (_i: number, random: () => number): number => Math.floor(random() * 2 ** 32);
/** Also none of the colours: negative, and beyond them. */
const anyLabel = (i: number, random: () => number): number => (i % 19 === 4 ? 255 : Math.floor(random() * 24) - 2);
/** Shares of 0 and 255 among them. */
const anyColour = (i: number, random: () => number): number =>
  Math.floor(random() * 2 ** 24) + 2 ** 24 * (i % 3 === 0 ? 0 : i % 3 === 1 ? 255 : Math.floor(random() * 256));

describeOp("overlayLabels", {
  bound: { abs: 0, rel: 0 },
  cases: [
    [1, 1, 1],
    [1, 7, 9],
    [1, 8, 8],
    [1, 13, 5],
    [3, 5, 13],
    [1, 40, 41],
  ].flatMap((shape) =>
    [1, 21, 256].map((colours) => ({
      name: `[${shape.join(", ")}] in ${colours} colours`,
      inputs: [
        { shape, dtype: "u32" as const, values: anyWord },
        { shape, dtype: "i32" as const, values: anyLabel },
        { shape: [colours], dtype: "u32" as const, values: anyColour },
      ],
      attrs: {},
      shape,
    })),
  ),
});

describe("labels as bytes and colours", () => {
  it("by hand: bytes in the order of pixels, colours by their shares", () => {
    const net = graph({ labels: input([1, 1, 5], "i32"), rgba: input([1, 1, 5], "u32"), palette: input([3], "u32") }, (t) => ({
      bytes: packLabels(t.labels),
      colours: overlayLabels(t.rgba, t.labels, t.palette),
    }));
    const grey = 0x00646464;
    const { bytes, colours } = runReference(net, new Map(), {
      labels: Int32Array.of(0, 1, 2, 255, -1),
      rgba: new Uint32Array(5).fill(grey),
      palette: Uint32Array.of(0x000000ff, 0xff0000ff, 0x330000ff),
    });
    expect([...new Uint8Array(Int32Array.from(bytes).buffer)]).to.deep.equal([0, 1, 2, 255, 255, 0, 0, 0]);
    // A fifth of red: 100 + (255 - 100) / 5, 100 - 100 / 5.
    expect([...colours].map((pixel) => (pixel >>> 0).toString(16))).to.deep.equal([
      "ff646464",
      "ff0000ff",
      "ff505083",
      "ff646464",
      "ff646464",
    ]);
  });

  it("refuse what they cannot take, by name", () => {
    const [labels, rgba, palette] = [input([1, 2, 3], "i32"), input([1, 2, 3], "u32"), input([4], "u32")];
    for (const [make, message] of [
      [() => packLabels(rgba), "packLabels: labels are u32 [1, 2, 3]: they must be i32"],
      [() => packLabels(input([1, 1, 2, 3], "i32")), "packLabels: labels are [1, 1, 2, 3], of rank 4: reshape them"],
      [() => overlayLabels(labels, labels, palette), "overlayLabels: rgba is i32 [1, 2, 3]: it must be u32 [N, H, W]"],
      [
        () => overlayLabels(rgba, input([1, 3, 2], "i32"), palette),
        "rgba is [1, 2, 3] but labels are [1, 3, 2]: they must be equal",
      ],
      [() => overlayLabels(rgba, labels, input([4])), "overlayLabels: palette is f32 [4]: it must be u32 [K]"],
    ] as const)
      expect(make).to.throw(ShapeError, message);
  });
});
