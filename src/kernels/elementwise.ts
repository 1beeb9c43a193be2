/**
 * Element by element: y = a + b, a - b, a * b, a / b (0 where the divisor is 0), max(a, b) with numpy broadcasting, y = sum of
 * c_k x_k for operands of one shape (Caffe's Eltwise), and y = value. f32, any layout; every kernel writes zeros to padding lanes.
 * Sizes: broadcastShapes(a, b); the common shape; the shape asked for.
 */
import { ShapeError } from "../tensor/errors.js";
import { layoutOf, physicalSize } from "../tensor/layout.js";
import { broadcastShapes, checkShape, formatShape, numel, sameShape, type Shape, type TensorSpec } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { apply, dispatch, grid, inputRef, type Dispatch, type Op, type Ref, type Variant } from "./op.js";
import { sumTo } from "./reduce.js";
import { reluGradOp } from "./relu.js";
import { axisTable, broadcastStrides, walk } from "./strided.js";

export interface BinaryAttrs {}

/** Coefficient of each operand. */
export interface SumAttrs {
  readonly coefficients: readonly number[];
}

export interface FillAttrs {
  readonly shape: Shape;
  readonly value: number;
}

/** a + b with numpy broadcasting, also of a higher-rank b. f32. Throws ShapeError where the shapes do not broadcast. */
export function add(a: Tensor, b: Tensor): Tensor {
  return apply(addOp, [a, b], {});
}

/** a - b with numpy broadcasting. f32. Throws ShapeError where the shapes do not broadcast. */
export function subtract(a: Tensor, b: Tensor): Tensor {
  return apply(subtractOp, [a, b], {});
}

/** a * b, element by element, with numpy broadcasting. f32. Throws ShapeError where the shapes do not broadcast. */
export function multiply(a: Tensor, b: Tensor): Tensor {
  return apply(multiplyOp, [a, b], {});
}

/** a / b with numpy broadcasting, and 0 where b is 0: no infinity or NaN arises. f32. Throws ShapeError where the shapes do not broadcast. */
export function divide(a: Tensor, b: Tensor): Tensor {
  return apply(divideOp, [a, b], {});
}

/**
 * The larger of a and b (Caffe's Eltwise MAX), with numpy broadcasting. The gradient goes to the larger one, where they are equal to b, as in Caffe. f32. Throws
 * ShapeError where the shapes do not broadcast.
 */
export function maximum(a: Tensor, b: Tensor): Tensor {
  return apply(maximumOp, [a, b], {});
}

/**
 * Sum of coefficients[k] * xs[k] (Caffe's Eltwise SUM); coefficients are 1 unless given. All operands have one shape; f32.
 * Throws ShapeError for no operands, unequal shapes, or another number of coefficients than operands.
 */
export function sum(xs: readonly Tensor[], coefficients: readonly number[] = xs.map(() => 1)): Tensor {
  return apply(sumOp, xs, { coefficients: [...coefficients] });
}

/** factor * x. x: any shape, f32. Throws ShapeError for a factor that is not finite. */
export function scale(x: Tensor, factor: number): Tensor {
  return sum([x], [factor]);
}

/** A constant f32 tensor of `shape` with `value` everywhere. Throws ShapeError for a shape that is not of positive integers. */
export function fill(shape: Shape, value: number): Tensor {
  return apply(fillOp, [], { shape: [...shape], value });
}

export const addOp = binary("add", 0, (dy, a, b) => [sumTo(dy, a.shape), sumTo(dy, b.shape)]);

export const subtractOp = binary("subtract", 1, (dy, a, b) => [sumTo(dy, a.shape), scale(sumTo(dy, b.shape), -1)]);

export const multiplyOp = binary("multiply", 2, (dy, a, b) => [sumTo(multiply(dy, b), a.shape), sumTo(multiply(dy, a), b.shape)]);

export const divideOp = binary("divide", 3, (dy, a, b, y) => [
  sumTo(divide(dy, b), a.shape),
  scale(sumTo(divide(multiply(dy, y), b), b.shape), -1),
]);

export const maximumOp = binary("maximum", 4, (dy, a, b) => {
  const toA = apply(reluGradOp, [dy, subtract(a, b)], {});
  return [sumTo(toA, a.shape), sumTo(subtract(dy, toA), b.shape)];
});

type BinaryGrad = (dy: Tensor, a: Tensor, b: Tensor, y: Tensor) => readonly Tensor[];

/** `code` is the shaders' OP. */
function binary(name: string, code: number, grad: BinaryGrad): Op<BinaryAttrs> {
  return {
    name,
    infer([a, b]) {
      requireFloat(name, [a!, b!]);
      return { shape: broadcastShapes(name, a!.shape, b!.shape), dtype: "f32" };
    },
    variants([a, b], output) {
      const direct = { name: "direct", dispatches: [binaryDirect(code, a!.shape, b!.shape, output.shape)] };
      if (!sameMemory(a!.shape, output.shape) || !sameMemory(b!.shape, output.shape)) return [direct];
      const count = vec4s(output.shape);
      const vec4 = dispatch("binary.vec4", {
        params: { count },
        buffers: { a: inputRef(0), b: inputRef(1), y: "output" },
        constants: { OP: code },
        workgroups: grid(count),
      });
      return [direct, { name: "vec4", dispatches: [vec4] }];
    },
    flops: (_inputs, output) => numel(output.shape),
    grad: (dy, [a, b], y) => grad(dy, a!, b!, y),
  };
}

function binaryDirect(code: number, a: Shape, b: Shape, y: Shape): Dispatch {
  const { axes, lanes } = walk(y, [broadcastStrides(a, y), broadcastStrides(b, y)]);
  const count = physicalSize(y);
  return dispatch("binary.direct", {
    params: { count, rank: axes.length, lanes, axes: axisTable(axes) },
    buffers: { a: inputRef(0), b: inputRef(1), y: "output" },
    constants: { OP: code },
    workgroups: grid(count),
  });
}

/** Element i of one lies where element i of the other does: equal shapes, or row-major ones that differ in leading ones. */
function sameMemory(a: Shape, b: Shape): boolean {
  return sameShape(a, b) || (a.length !== 4 && b.length !== 4 && numel(a) === numel(b));
}

function vec4s(shape: Shape): number {
  return Math.ceil(physicalSize(shape) / 4);
}

function requireFloat(op: string, inputs: readonly TensorSpec[]): void {
  inputs.forEach((x, i) => {
    if (x.dtype !== "f32")
      throw new ShapeError(`${op}: operand ${i} is ${x.dtype} ${formatShape(x.shape)} but must be f32: convert it before`);
  });
}

/** Operands of one dispatch of sum.direct. */
const SUM_TERMS = 4;

export const sumOp: Op<SumAttrs> = {
  name: "sum",
  infer(inputs, { coefficients }) {
    const [first] = inputs;
    if (!first) throw new ShapeError("sum: there are no operands: give at least one");
    requireFloat("sum", inputs);
    if (coefficients.length !== inputs.length) {
      throw new ShapeError(`sum: ${coefficients.length} coefficients for ${inputs.length} operands: give one for each`);
    }
    coefficients.forEach((c, i) => {
      if (!Number.isFinite(c)) throw new ShapeError(`sum: coefficient ${i} is ${c}: use a finite number`);
    });
    inputs.forEach((x, i) => {
      if (!sameShape(x.shape, first.shape)) {
        throw new ShapeError(
          `sum: operand ${i} is ${formatShape(x.shape)} but operand 0 is ${formatShape(first.shape)}: they must be equal (add broadcasts)`,
        );
      }
    });
    return { shape: first.shape, dtype: "f32" };
  },
  variants(inputs, output, { coefficients }): readonly Variant[] {
    const count = vec4s(output.shape);
    const dispatches: Dispatch[] = [];
    for (let from = 0; from < inputs.length; from += SUM_TERMS) {
      const terms = Math.min(SUM_TERMS, inputs.length - from);
      const operand = (k: number): Ref => (k < terms ? inputRef(from + k) : "absent");
      dispatches.push(
        dispatch("sum.direct", {
          params: { count, coefficients: [0, 1, 2, 3].map((k) => coefficients[from + k] ?? 0) },
          buffers: { x0: operand(0), x1: operand(1), x2: operand(2), x3: operand(3), y: "output" },
          constants: { TERMS: terms, ACCUMULATE: from > 0 },
          workgroups: grid(count),
        }),
      );
    }
    return [{ name: "direct", dispatches }];
  },
  flops: (inputs, output) => 2 * inputs.length * numel(output.shape),
  grad: (dy, _inputs, _y, { coefficients }) => coefficients.map((c) => (c === 1 ? dy : scale(dy, c))),
};

export const fillOp: Op<FillAttrs> = {
  name: "fill",
  infer(_inputs, { shape, value }) {
    checkShape("fill", shape);
    if (!Number.isFinite(value)) throw new ShapeError(`fill: value is ${value}: use a finite number`);
    return { shape, dtype: "f32" };
  },
  variants(_inputs, output, { value }) {
    const { dims, padded, size: count } = layoutOf(output.shape);
    const params = { count, inner: padded[padded.length - 1] ?? 1, lanes: dims[dims.length - 1] ?? 1, value };
    return [
      { name: "direct", dispatches: [dispatch("fill.direct", { params, buffers: { y: "output" }, workgroups: grid(count) })] },
    ];
  },
  flops: () => 0,
  grad: () => [],
};
