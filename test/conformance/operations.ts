/** The neutral operations that are nodes of a graph, each built with the public functions of the engine. */
import {
  add,
  argMax,
  averagePool2d,
  batchNorm,
  concat,
  conv2d,
  convTranspose2d,
  crop,
  dropout,
  flatten,
  gemm,
  globalAveragePool,
  logSoftmax,
  lrn,
  matmul,
  maxPool2d,
  maxPool2dIndices,
  nllLoss,
  pad,
  relu,
  resize,
  slice,
  softmax,
  softmaxCrossEntropy,
  softmaxWithLoss,
  sum,
  type Tensor,
} from "../../src/index.js";
import type { Attributes } from "./attributes.js";

/** Operands by role, in operand order. */
export class Operands {
  constructor(
    private readonly op: string,
    private readonly tensors: ReadonlyMap<string, Tensor>,
  ) {}

  get(role: string): Tensor {
    const tensor = this.tensors.get(role);
    if (!tensor) throw new Error(`${this.op}: operand ${role} is missing: it has ${[...this.tensors.keys()].join(", ")}`);
    return tensor;
  }

  optional(role: string): Tensor | null {
    return this.tensors.get(role) ?? null;
  }

  all(): readonly Tensor[] {
    return [...this.tensors.values()];
  }
}

export interface Operation {
  /** Output tensors by name, the first one first. */
  build(operands: Operands, attributes: Attributes): Readonly<Record<string, Tensor>>;
  /** Operands of which only the shape counts. */
  readonly shapeOnly?: readonly string[];
}

export const OPERATIONS: Readonly<Record<string, Operation>> = {
  conv2d: { build: (t, a) => ({ y: conv2d(t.get("x"), t.get("w"), t.optional("b"), convAttributes(a)) }) },
  convTranspose2d: {
    build: (t, a) => ({
      y: convTranspose2d(t.get("x"), t.get("w"), t.optional("b"), {
        ...convAttributes(a),
        outputPadding: a.pair("outputPadding"),
      }),
    }),
  },
  maxPool2d: {
    build(t, a) {
      const x = t.get("x");
      const window = poolAttributes(a);
      const order = { withinPlane: a.flag("indexWithinPlane", false), columnMajor: a.numberOr("storageOrder", 0) === 1 };
      return { y: maxPool2d(x, window), indices: maxPool2dIndices(x, { ...window, ...order }) };
    },
  },
  averagePool2d: {
    build: (t, a) => ({ y: averagePool2d(t.get("x"), { ...poolAttributes(a), countIncludePad: a.flag("countIncludePad") }) }),
  },
  globalAveragePool: { build: (t) => ({ y: globalAveragePool(t.get("x")) }) },
  relu: { build: (t) => ({ y: relu(t.get("x")) }) },
  dropout: { build: (t, a) => ({ y: dropout(t.get("x"), { inference: a.flag("inference") }) }) },
  add: { build: (t) => ({ y: add(t.get("a"), t.get("b")) }) },
  sum: { build: (t) => ({ y: sum(t.all()) }) },
  concat: { build: (t, a) => ({ y: concat(t.all(), a.number("axis")) }) },
  pad: {
    build(t, a) {
      const mode = a.oneOf("mode", ["constant", "edge", "reflect", "symmetric", "wrap"]);
      return { y: pad(t.get("x"), { begin: a.numbers("begin"), end: a.numbers("end"), mode, value: a.numberOr("value", 0) }) };
    },
  },
  slice: {
    build: (t, a) => ({
      y: slice(t.get("x"), { starts: a.numbers("starts"), sizes: a.numbers("sizes"), steps: a.numbers("steps") }),
    }),
  },
  crop: {
    build: (t, a) => ({ y: crop(t.get("x"), t.get("reference"), { axis: a.number("axis"), offset: a.numbers("offset") }) }),
    shapeOnly: ["reference"],
  },
  softmax: { build: (t, a) => ({ y: softmax(t.get("x"), { axes: a.numbers("axes") }) }) },
  logSoftmax: { build: (t, a) => ({ y: logSoftmax(t.get("x"), { axes: a.numbers("axes") }) }) },
  softmaxCrossEntropy: {
    build(t, a) {
      const x = t.get("x");
      return { loss: softmaxCrossEntropy(x, t.get("labels"), lossAttributes(t, a)), logProb: logSoftmax(x, { axes: [1] }) };
    },
  },
  nllLoss: { build: (t, a) => ({ loss: nllLoss(t.get("x"), t.get("labels"), lossAttributes(t, a)) }) },
  softmaxWithLoss: {
    build(t, a) {
      a.require("axis", 1);
      const normalization = a.oneOf("normalization", ["VALID", "FULL", "BATCH_SIZE", "NONE"]);
      return {
        loss: softmaxWithLoss(t.get("x"), t.get("labels"), { normalization, ignoreLabel: a.numberOrNull("ignoreLabel") }),
      };
    },
  },
  gemm: {
    build(t, a) {
      const attrs = { alpha: a.number("alpha"), beta: a.number("beta"), transA: a.flag("transA"), transB: a.flag("transB") };
      return { y: gemm(t.get("a"), t.get("b"), t.optional("c"), attrs) };
    },
  },
  matmul: { build: (t) => ({ y: matmul(t.get("a"), t.get("b")) }) },
  batchNorm: {
    build: (t, a) => ({
      y: batchNorm(t.get("x"), t.get("scale"), t.get("bias"), t.get("mean"), t.get("variance"), { epsilon: a.number("epsilon") }),
    }),
  },
  lrn: {
    build: (t, a) => ({
      y: lrn(t.get("x"), { size: a.number("size"), alpha: a.number("alpha"), beta: a.number("beta"), bias: a.number("bias") }),
    }),
  },
  resize: {
    build(t, a) {
      const coordinateMode = a.oneOf("coordinateMode", [
        "half_pixel",
        "half_pixel_symmetric",
        "pytorch_half_pixel",
        "align_corners",
        "asymmetric",
      ]);
      const nearestMode = a.oneOfOrNull("nearestMode", ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"]);
      const attrs = { mode: a.oneOf("mode", ["nearest", "linear"]), coordinateMode, scales: a.numbers("scales") };
      return { y: resize(t.get("x"), nearestMode === null ? attrs : { ...attrs, nearestMode }) };
    },
  },
  flatten: { build: (t, a) => ({ y: flatten(t.get("x"), a.number("axis")) }) },
  argMax: {
    build: (t, a) => ({
      y: argMax(t.get("x"), { axis: a.number("axis"), keepDims: a.flag("keepDims"), selectLastIndex: a.flag("selectLastIndex") }),
    }),
  },
};

function convAttributes(a: Attributes) {
  return { stride: a.pair("strides"), padding: a.pads("pads"), dilation: a.pair("dilations"), groups: a.number("groups") };
}

function poolAttributes(a: Attributes) {
  const ceil = a.oneOf("roundMode", ["floor", "ceil"]) === "ceil";
  return { kernel: a.pair("kernel"), stride: a.pair("strides"), padding: a.pads("pads"), dilation: a.pair("dilations"), ceil };
}

function lossAttributes(t: Operands, a: Attributes) {
  a.require("axis", 1);
  return {
    reduction: a.oneOf("reduction", ["none", "mean", "sum"]),
    ignoreIndex: a.numberOrNull("ignoreIndex"),
    classWeights: t.optional("weights"),
  };
}
