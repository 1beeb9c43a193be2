import { expect } from "chai";
import { resize, type CoordinateMode, type NearestMode, type ResizeAttrs, type ResizeOptions } from "../../src/kernels/resize.js";
import { tableChunks } from "../../src/kernels/resize-table.js";
import { evaluate } from "../../src/reference/evaluate.js";
import { floats } from "../../src/reference/nd-array.js";
import { resize as resizeReference } from "../../src/reference/resize.js";
import { ShapeError } from "../../src/tensor/errors.js";
import { input } from "../../src/tensor/tensor.js";

const x = input([1, 1, 2, 2]);

function resized(options: ResizeOptions): number[] {
  const y = resize(x, options);
  return [...evaluate([y], new Map([[x, floats(x.shape, Float64Array.of(1, 2, 3, 4))]])).get(y)!.data];
}

const COORDINATES: readonly CoordinateMode[] = [
  "half_pixel",
  "half_pixel_symmetric",
  "pytorch_half_pixel",
  "align_corners",
  "asymmetric",
];
const NEAREST: readonly NearestMode[] = ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"];
const SCALES = [2, 3, 4, 7 / 4, 7 / 3, 1.5, 1.2, 0.9, 0.75, 0.6, Math.fround(0.6), 0.5, 0.4, 1 / 3, 0.25];

describe("resize: the table of an axis", () => {
  for (const coordinateMode of COORDINATES) {
    for (const nearestMode of [...NEAREST, null]) {
      it(`${coordinateMode} ${nearestMode ?? "linear"} is the reference's, to the last bit of float64`, () => {
        for (const scale of SCALES) {
          for (const from of [1, 2, 3, 4, 7, 10, 33, 600]) {
            const to = Math.floor(from * scale);
            if (to < 1) continue;
            const mode = nearestMode ? "nearest" : "linear";
            const attrs: ResizeAttrs = { axis: 0, from, to, scale, mode, coordinateMode, nearestMode: nearestMode ?? "floor" };
            const ramp = floats(
              [from],
              Float64Array.from({ length: from }, (_, k) => 2 ** (k % 50)),
            );
            const want = resizeReference([ramp], attrs, { shape: [to], dtype: "f32" }).data;
            const entries = tableChunks(attrs).flatMap(({ table }) => table);
            const got = Array.from(want, (_, o) => {
              const [left, weight] = [entries[2 * o]!, entries[2 * o + 1]!];
              return (1 - weight) * ramp.data[left]! + (weight > 0 ? weight * ramp.data[left + 1]! : 0);
            });
            expect(got, `${from} by ${scale}`).to.deep.equal([...want]);
          }
        }
      });
    }
  }
});

describe("resize: several axes, sizes and errors", () => {
  it("interpolates over both axes of an image (ONNX resize_upsample_scales_linear)", () => {
    expect(resized({ mode: "linear", scales: [2, 2] })).to.deep.equal([
      1, 1.25, 1.75, 2, 1.5, 1.75, 2.25, 2.5, 2.5, 2.75, 3.25, 3.5, 3, 3.25, 3.75, 4,
    ]);
  });

  it("takes sizes for scales, of the image or of every dimension", () => {
    expect(resized({ size: [4, 2] })).to.deep.equal([1, 2, 1, 2, 3, 4, 3, 4]);
    expect(resized({ size: [1, 1, 2, 3] })).to.deep.equal(resized({ scales: [1, 1, 1, 1.5] }));
  });

  it("is a tensor of its own where nothing changes", () => {
    expect(resize(x, { scales: [1, 1] })).not.to.equal(x);
    expect(resized({ scales: [1, 1] })).to.deep.equal([1, 2, 3, 4]);
  });

  it("gives back a size of which the scale is a rounded quotient", () => {
    for (let from = 1; from <= 60; from++) {
      for (let to = 1; to <= 60; to++)
        expect(resize(input([from]), { scales: [to / from] }).shape, `${from} to ${to}`).to.deep.equal([to]);
    }
  });

  it("refuses what it cannot resize", () => {
    const bad = (options: ResizeOptions, message: RegExp) => expect(() => resize(x, options)).to.throw(ShapeError, message);
    bad({}, /scales are not given and size is not given/);
    bad({ scales: [2, 2], size: [4, 4] }, /give one of them/);
    bad({ scales: [2, 2, 2] }, /one value for each dimension of x \[1, 1, 2, 2\]/);
    bad({ scales: [2, 0] }, /scales is \[2, 0\]: use positive numbers/);
    bad({ size: [2, 2.5] }, /size is \[2, 2.5\]: use positive integers/);
    bad({ scales: [0.4, 1] }, /scale 0.4 leaves nothing of the 2 places of axis 2/);
    bad({ scales: [2, 2], mode: "cubic" as "linear" }, /mode is cubic/);
    bad({ scales: [2, 2], coordinateMode: "tf_crop_and_resize" as "half_pixel" }, /coordinateMode is tf_crop_and_resize/);
    bad({ scales: [2, 2], nearestMode: "round" as "floor" }, /nearestMode is round/);
    expect(() => resize(input([2, 2], "i32"), { scales: [2, 2] })).to.throw(ShapeError, /x is i32 \[2, 2\]/);
  });
});
