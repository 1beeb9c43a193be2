/** The reference of every op, by name: a missing one does not compile. Plain loops, float64, written to be read. */
import type { OpAttrs, OpName } from "../kernels/ops.js";
import type { TensorSpec } from "../tensor/shape.js";
import { conv2d, conv2dWeightGrad, convTranspose2d } from "./conv.js";
import { add, divide, fill, maximum, multiply, subtract, sum } from "./elementwise.js";
import type { NdArray } from "./nd-array.js";
import { matmul } from "./matmul.js";
import { concat, pad, padBorder, padBorderGrad, reshape, slice, sliceGrad, transpose } from "./move.js";
import { broadcastTo, reduceSum } from "./reduce.js";
import { relu, reluGrad } from "./relu.js";
import { maxPool2d, maxPool2dGrad, maxPool2dIndices, maxPool2dTapsGrad } from "./max-pool.js";
import { averagePool2d, averagePool2dGrad } from "./average-pool.js";
import { batchNorm } from "./batch-norm.js";
import { lrn, lrnGrad } from "./lrn.js";
import { dropout } from "./dropout.js";
import { imageToTensor } from "./image.js";
import { argMax, confusionMatrix } from "./labels.js";
import { overlayLabels, packLabels } from "./label-image.js";
import { nonFinite } from "./non-finite.js";
import { crossEntropy, crossEntropyBoth, crossEntropyGrad, labelWeights, nll, nllGrad } from "./loss.js";
import { logSoftmax, logSoftmaxGrad, softmax, softmaxGrad } from "./softmax.js";
import { resize, resizeGrad } from "./resize.js";
import { second } from "./second.js";

/** `inputs` in the op's order; the result has `output`'s shape. */
export type ReferenceFn<K extends OpName> = (inputs: readonly NdArray[], attrs: OpAttrs<K>, output: TensorSpec) => NdArray;

export const REFERENCE: { readonly [K in OpName]: ReferenceFn<K> } = {
  add,
  subtract,
  multiply,
  divide,
  maximum,
  sum,
  fill,
  reduceSum,
  broadcastTo,
  slice,
  sliceGrad,
  pad,
  padBorder,
  padBorderGrad,
  concat,
  reshape,
  transpose,
  matmul,
  conv2d,
  convTranspose2d,
  conv2dWeightGrad,
  conv2dWeightBiasGrad: conv2dWeightGrad,
  relu,
  reluGrad,
  maxPool2d,
  maxPool2dIndices,
  maxPool2dGrad,
  maxPool2dTaps: maxPool2d,
  maxPool2dTapsGrad,
  averagePool2d,
  averagePool2dGrad,
  batchNorm,
  lrn,
  lrnGrad,
  softmax,
  softmaxGrad,
  logSoftmax,
  logSoftmaxGrad,
  crossEntropy,
  crossEntropyGrad,
  crossEntropyBoth,
  nll,
  nllGrad,
  labelWeights,
  argMax,
  confusionMatrix,
  packLabels,
  overlayLabels,
  nonFinite,
  imageToTensor,
  dropout,
  resize,
  resizeGrad,
  second,
};
