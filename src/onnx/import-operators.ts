/** ONNX's operators as ops of this engine, from opset 7 on. What is not here has no form, and is refused by name. */
import { globalAveragePool } from "../kernels/average-pool.js";
import { batchNorm } from "../kernels/batch-norm.js";
import { add, divide, fill, maximum, multiply, scale, subtract, sum } from "../kernels/elementwise.js";
import { argMax } from "../kernels/labels.js";
import { lrn } from "../kernels/lrn.js";
import { gemm, matmul } from "../kernels/matmul.js";
import { maxPool2d } from "../kernels/max-pool.js";
import { reduceSum } from "../kernels/reduce.js";
import { relu } from "../kernels/relu.js";
import { logSoftmax, softmax } from "../kernels/softmax.js";
import { numel, sameShape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import {
  cast,
  concatenated,
  constantOfShape,
  expanded,
  flattened,
  gathered,
  reshapeOf,
  shapeOf,
  sliced,
  split,
  squeezed,
  transposed,
  unsqueezed,
} from "./import-moves.js";
import type { ImportSite } from "./import-site.js";
import { averagePool, convolution, maxPool, padded, resized, transposedConvolution } from "./import-windows.js";
import { computed, numbers, type Constant, type Value } from "./values.js";

export type ImportOperator = (site: ImportSite) => Value | readonly Value[];

type Arithmetic = (a: number, b: number) => number;

/** Of known numbers of one shape, or one of them single. */
function folded(s: ImportSite, f: Arithmetic): Constant | null {
  const [a, b] = [s.constant(0), s.constant(1)];
  if (!a || !b) return null;
  const isFloat = a.isFloat || b.isFloat;
  const [na, nb] = [numel(a.shape), numel(b.shape)];
  if (na !== nb && na !== 1 && nb !== 1) return null;
  // Weights are parameters, computed with in the graph.
  if (isFloat && Math.max(na, nb) > 1) return null;
  const shape = na === nb ? (a.shape.length >= b.shape.length ? a.shape : b.shape) : na > nb ? a.shape : b.shape;
  const data = Array.from({ length: numel(shape) }, (_, i) => {
    const value = f(a.data[na === 1 ? 0 : i]!, b.data[nb === 1 ? 0 : i]!);
    return isFloat ? value : Math.trunc(value);
  });
  return numbers(shape, data, isFloat);
}

/** The single number of an input that is one. */
function scalarOf(s: ImportSite, index: number): number | null {
  const known = s.constant(index);
  return known?.isFloat && numel(known.shape) === 1 && known.shape.length <= s.shapeOf(1 - index).length ? known.data[0]! : null;
}

function binary(f: Arithmetic, op: (a: Tensor, b: Tensor) => Tensor): ImportOperator {
  return (s) => folded(s, f) ?? computed(op(s.tensor(0), s.tensor(1)));
}

/** Products with a single number are scaled, others multiplied. */
function product(s: ImportSite): Value {
  const known = folded(s, (a, b) => a * b);
  if (known) return known;
  const [left, right] = [scalarOf(s, 0), scalarOf(s, 1)];
  if (right !== null) return computed(scale(s.tensor(0), right));
  if (left !== null) return computed(scale(s.tensor(1), left));
  return computed(multiply(s.tensor(0), s.tensor(1)));
}

function quotient(s: ImportSite): Value {
  const known = folded(s, (a, b) => a / b);
  if (known) return known;
  const right = scalarOf(s, 1);
  return computed(right !== null ? scale(s.tensor(0), 1 / right) : divide(s.tensor(0), s.tensor(1)));
}

function summed(s: ImportSite): Tensor {
  const terms = s.inputs.map((_, i) => s.tensor(i));
  return terms.every(({ shape }) => sameShape(shape, terms[0]!.shape)) ? sum(terms) : terms.reduce((a, b) => add(a, b));
}

/** Axes of a reduction, and whether they stay as 1. `none`: nothing is reduced. */
function reduction(s: ImportSite): { readonly axes: readonly number[]; readonly keepDims: boolean } {
  const rank = s.shapeOf(0).length;
  const given = s.ints("axes") ?? s.numbers(1, "the axes");
  const isNothing = (given === null || given.length === 0) && s.int("noop_with_empty_axes", 0) === 1;
  const all = s.shapeOf(0).map((_, axis) => axis);
  const axes = isNothing ? [] : given && given.length > 0 ? given.map((axis) => s.axis(axis, rank)) : all;
  return { axes, keepDims: s.int("keepdims", 1) === 1 };
}

function reduced(s: ImportSite, isMean: boolean): Value {
  const x = s.tensor(0);
  const { axes, keepDims } = reduction(s);
  if (axes.length === 0) return computed(x);
  const total = reduceSum(x, axes, { keepDims });
  return computed(isMean ? scale(total, 1 / numel(axes.map((axis) => x.shape[axis]!))) : total);
}

/** Before opset 13 over the axis and all behind it. */
function softmaxOf(s: ImportSite, op: typeof softmax): Value {
  const x = s.tensor(0);
  const rank = x.shape.length;
  if (s.opset >= 13) return computed(op(x, { axes: [s.axis(s.int("axis", -1), rank)] }));
  const first = s.axis(s.int("axis", 1), rank);
  return computed(op(x, { axes: x.shape.map((_, axis) => axis).filter((axis) => axis >= first) }));
}

/** low + relu(x - low) - relu(x - high) */
function clipped(s: ImportSite): Value {
  const x = s.tensor(0);
  const low = s.node.attributes.get("min")?.float ?? s.numbers(1, "the least value")?.[0];
  const high = s.node.attributes.get("max")?.float ?? s.numbers(2, "the largest value")?.[0];
  const isBounded = (v: number | undefined): v is number => v !== undefined && Math.abs(v) < 3e38;
  const constant = (v: number): Tensor => fill([1], v);
  const above = (bound: number): Tensor => relu(bound === 0 ? x : add(x, constant(-bound)));
  if (!isBounded(low)) return isBounded(high) ? computed(subtract(x, above(high))) : computed(x);
  const bounded = isBounded(high) ? subtract(above(low), above(high)) : above(low);
  return computed(low === 0 ? bounded : add(bounded, constant(low)));
}

/** Comparisons have no form but one: where a divisor is zero, which `divide` is exported with. */
function equal(s: ImportSite): Value {
  const known = folded(s, (a, b) => (a === b ? 1 : 0));
  if (known) return { ...known, isFloat: false };
  const [x, zero] = [s.inputs[0], s.constant(1)];
  if (x?.kind === "tensor" && zero && numel(zero.shape) === 1 && zero.data[0] === 0) return { kind: "zero mask", of: x.tensor };
  return s.refuse("it compares values", "export outputs in front of it");
}

function where(s: ImportSite): Value {
  const [mask, yes, no] = [s.inputs[0], s.constant(1), s.inputs[2]];
  if (mask?.kind === "zero mask" && yes && no?.kind === "tensor") {
    if (yes.data[0] === 1 && no.tensor === mask.of) return no;
    if (yes.data[0] === 0 && no.tensor.op === "divide" && no.tensor.inputs[1] === mask.of) return no;
  }
  return s.refuse("it chooses between values", "export outputs in front of it");
}

function normalised(s: ImportSite): Value {
  if (s.int("training_mode", 0) !== 0) s.refuse("it is in training mode", "export the model in inference mode (model.eval())");
  // Statistics are not learned.
  const [mean, variance] = [s.weight(3, false), s.weight(4, false)];
  const epsilon = s.float("epsilon", 1e-5);
  return computed(batchNorm(s.tensor(0), s.weight(1), s.weight(2), mean, variance, { epsilon }));
}

function product2d(s: ImportSite): Value {
  const attrs = {
    alpha: s.float("alpha", 1),
    beta: s.float("beta", 1),
    transA: s.int("transA", 0) === 1,
    transB: s.int("transB", 0) === 1,
  };
  return computed(gemm(s.weight(0), s.weight(1), s.weightOrNull(2), attrs));
}

function constant(s: ImportSite): Value {
  const name = s.node.outputs[0] ?? "";
  const tensor = s.attributeTensor("value");
  if (tensor) return tensor;
  const { attributes } = s.node;
  const int = attributes.get("value_int")?.int;
  const float = attributes.get("value_float")?.float;
  const list = s.ints("value_ints");
  const floats = s.floats("value_floats");
  if (int !== undefined) return numbers([], [int], false, name);
  if (float !== undefined) return numbers([], [float], true, name);
  if (list) return numbers([list.length], list, false, name);
  if (floats) return numbers([floats.length], floats, true, name);
  return s.refuse("it holds no numbers", "only numbers have a form here");
}

const same: ImportOperator = (s) => s.inputs[0] ?? s.refuse("it has no input", "the file is damaged");

const OPERATORS: Readonly<Record<string, ImportOperator>> = {
  Add: binary((a, b) => a + b, add),
  ArgMax: (s) => {
    const options = { keepDims: s.int("keepdims", 1) === 1, selectLastIndex: s.int("select_last_index", 0) === 1 };
    return computed(argMax(s.tensor(0), { axis: s.int("axis", 0), ...options }));
  },
  AveragePool: averagePool,
  BatchNormalization: normalised,
  Cast: cast,
  Clip: clipped,
  Concat: concatenated,
  Constant: constant,
  ConstantOfShape: constantOfShape,
  Conv: convolution,
  ConvTranspose: transposedConvolution,
  Div: quotient,
  Dropout: same,
  Equal: equal,
  Expand: expanded,
  Flatten: flattened,
  Gather: gathered,
  Gemm: product2d,
  GlobalAveragePool: (s) => computed(globalAveragePool(s.image(0))),
  GlobalMaxPool: (s) => computed(maxPool2d(s.image(0), { kernel: [s.image(0).shape[2]!, s.image(0).shape[3]!] })),
  Identity: same,
  LRN: (s) => {
    const attrs = { alpha: s.float("alpha", 1e-4), beta: s.float("beta", 0.75), bias: s.float("bias", 1) };
    return computed(lrn(s.tensor(0), { size: s.int("size", 5), ...attrs }));
  },
  LogSoftmax: (s) => softmaxOf(s, logSoftmax),
  MatMul: (s) => computed(matmul(s.weight(0), s.weight(1))),
  Max: (s) => computed(s.inputs.map((_, i) => s.tensor(i)).reduce((a, b) => maximum(a, b))),
  MaxPool: maxPool,
  Mean: (s) => computed(scale(summed(s), 1 / s.inputs.length)),
  Mul: product,
  Pad: padded,
  ReduceMean: (s) => reduced(s, true),
  ReduceSum: (s) => reduced(s, false),
  Relu: (s) => computed(relu(s.tensor(0))),
  Reshape: reshapeOf,
  Resize: resized,
  Shape: shapeOf,
  Slice: sliced,
  Softmax: (s) => softmaxOf(s, softmax),
  Split: split,
  Squeeze: squeezed,
  Sub: binary((a, b) => a - b, subtract),
  Sum: (s) => computed(summed(s)),
  Transpose: transposed,
  Unsqueeze: unsqueezed,
  Upsample: resized,
  Where: where,
};

/** The operator of a node; throws OnnxError where there is none. */
export function operatorOf(s: ImportSite): ImportOperator {
  const { op, domain } = s.node;
  const own = domain === "" || domain === "ai.onnx";
  const operator = own && Object.hasOwn(OPERATORS, op) ? OPERATORS[op] : undefined;
  return (
    operator ??
    s.refuse(
      "this engine has no such op",
      `take outputs in front of it, with { outputs: [${s.node.inputs
        .slice(0, 1)
        .map((name) => JSON.stringify(name))
        .join()}] }, or replace it before the export`,
    )
  );
}
