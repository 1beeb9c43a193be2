import { expect } from "chai";
import { gradients } from "../../src/graph/gradients.js";
import { add, divide, fill, maximum, multiply, scale, sum } from "../../src/kernels/elementwise.js";
import { broadcastTo, reduceSum, sumTo } from "../../src/kernels/reduce.js";
import { evaluate } from "../../src/reference/evaluate.js";
import { floats, type NdArray } from "../../src/reference/nd-array.js";
import { ShapeError } from "../../src/tensor/errors.js";
import { input, type Tensor } from "../../src/tensor/tensor.js";

const values = (y: Tensor, leaves: readonly (readonly [Tensor, readonly number[]])[]): number[] => {
  const known = leaves.map(([t, data]): [Tensor, NdArray] => [t, floats(t.shape, Float64Array.from(data))]);
  return [...evaluate([y], new Map(known)).get(y)!.data];
};

describe("elementwise and sums", () => {
  it("names both shapes where they do not broadcast", () => {
    expect(() => add(input([2, 3, 4, 5]), input([4, 3]))).to.throw(
      ShapeError,
      "add: [2, 3, 4, 5] and [4, 3] do not broadcast: axis -1 is 5 in one and 3 in the other",
    );
    expect(() => multiply(input([2]), input([3]))).to.throw(ShapeError, "multiply: [2] and [3]");
  });

  it("takes f32 only", () => {
    expect(() => add(input([2]), input([2], "i32"))).to.throw(ShapeError, "add: operand 1 is i32 [2]");
    expect(() => reduceSum(input([2], "i32"))).to.throw(ShapeError, "reduceSum: x is i32 [2]");
  });

  it("sum wants equal shapes and a coefficient for each", () => {
    expect(() => sum([])).to.throw(ShapeError, "sum: there are no operands");
    expect(() => sum([input([2, 3]), input([3])])).to.throw(ShapeError, "sum: operand 1 is [3] but operand 0 is [2, 3]");
    expect(() => sum([input([2]), input([2])], [1])).to.throw(ShapeError, "sum: 1 coefficients for 2 operands");
    expect(() => scale(input([2]), NaN)).to.throw(ShapeError, "NaN");
  });

  it("fill checks its shape and value", () => {
    expect(() => fill([2, 0], 1)).to.throw(ShapeError, "fill: shape [2, 0]");
    expect(() => fill([2], Infinity)).to.throw(ShapeError, "fill: value is Infinity");
  });

  it("gives the gradient of a maximum to the larger operand, of equal ones to the second", () => {
    const [a, b] = [input([4]), input([])];
    const leaves = [[a, [1, 2, 3, -1]] as const, [b, [2]] as const];
    const y = maximum(a, b);
    expect(values(y, leaves)).to.deep.equal([2, 2, 3, 2]);
    const [da, db] = gradients(reduceSum(y), [a, b]) as [Tensor, Tensor];
    expect(values(da, leaves)).to.deep.equal([0, 0, 1, 0]);
    expect(values(db, leaves)).to.deep.equal([3]);
  });

  it("divides by zero to zero", () => {
    const [a, b] = [input([3]), input([3])];
    expect(
      values(divide(a, b), [
        [a, [1, 0, 4]],
        [b, [0, 0, 2]],
      ]),
    ).to.deep.equal([0, 0, 2]);
  });

  it("reduceSum counts axes from the back and keeps dims when asked", () => {
    const x = input([2, 3, 5]);
    expect(reduceSum(x).shape).to.deep.equal([]);
    expect(reduceSum(x, [-1]).shape).to.deep.equal([2, 3]);
    expect(reduceSum(x, [2, 0], { keepDims: true }).shape).to.deep.equal([1, 3, 1]);
    expect(() => reduceSum(x, [3])).to.throw(ShapeError, "reduceSum: axis 3 is outside a tensor of rank 3");
    expect(() => reduceSum(x, [1, -2])).to.throw(ShapeError, "name each axis of x at most once");
  });

  it("sumTo is the adjoint of broadcastTo", () => {
    const x = input([2, 3]);
    expect(sumTo(x, [2, 3])).to.equal(x);
    expect(broadcastTo(x, [2, 3])).to.equal(x);
    expect(values(sumTo(x, [3]), [[x, [1, 2, 3, 4, 5, 6]]])).to.deep.equal([5, 7, 9]);
    expect(values(sumTo(x, [2, 1]), [[x, [1, 2, 3, 4, 5, 6]]])).to.deep.equal([6, 15]);
    expect(values(broadcastTo(x, [2, 2, 3]), [[x, [1, 2, 3, 4, 5, 6]]])).to.deep.equal([1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6]);
    expect(() => sumTo(x, [2])).to.throw(ShapeError, "sumTo: [2] does not broadcast to [2, 3]");
    expect(() => broadcastTo(x, [3, 2])).to.throw(ShapeError, "broadcastTo: [2, 3] does not broadcast to [3, 2]");
  });
});
