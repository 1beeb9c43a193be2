import { expect } from "chai";
import { batchNorm } from "../../src/kernels/batch-norm.js";
import { lrn } from "../../src/kernels/lrn.js";
import { ShapeError } from "../../src/tensor/errors.js";
import { input } from "../../src/tensor/tensor.js";

const x = input([2, 3, 4, 5]);
const c = input([3]);

describe("normalisation: errors", () => {
  it("batchNorm wants [C] of everything but x", () => {
    expect(batchNorm(x, c, c, c, c).attrs).to.deep.equal({ epsilon: 1e-5 });
    expect(() => batchNorm(x, c, c, input([4]), c)).to.throw(
      ShapeError,
      "batchNorm: mean is f32 [4] but x [2, 3, 4, 5] has 3 channels: use f32 [3]",
    );
    expect(() => batchNorm(x, c, input([1, 3]), c, c)).to.throw(ShapeError, /bias is f32 \[1, 3\]/);
    expect(() => batchNorm(x, input([3], "i32"), c, c, c)).to.throw(ShapeError, /scale is i32 \[3\]/);
    expect(() => batchNorm(c, c, c, c, c)).to.throw(ShapeError, /x is f32 \[3\]: it takes f32 \[N, C, ...\] of rank 2 to 6/);
    expect(() => batchNorm(x, c, c, c, c, { epsilon: -1 })).to.throw(ShapeError, /epsilon is -1/);
  });

  it("lrn wants images and a positive base", () => {
    expect(lrn(x).attrs).to.deep.equal({ size: 5, alpha: 1e-4, beta: 0.75, bias: 1 });
    expect(() => lrn(c)).to.throw(ShapeError, /lrn: x is f32 \[3\]/);
    expect(() => lrn(x, { size: 0 })).to.throw(ShapeError, /size is 0/);
    expect(() => lrn(x, { size: 2.5 })).to.throw(ShapeError, /size is 2.5/);
    expect(() => lrn(x, { bias: 0 })).to.throw(ShapeError, /bias is 0/);
    expect(() => lrn(x, { alpha: -1 })).to.throw(ShapeError, /alpha is -1/);
  });
});
