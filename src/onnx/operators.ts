/**
 * Every op of the engine as ONNX operators (opset 19), or null where it has no form there: gradients, losses, counts and what only passes make, which no inference
 * takes. Attributes must be the same at every size of the inputs, but for those that a row says `varies` of and writes as references.
 */
import type { OpAttrs, OpName } from "../kernels/ops.js";
import type { Site } from "./emitter.js";
import { OnnxError } from "./errors.js";
import {
  averagePool,
  convolution,
  extents,
  matmul,
  mean,
  padBorder,
  pooling,
  reduced,
  reshape,
  resize,
  scalar,
  slice,
  softmax,
  weightedSum,
} from "./forms.js";
import { DATA_TYPES } from "./messages.js";
import { describe } from "./samples.js";

interface Row<A> {
  readonly varies?: readonly (keyof A)[];
  readonly write: (site: Site<A>) => string;
}

type Table = { readonly [K in OpName]: Row<OpAttrs<K>> | null };

export const OPERATORS: Table = {
  add: { write: (s) => s.add("Add", s.inputs) },
  subtract: { write: (s) => s.add("Sub", s.inputs) },
  multiply: { write: (s) => s.add("Mul", s.inputs) },
  // 0 where the divisor is 0.
  divide: {
    write(s) {
      const [a, b] = s.inputs as [string, string];
      const zero = scalar(s, 0);
      const isZero = s.add("Equal", [b, zero]);
      return s.add("Where", [isZero, zero, s.add("Div", [a, s.add("Where", [isZero, scalar(s, 1), b])])]);
    },
  },
  maximum: { write: (s) => s.add("Max", s.inputs) },
  sum: { varies: ["coefficients"], write: (s) => mean(s) ?? weightedSum(s) },
  fill: {
    varies: ["shape"],
    write: (s) => s.add("Expand", [scalar(s, s.attrs.value), s.vector(extents(s, "the shape", "shape"))]),
  },
  reduceSum: { write: (s) => reduced(s, "ReduceSum", s.inputs[0]!, s.attrs) },
  broadcastTo: {
    varies: ["shape"],
    write(s) {
      const { axes } = s.attrs;
      const added = s.node.shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
      const x = added.length > 0 ? s.add("Unsqueeze", [s.inputs[0]!, s.vector(added)]) : s.inputs[0]!;
      // Expand keeps an axis that it is given as 1.
      const kept = (axis: number): boolean =>
        s.instances.every((i) => axes.includes(axis) && i.inputs[0]!.shape[axes.indexOf(axis)] === i.shape[axis]);
      const shape = s.node.shape.map((_, axis) => (kept(axis) ? 1 : s.extent("the shape", (i) => i.shape[axis]!)));
      return s.add("Expand", [x, s.vector(shape)]);
    },
  },
  slice: { varies: ["starts", "sizes"], write: slice },
  sliceGrad: null,
  pad: {
    write(s) {
      const { begin, end, value } = s.attrs;
      const fill = s.constant(s.node.dtype === "f16" ? "f32" : s.node.dtype, [], [value]);
      return s.add("Pad", [s.inputs[0]!, s.vector([...begin, ...end]), fill], { mode: "constant" });
    },
  },
  padBorder: { write: padBorder },
  padBorderGrad: null,
  concat: { write: (s) => s.add("Concat", s.inputs, { axis: s.attrs.axis }) },
  reshape: { varies: ["shape"], write: reshape },
  transpose: { write: (s) => s.add("Transpose", s.inputs, { perm: s.attrs.permutation }) },
  matmul: { write: matmul },
  conv2d: { write: (s) => s.add("Conv", s.inputs, convolution(s)) },
  convTranspose2d: {
    write(s) {
      if (s.attrs.crop) throw new OnnxError(`exportOnnx: ${describe(s.node)} is a fused node: export the graph as it was built`);
      return s.add("ConvTranspose", s.inputs, { ...convolution(s), output_padding: s.attrs.outputPadding });
    },
  },
  conv2dWeightGrad: null,
  conv2dWeightBiasGrad: null,
  relu: { write: (s) => s.add("Relu", s.inputs) },
  reluGrad: null,
  maxPool2d: { write: (s) => s.add("MaxPool", s.inputs, pooling(s.attrs)) },
  maxPool2dIndices: {
    write(s) {
      const attributes = { ...pooling(s.attrs), storage_order: s.attrs.columnMajor ? 1 : 0 };
      const indices = s.add("MaxPool", s.inputs, attributes, 2);
      if (!s.attrs.withinPlane) return s.add("Cast", [indices], { to: DATA_TYPES.i32 });
      const [rows, columns] = [2, 3].map((axis) => s.add("Shape", s.inputs, { start: axis, end: axis + 1 }));
      return s.add("Cast", [s.add("Mod", [indices, s.add("Mul", [rows!, columns!])])], { to: DATA_TYPES.i32 });
    },
  },
  maxPool2dGrad: null,
  maxPool2dTaps: null,
  maxPool2dTapsGrad: null,
  averagePool2d: { write: averagePool },
  averagePool2dGrad: null,
  batchNorm: { write: (s) => s.add("BatchNormalization", s.inputs, { epsilon: { float: s.attrs.epsilon } }) },
  lrn: {
    write(s) {
      const { size, alpha, beta, bias } = s.attrs;
      return s.add("LRN", s.inputs, { size, alpha: { float: alpha }, beta: { float: beta }, bias: { float: bias } });
    },
  },
  lrnGrad: null,
  softmax: { write: (s) => softmax(s, "Softmax") },
  softmaxGrad: null,
  logSoftmax: { write: (s) => softmax(s, "LogSoftmax") },
  logSoftmaxGrad: null,
  crossEntropy: null,
  crossEntropyGrad: null,
  crossEntropyBoth: null,
  nll: null,
  nllGrad: null,
  labelWeights: null,
  argMax: {
    write(s) {
      const { axis, keepDims, selectLastIndex } = s.attrs;
      const attributes = { axis, keepdims: keepDims ? 1 : 0, select_last_index: selectLastIndex ? 1 : 0 };
      return s.add("Cast", [s.add("ArgMax", s.inputs, attributes)], { to: DATA_TYPES.i32 });
    },
  },
  confusionMatrix: null,
  packLabels: null,
  overlayLabels: null,
  nonFinite: null,
  second: null,
  imageToTensor: {
    write(s) {
      const { mean, scale, order } = s.attrs;
      const channels = (type: "u32" | "f32", values: readonly number[]): string => s.constant(type, [1, 3, 1, 1], values);
      // Red lies in the lowest byte: each byte moves to the top, then down.
      const toTheTop = channels("u32", order === "rgb" ? [24, 16, 8] : [8, 16, 24]);
      const packed = s.add("Unsqueeze", [s.inputs[0]!, s.vector([1])]);
      const high = s.add("BitShift", [packed, toTheTop], { direction: "LEFT" });
      const bytes = s.add("BitShift", [high, channels("u32", [24, 24, 24])], { direction: "RIGHT" });
      const floats = s.add("Cast", [bytes], { to: DATA_TYPES.f32 });
      return s.add("Mul", [s.add("Sub", [floats, channels("f32", mean)]), channels("f32", scale)]);
    },
  },
  dropout: { write: (s) => s.inputs[0]! },
  resize: { varies: ["from", "to", "scale"], write: resize },
  resizeGrad: null,
};
