/** Every op that has a form in ONNX, in a small graph: ONNX Runtime runs them (test/onnx), and they come back as they were (test/unit). */
import {
  add,
  argMax,
  averagePool2d,
  batchNorm,
  bilinear,
  broadcastTo,
  concat,
  conv2d,
  convTranspose2d,
  crop2d,
  divide,
  dropout,
  fill,
  flatten,
  gemm,
  globalAveragePool,
  heNormal,
  imageToTensor,
  logSoftmax,
  lrn,
  matmul,
  maximum,
  maxPool2d,
  maxPool2dIndices,
  multiply,
  pad,
  param,
  reduceSum,
  relu,
  reshape,
  resize,
  scale,
  slice,
  softmax,
  subtract,
  sum,
  transpose,
  type BorderMode,
  type DType,
  type Shape,
  type Tensor,
} from "../../src/index.js";

export interface OnnxCase {
  readonly what: string;
  readonly shape: Shape;
  readonly dtype?: DType;
  /** Axes of x that are open; image axes where left out. */
  readonly open?: Readonly<Record<number, string>>;
  /** Shape of x at which the same file runs too. */
  readonly then: Shape;
  readonly net: (x: Tensor) => Tensor;
}

export const IMAGE_AXES = { 0: "batch", 2: "height", 3: "width" };
const image = (what: string, net: (x: Tensor) => Tensor): OnnxCase => ({ what, shape: [1, 3, 9, 12], then: [2, 3, 14, 7], net });
const weight = (name: string, shape: Shape): Tensor => param(name, shape, heNormal());
const MODES: readonly BorderMode[] = ["edge", "reflect", "symmetric", "wrap"];

export const ONNX_CASES: readonly OnnxCase[] = [
  image("add with broadcasting", (x) => add(x, weight("b", [3, 1, 1]))),
  image("subtract", (x) => subtract(weight("b", [1, 3, 1, 1]), x)),
  image("multiply", (x) => multiply(x, x)),
  image("maximum", (x) => maximum(x, weight("b", [3, 1, 1]))),
  image("divide, 0 where the divisor is 0", (x) => divide(x, relu(x))),
  image("sum with coefficients", (x) => sum([x, relu(x), x], [0.5, 1, -2])),
  image("scale", (x) => scale(x, 0.01)),
  image("fill of the input's size", (x) => sum([x, fill(x.shape, 3)])),
  image("reduceSum that keeps its axes", (x) => reduceSum(x, [2, 3], { keepDims: true })),
  image("reduceSum that drops them", (x) => reduceSum(x, [0, 2])),
  image("reduceSum of all", (x) => reduceSum(x)),
  image("globalAveragePool", (x) => globalAveragePool(relu(x))),
  image("broadcastTo the input's size", (x) => sum([x, broadcastTo(weight("b", [3, 1, 1]), x.shape)])),
  image("broadcastTo more axes", (x) => broadcastTo(x, [2, ...x.shape])),
  image("slice from an offset to the end", (x) =>
    slice(x, { starts: [0, 1, 2, 3], sizes: [x.shape[0]!, 2, x.shape[2]! - 2, x.shape[3]! - 3] }),
  ),
  image("slice that leaves the border out", (x) =>
    slice(x, { starts: [0, 0, 2, 1], sizes: [x.shape[0]!, 3, x.shape[2]! - 4, x.shape[3]! - 2] }),
  ),
  image("slice of constant size", (x) => slice(x, { starts: [0, 0, 1, 1], sizes: [1, 1, 2, 3] })),
  image("slice backwards", (x) =>
    slice(x, { starts: [0, 2, x.shape[2]! - 1, 4], sizes: [x.shape[0]!, 3, x.shape[2]!, 2], steps: [1, -1, -1, -2] }),
  ),
  image("slice with steps", (x) => slice(x, { starts: [0, 0, 1, 0], sizes: [1, 1, 3, 2], steps: [1, 1, 2, 3] })),
  image("pad with a constant, and crop", (x) => pad(x, { begin: [0, 1, 2, -1], end: [0, 0, 3, -2], value: -0.5 })),
  ...MODES.map((mode) => image(`pad ${mode}`, (x) => pad(x, { begin: [0, 1, 4, 3], end: [0, 1, 2, 5], mode }))),
  ...MODES.map((mode) =>
    image(`pad ${mode} beyond the tensor`, (x) => pad(x, { begin: [0, 0, 0, 17], end: [0, 0, 19, 0], mode })),
  ),
  image("pad reflect of one place", (x) =>
    pad(reduceSum(x, [2], { keepDims: true }), { begin: [0, 0, 2, 0], end: [0, 0, 1, 0], mode: "reflect" }),
  ),
  image("concat", (x) => concat([x, relu(x), x], 1)),
  image("reshape, one extent open", (x) => reshape(x, [x.shape[0]!, 3, x.shape[2]! * x.shape[3]!])),
  image("reshape, the batch among the open extents", (x) => reshape(x, [1, x.shape[0]!, 3, x.shape[2]! * x.shape[3]!])),
  image("flatten to one row", (x) => flatten(x, 0)),
  image("transpose", (x) => transpose(x, [3, 0, 1, 2])),
  {
    what: "gemm",
    shape: [2, 5],
    then: [7, 5],
    open: { 0: "batch" },
    net: (x) => gemm(x, weight("w", [4, 5]), weight("b", [4]), { transB: true, alpha: 0.5, beta: 2 }),
  },
  {
    what: "matmul of batches",
    shape: [2, 3, 5],
    then: [4, 6, 5],
    open: { 0: "batch", 1: "rows" },
    net: (x) => matmul(x, weight("w", [5, 4])),
  },
  {
    what: "flatten and gemm of a classifier",
    shape: [1, 2, 4, 4],
    then: [5, 2, 4, 4],
    open: { 0: "batch" },
    net: (x) => gemm(flatten(maxPool2d(x, { kernel: 2 })), weight("w", [3, 8]), null, { transB: true }),
  },
  image("conv2d with all attributes", (x) =>
    conv2d(x, weight("w", [6, 1, 3, 2]), weight("b", [6]), {
      stride: [2, 1],
      padding: [1, 2, 0, 3],
      dilation: [1, 2],
      groups: 3,
    }),
  ),
  image("conv2d with padding beyond its kernel", (x) => conv2d(x, weight("w", [2, 3, 3, 3]), null, { padding: 20 })),
  image("convTranspose2d with all attributes", (x) =>
    convTranspose2d(x, weight("w", [3, 2, 4, 3]), weight("b", [6]), {
      stride: [3, 2],
      padding: [1, 0, 2, 1],
      outputPadding: [2, 1],
      groups: 3,
    }),
  ),
  image("relu", (x) => relu(x)),
  image("maxPool2d with Caffe's rounding", (x) => maxPool2d(x, { kernel: 3, stride: 2, ceil: true })),
  image("maxPool2d with padding and dilation", (x) =>
    maxPool2d(x, { kernel: [3, 2], stride: 2, padding: [1, 0, 1, 1], dilation: [2, 1] }),
  ),
  image("maxPool2dIndices in the tensor", (x) => maxPool2dIndices(x, { kernel: 2 })),
  image("maxPool2dIndices in the plane", (x) => maxPool2dIndices(x, { kernel: 3, stride: 2, withinPlane: true })),
  image("maxPool2dIndices by columns", (x) => maxPool2dIndices(x, { kernel: 2, withinPlane: true, columnMajor: true })),
  image("averagePool2d, padding counted", (x) => averagePool2d(x, { kernel: 3, stride: 2, padding: 1 })),
  image("averagePool2d, padding not counted", (x) =>
    averagePool2d(x, { kernel: [3, 2], stride: 2, padding: 1, countIncludePad: false }),
  ),
  image("averagePool2d with Caffe's rounding", (x) => averagePool2d(x, { kernel: 3, stride: 2, ceil: true })),
  image("averagePool2d with Caffe's rounding and padding", (x) =>
    averagePool2d(x, { kernel: 3, stride: 2, padding: 1, ceil: true }),
  ),
  image("averagePool2d with dilation", (x) => averagePool2d(x, { kernel: 2, stride: 1, dilation: 2 })),
  image("batchNorm", (x) =>
    batchNorm(x, weight("s", [3]), weight("b", [3]), weight("m", [3]), multiply(weight("v", [3]), weight("v2", [3])), {
      epsilon: 20,
    }),
  ),
  image("lrn", (x) => lrn(x, { size: 3, alpha: 0.2, beta: 0.6, bias: 1.5 })),
  image("softmax", (x) => softmax(x)),
  image("softmax over the plane", (x) => softmax(x, { axes: [2, 3] })),
  image("logSoftmax", (x) => logSoftmax(x)),
  image("logSoftmax over the plane", (x) => logSoftmax(x, { axes: [2, 3] })),
  image("argMax", (x) => argMax(x)),
  image("argMax that keeps its axis, the last of equals", (x) =>
    argMax(relu(x), { axis: 3, keepDims: true, selectLastIndex: true }),
  ),
  {
    what: "imageToTensor",
    shape: [1, 5, 6],
    dtype: "u32",
    then: [2, 4, 9],
    open: { 0: "batch", 1: "height", 2: "width" },
    net: (x) => imageToTensor(x, { order: "bgr", mean: [104, 116.7, 122.7], scale: [1, 0.5, 2] }),
  },
  image("dropout, which is nothing", (x) => relu(dropout(x, { p: 0.5, inference: false }))),
  image("resize linear to the size of an image, align_corners", (x) =>
    resize(maxPool2d(x, { kernel: 2 }), { size: x.shape.slice(2), mode: "linear", coordinateMode: "align_corners" }),
  ),
  image("resize linear by a scale", (x) => resize(x, { scales: [2, 2], mode: "linear" })),
  image("resize nearest by a scale", (x) =>
    resize(x, { scales: [1.5, 3], mode: "nearest", coordinateMode: "asymmetric", nearestMode: "floor" }),
  ),
  image("a crop to another tensor, by an offset", (x) =>
    crop2d(
      convTranspose2d(maxPool2d(x, { kernel: 2, ceil: true }), param("u", [3, 3, 4, 4], bilinear()), null, { stride: 2 }),
      x,
      { offset: [1, 0] },
    ),
  ),
  image("an output that is an input", (x) => x),
];

/** Names of cases whose exported form has operators that only stand for the op there: importOnnx refuses them. */
export const ONE_WAY =
  /^(pad (edge|reflect|symmetric|wrap)|softmax over|logSoftmax over|maxPool2dIndices in the plane|maxPool2dIndices by columns|imageToTensor|a picture|.*pixels)/;
