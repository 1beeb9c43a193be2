import { expect } from "chai";
import { gemm, matmul } from "../../src/kernels/matmul.js";
import { ShapeError } from "../../src/tensor/errors.js";
import { input } from "../../src/tensor/tensor.js";

describe("matmul and gemm", () => {
  it("takes vectors as numpy does", () => {
    expect(matmul(input([3]), input([3])).shape).to.deep.equal([]);
    expect(matmul(input([3]), input([2, 3, 5])).shape).to.deep.equal([2, 5]);
    expect(matmul(input([2, 4, 3]), input([3])).shape).to.deep.equal([2, 4]);
    expect(() => matmul(input([]), input([3]))).to.throw(ShapeError, "a scalar has no product");
  });

  it("names what differs", () => {
    expect(() => matmul(input([2, 3]), input([4, 5]))).to.throw(
      ShapeError,
      "matmul: a has 3 columns but b has 4 rows (a is [2, 3], b is [4, 5])",
    );
    expect(() => gemm(input([2, 3]), input([4, 5]), null, { transA: true, transB: true })).to.throw(
      ShapeError,
      "a has 2 columns but b has 5 rows (a is [2, 3], b is [4, 5], a transposed, b transposed)",
    );
    expect(() => matmul(input([2, 3, 4]), input([3, 4, 5]))).to.throw(ShapeError, "matmul: [2] and [3] do not broadcast");
    expect(() => gemm(input([2, 3]), input([3, 4]), input([3]))).to.throw(ShapeError, "matmul");
    expect(() => gemm(input([2, 3]), input([3, 4]), input([5, 2, 4]))).to.throw(ShapeError, "c must broadcast to it");
    expect(() => gemm(input([1, 2, 3]), input([3, 4]), null)).to.throw(ShapeError, "gemm: a is [1, 2, 3]");
    expect(() => matmul(input([2, 3], "i32"), input([3, 4]))).to.throw(ShapeError, "an operand is i32 [2, 3]");
    expect(() => gemm(input([2, 3]), input([3, 4]), null, { alpha: NaN })).to.throw(ShapeError, "alpha is NaN");
  });
});
