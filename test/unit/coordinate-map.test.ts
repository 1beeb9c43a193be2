import { expect } from "chai";
import {
  add,
  averagePool2d,
  concat,
  conv2d,
  convTranspose2d,
  coordinateMap,
  crop2d,
  cropLike,
  cropOffset,
  formatCoordinateMap,
  input,
  lrn,
  maxPool2d,
  pad,
  param,
  receptiveField,
  relu,
  reshape,
  scale,
  ShapeError,
  slice,
  sum,
  zeros,
  type Tensor,
} from "../../src/index.js";

const image = input([1, 3, 50, 40]);
const weight = (...shape: number[]): Tensor => param(`w${shape.join("x")}`, shape, zeros());

function offsets(tensor: Tensor): [number, number] {
  const [h, w] = coordinateMap(tensor);
  return [h.offset, w.offset];
}

describe("coordinate maps", () => {
  it("give Caffe's crop behind an unpadded 3x3 convolution, a pool of 4 and a deconvolution of kernel 8, stride 4: 1 (test_coord_map.py)", () => {
    const pooled = maxPool2d(conv2d(image, weight(3, 3, 3, 3), null), { kernel: 4, ceil: true });
    const up = convTranspose2d(pooled, weight(3, 3, 8, 8), null, { stride: 4 });
    expect(cropOffset(up, image)).to.deep.equal([1, 1]);
    expect(cropLike(up, image).shape).to.deep.equal([1, 3, 50, 40]);
  });

  it("treat rows and columns apart, and dilation as a larger kernel", () => {
    const y = conv2d(image, weight(2, 3, 3, 5), null, { stride: [1, 2], padding: [2, 0, 7, 7], dilation: [3, 1] });
    expect(coordinateMap(y)).to.deep.equal([
      { stride: 1, offset: 1, field: [-2, 4] },
      { stride: 2, offset: 2, field: [0, 4] },
    ]);
    expect(formatCoordinateMap(coordinateMap(y))).to.equal("y = 1 i + 1, receptive field 7; x = 2 i + 2, receptive field 5");
    expect(receptiveField(coordinateMap(y))).to.deep.equal([7, 5]);
  });

  it("pass through pointwise ops and follow crops, slices with steps, and padding", () => {
    const pooled = averagePool2d(image, { kernel: 2 });
    expect(offsets(relu(lrn(scale(pooled, 3))))).to.deep.equal([0.5, 0.5]);
    expect(offsets(crop2d(pooled, input([1, 3, 5, 5]), { offset: [3, 4] }))).to.deep.equal([6.5, 8.5]);
    const every = slice(pooled, { starts: [0, 0, 1, 2], sizes: [1, 3, 4, 4], steps: [1, 1, 2, 3] });
    expect(coordinateMap(every).map(({ stride, offset }) => [stride, offset])).to.deep.equal([
      [4, 2.5],
      [6, 4.5],
    ]);
    expect(offsets(pad(pooled, { begin: [0, 0, 1, 2], end: [0, 0, 0, 0] }))).to.deep.equal([-1.5, -3.5]);
  });

  it("join branches that lie in line, with the receptive field of all", () => {
    const wide = conv2d(image, weight(3, 3, 5, 5), null, { padding: 2 });
    const narrow = conv2d(image, weight(3, 3, 1, 1), null);
    for (const joined of [sum([wide, narrow]), add(narrow, wide), concat([narrow, wide], 1)]) {
      expect(receptiveField(coordinateMap(joined))).to.deep.equal([5, 5]);
    }
  });

  it("refuse branches that are out of line, naming both", () => {
    const left = slice(image, { starts: [0, 0, 0, 0], sizes: [1, 3, 9, 9] });
    const right = slice(image, { starts: [0, 0, 0, 1], sizes: [1, 3, 9, 9] });
    expect(() => coordinateMap(sum([left, right]))).to.throw(ShapeError, "out of line: one lies at 1 i + 0, another at 1 i + 1");
  });

  it("refuse crops of other strides, between pixels, before the beginning and beyond the end, giving both maps", () => {
    const pooled = maxPool2d(image, { kernel: 2 });
    expect(() => cropOffset(pooled, image)).to.throw(ShapeError, "the strides of the rows are 2 and 1");
    const even = convTranspose2d(maxPool2d(image, { kernel: 3, stride: 2 }), weight(3, 3, 4, 4), null, { stride: 2 });
    expect(() => cropOffset(even, image)).to.throw(ShapeError, "the offset of the rows is 0.5");
    const later = conv2d(image, weight(3, 3, 3, 3), null);
    expect(() => cropOffset(later, image)).to.throw(ShapeError, "the offset of the rows is -1");
    const shorter = slice(image, { starts: [0, 0, 0, 0], sizes: [1, 3, 50, 39] });
    expect(() => cropOffset(shorter, image)).to.throw(
      ShapeError,
      /40 columns from 0 on exceed the 39 .*slice \[1, 3, 50, 39\]: x = 1 i \+ 0, receptive field 1; input \[1, 3, 50, 40\]/,
    );
  });

  it("refuse ops that move pixels in other ways, and what has no image or several", () => {
    expect(() => coordinateMap(reshape(image, [1, 3, 40, 50]))).to.throw(
      ShapeError,
      "reshape [1, 3, 40, 50] has no coordinate map",
    );
    expect(() => coordinateMap(weight(3, 3, 3, 3))).to.throw(ShapeError, "depend on 0 images");
    const other = input([1, 3, 50, 40]);
    const both = add(image, other);
    expect(() => coordinateMap(both)).to.throw(ShapeError, "depend on 2 images");
    expect(coordinateMap(both, other)[0].stride).to.equal(1);
  });
});
