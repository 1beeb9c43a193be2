/** Every op of the engine, by name. Adding one: docs/adding-an-op.md. */
import { convTranspose2dOp } from "./conv-transpose2d.js";
import { conv2dOp } from "./conv2d.js";
import { conv2dWeightBiasGradOp, conv2dWeightGradOp } from "./conv2d-weight-grad.js";
import { addOp, divideOp, fillOp, maximumOp, multiplyOp, subtractOp, sumOp } from "./elementwise.js";
import type { Op } from "./op.js";
import { concatOp } from "./concat.js";
import { matmulOp } from "./matmul.js";
import { padBorderGradOp, padBorderOp, padOp } from "./pad.js";
import { broadcastToOp, reduceSumOp } from "./reduce.js";
import { reshapeOp, transposeOp } from "./reshape.js";
import { sliceGradOp, sliceOp } from "./slice.js";
import { reluGradOp, reluOp } from "./relu.js";
import { maxPool2dGradOp, maxPool2dIndicesOp, maxPool2dOp } from "./max-pool.js";
import { maxPool2dTapsGradOp, maxPool2dTapsOp } from "./max-pool-taps.js";
import { averagePool2dGradOp, averagePool2dOp } from "./average-pool.js";
import { batchNormOp } from "./batch-norm.js";
import { lrnGradOp, lrnOp } from "./lrn.js";
import { dropoutOp } from "./dropout.js";
import { imageToTensorOp } from "./image.js";
import { nonFiniteOp } from "./non-finite.js";
import { argMaxOp, confusionMatrixOp } from "./labels.js";
import { overlayLabelsOp, packLabelsOp } from "./label-image.js";
import { secondOp } from "./second.js";
import { crossEntropyBothOp, crossEntropyGradOp, crossEntropyOp, labelWeightsOp, nllGradOp, nllOp } from "./pixel-loss.js";
import { logSoftmaxGradOp, logSoftmaxOp, softmaxGradOp, softmaxOp } from "./softmax.js";
import { resizeGradOp, resizeOp } from "./resize.js";

export const OPS = {
  add: addOp,
  subtract: subtractOp,
  multiply: multiplyOp,
  divide: divideOp,
  maximum: maximumOp,
  sum: sumOp,
  fill: fillOp,
  reduceSum: reduceSumOp,
  broadcastTo: broadcastToOp,
  slice: sliceOp,
  sliceGrad: sliceGradOp,
  pad: padOp,
  padBorder: padBorderOp,
  padBorderGrad: padBorderGradOp,
  concat: concatOp,
  reshape: reshapeOp,
  transpose: transposeOp,
  matmul: matmulOp,
  conv2d: conv2dOp,
  convTranspose2d: convTranspose2dOp,
  conv2dWeightGrad: conv2dWeightGradOp,
  conv2dWeightBiasGrad: conv2dWeightBiasGradOp,
  relu: reluOp,
  reluGrad: reluGradOp,
  maxPool2d: maxPool2dOp,
  maxPool2dIndices: maxPool2dIndicesOp,
  maxPool2dGrad: maxPool2dGradOp,
  maxPool2dTaps: maxPool2dTapsOp,
  maxPool2dTapsGrad: maxPool2dTapsGradOp,
  averagePool2d: averagePool2dOp,
  averagePool2dGrad: averagePool2dGradOp,
  batchNorm: batchNormOp,
  lrn: lrnOp,
  lrnGrad: lrnGradOp,
  softmax: softmaxOp,
  softmaxGrad: softmaxGradOp,
  logSoftmax: logSoftmaxOp,
  logSoftmaxGrad: logSoftmaxGradOp,
  crossEntropy: crossEntropyOp,
  crossEntropyGrad: crossEntropyGradOp,
  crossEntropyBoth: crossEntropyBothOp,
  nll: nllOp,
  nllGrad: nllGradOp,
  labelWeights: labelWeightsOp,
  argMax: argMaxOp,
  confusionMatrix: confusionMatrixOp,
  packLabels: packLabelsOp,
  overlayLabels: overlayLabelsOp,
  imageToTensor: imageToTensorOp,
  nonFinite: nonFiniteOp,
  dropout: dropoutOp,
  resize: resizeOp,
  resizeGrad: resizeGradOp,
  second: secondOp,
} as const;

export type OpName = keyof typeof OPS;
export type OpAttrs<K extends OpName> = (typeof OPS)[K] extends Op<infer A> ? A : never;

/** The op of a node that is not a leaf. The cast is sound: a node's attributes were made by its own op. */
export function opOf(name: string): Op<object> {
  const op = (OPS as unknown as Record<string, Op<object>>)[name];
  if (!op) throw new Error(`no op is called ${name}`);
  return op;
}
