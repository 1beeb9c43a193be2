import { expect } from "chai";
import { concat } from "../../src/kernels/concat.js";
import { crop, crop2d } from "../../src/kernels/crop.js";
import { pad, type BorderMode } from "../../src/kernels/pad.js";
import { flatten, reshape, reshapeOp, transpose } from "../../src/kernels/reshape.js";
import { slice } from "../../src/kernels/slice.js";
import { evaluate } from "../../src/reference/evaluate.js";
import { floats } from "../../src/reference/nd-array.js";
import { ShapeError } from "../../src/tensor/errors.js";
import { pack } from "../../src/tensor/layout.js";
import { numel, type Shape } from "../../src/tensor/shape.js";
import { input, type Tensor } from "../../src/tensor/tensor.js";

/** y for x = 0, 1, 2, ... */
const onCounting = (x: Tensor, y: Tensor): number[] => [
  ...evaluate(
    [y],
    new Map([
      [
        x,
        floats(
          x.shape,
          Float64Array.from({ length: numel(x.shape) }, (_, i) => i),
        ),
      ],
    ]),
  ).get(y)!.data,
];

describe("moving data", () => {
  it("slice names the axis that leaves x", () => {
    const x = input([4, 5]);
    expect(() => slice(x, { starts: [0, 2], sizes: [4, 4] })).to.throw(
      ShapeError,
      "slice: axis 1 takes positions 2 to 5 but x [4, 5] has 0 to 4",
    );
    expect(() => slice(x, { starts: [0], sizes: [4] })).to.throw(ShapeError, "slice: 1 starts, 1 sizes and 1 steps for x [4, 5]");
    expect(() => slice(x, { starts: [0, 0], sizes: [4, 5], steps: [1, 0] })).to.throw(
      ShapeError,
      "slice: axis 1 has start 0 and step 0",
    );
    expect(() => slice(x, { starts: [0, 1], sizes: [1, 3], steps: [1, -1] })).to.throw(ShapeError, "positions 1 to -1");
    expect(() => slice(x, { starts: [0, 0], sizes: [0, 5] })).to.throw(ShapeError, "slice: shape [0, 5]");
  });

  it("crop follows Caffe's rule for offsets", () => {
    const x = input([1, 3, 5, 6]);
    expect(crop(x, input([1, 7, 2, 3]), { offset: [1] }).shape).to.deep.equal([1, 3, 2, 3]);
    expect(crop(x, input([1, 2, 2, 3]), { axis: 1, offset: [1, 0, 2] }).shape).to.deep.equal([1, 2, 2, 3]);
    expect(crop(x, input([1, 7, 5, 6]), {}).shape).to.deep.equal([1, 3, 5, 6]);
    expect(crop2d(x, input([2, 1, 4, 4]), { offset: [1, 2] }).shape).to.deep.equal([1, 3, 4, 4]);
    expect(onCounting(x, crop2d(x, input([1, 1, 1, 2]), { offset: [1, 2] })).slice(0, 2)).to.deep.equal([8, 9]);
    expect(() => crop2d(x, input([1, 1, 4, 4]), { offset: 2 })).to.throw(
      ShapeError,
      "crop: offset 2 + size 4 exceeds the 5 of axis 2 (x is [1, 3, 5, 6], the reference [1, 1, 4, 4])",
    );
    expect(() => crop2d(x, input([1, 1, 4, 4]), { offset: -1 })).to.throw(ShapeError, "the offset of axis 2 is -1");
    expect(() => crop(x, input([1, 1, 2, 2]), { offset: [1, 1, 1] })).to.throw(
      ShapeError,
      "crop: 3 offsets for the 2 axes from 2 on",
    );
    expect(() => crop(x, input([2, 2]), {})).to.throw(ShapeError, "they must have one rank");
    expect(() => crop2d(input([2, 2]), input([2, 2]), { offset: 0 })).to.throw(ShapeError, "crop2d: x is [2, 2]");
  });

  it("pad's modes are numpy's, and repeat", () => {
    const x = input([3]);
    const padded = (mode: BorderMode): number[] => onCounting(x, pad(x, { begin: [4], end: [5], mode }));
    expect(padded("edge")).to.deep.equal([0, 0, 0, 0, 0, 1, 2, 2, 2, 2, 2, 2]);
    expect(padded("reflect")).to.deep.equal([0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2, 1]);
    expect(padded("symmetric")).to.deep.equal([2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0, 1]);
    expect(padded("wrap")).to.deep.equal([2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1]);
  });

  it("a border pad that crops too repeats what is left", () => {
    const x = input([4]);
    expect(onCounting(x, pad(x, { begin: [-1], end: [2], mode: "edge" }))).to.deep.equal([1, 2, 3, 3, 3]);
    expect(onCounting(x, pad(x, { begin: [2], end: [-1], mode: "reflect" }))).to.deep.equal([2, 1, 0, 1, 2]);
  });

  it("pad checks its numbers", () => {
    const x = input([4, 5]);
    expect(() => pad(x, { begin: [1], end: [1] })).to.throw(ShapeError, "pad: 1 begins and 1 ends for x [4, 5]");
    expect(() => pad(x, { begin: [0, 0.5], end: [0, 0] })).to.throw(ShapeError, "pad: axis 1 is padded by 0.5 and 0");
    expect(() => pad(x, { begin: [-2, 0], end: [-2, 0] })).to.throw(
      ShapeError,
      "pad: axis 0 of x [4, 5] has 4 positions, padded by -2 and -2",
    );
    expect(() => pad(x, { begin: [0, 0], end: [0, 0], value: NaN })).to.throw(ShapeError, "pad: value NaN");
    expect(() => pad(x, { begin: [0, 0], end: [0, 0], mode: "mirror" as BorderMode })).to.throw(
      ShapeError,
      "pad: there is no mode mirror",
    );
  });

  it("concat names the operand that does not fit", () => {
    expect(() => concat([], 0)).to.throw(ShapeError);
    expect(() => concat([input([2, 3]), input([3, 3])], 1)).to.throw(
      ShapeError,
      "concat: operand 1 is [3, 3] but operand 0 is [2, 3]: they may differ on axis 1 only",
    );
    expect(() => concat([input([2]), input([2], "i32")], 0)).to.throw(ShapeError, "concat: operand 1 is i32");
    expect(() => concat([input([2, 3])], 2)).to.throw(ShapeError, "concat: axis 2 is outside a tensor of rank 2");
    expect(concat([input([2, 3]), input([2, 4])], -1).shape).to.deep.equal([2, 7]);
  });

  it("reshape fills in one extent", () => {
    const x = input([2, 3, 4]);
    expect(reshape(x, [-1, 6]).shape).to.deep.equal([4, 6]);
    expect(flatten(x).shape).to.deep.equal([2, 12]);
    expect(flatten(x, 0).shape).to.deep.equal([1, 24]);
    expect(flatten(x, -1).shape).to.deep.equal([6, 4]);
    expect(flatten(x, 3).shape).to.deep.equal([24, 1]);
    expect(() => reshape(x, [-1, -1])).to.throw(ShapeError, "reshape: [-1, -1] leaves 2 extents open");
    expect(() => reshape(x, [5, -1])).to.throw(ShapeError, "reshape: x [2, 3, 4] has 24 elements");
    expect(() => reshape(x, [5, 5])).to.throw(ShapeError, "reshape: x [2, 3, 4] has 24 elements but [5, 5] holds 25");
    expect(() => flatten(x, 4)).to.throw(ShapeError, "flatten: axis 4 is outside x [2, 3, 4]");
  });

  it("a reshape shares memory only where the bytes are equal", () => {
    const shapes: readonly (readonly [Shape, Shape])[] = [
      [
        [6, 4],
        [2, 12],
      ],
      [
        [2, 3, 4, 5],
        [2, 3, 4, 5],
      ],
      [
        [2, 8, 1, 1],
        [2, 8],
      ],
      [
        [2, 8],
        [2, 8, 1, 1],
      ],
      [
        [2, 8, 1, 1],
        [1, 16, 1, 1],
      ],
      [
        [2, 6, 1, 1],
        [2, 6],
      ],
      [[1, 6, 1, 1], [6]],
      [
        [1, 6],
        [1, 6, 1, 1],
      ],
      [
        [2, 8, 1, 3],
        [2, 24],
      ],
      [[2, 4, 3, 5], [120]],
      [
        [1, 6, 1, 1],
        [2, 3, 1, 1],
      ],
    ];
    for (const [from, to] of shapes) {
      const data = Float32Array.from({ length: numel(from) }, (_, i) => i + 1);
      const [before, after] = [pack(from, data), pack(to, data)];
      // What lies behind a row-major tensor may be anything, so `from` row-major must be as long as `to`.
      const equal = after.every((v, i) => v === before[i]);
      const x = { shape: from, dtype: "f32" } as const;
      expect(reshapeOp.alias!([x], { shape: to, dtype: "f32" }), `[${from.join(", ")}] to [${to.join(", ")}]`).to.equal(equal);
    }
  });

  it("transpose wants a permutation", () => {
    const x = input([2, 3, 4]);
    expect(transpose(x).shape).to.deep.equal([4, 3, 2]);
    expect(() => transpose(x, [0, 0, 1])).to.throw(
      ShapeError,
      "transpose: [0, 0, 1] is not a permutation of the axes of x [2, 3, 4]",
    );
  });
});
