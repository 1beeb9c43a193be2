/**
 * Losses of a classifier at every pixel. x: [N, C, ...] of rank 2 to 6, classes on axis 1; labels: i32 [N, ...].
 *
 *     nll[pixel]          = log(sum_c exp(x[c] - m)) - (x[label] - m)      m the pixel's largest logit
 *     softmaxCrossEntropy = w[label] * nll at each pixel; their sum; or their sum divided by the sum of w[label]
 *     softmaxWithLoss     = sum of min(nll, -log(FLT_MIN)) / normaliser    Caffe's softmax_loss_layer.cpp
 *     nllLoss             = the same as softmaxCrossEntropy on log-probabilities x: nll = -x[label]
 *
 * Ignored pixels (label = ignoreIndex) have loss 0, gradient 0 and weight 0 in a mean, and so have labels that are no class, which a
 * program refuses before they get here ({@link checkLabels}). A mean over no pixel is 0. The ops below compute one value a pixel;
 * the public functions reduce them.
 */
import { InputError, ShapeError } from "../tensor/errors.js";
import { numel } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { divide, scale } from "./elementwise.js";
import { apply } from "./op.js";
import { crossEntropyOp, labelWeightsOp, nllOp, type LabelAttrs } from "./pixel-loss.js";
import { reduceSum } from "./reduce.js";

export type Reduction = "none" | "mean" | "sum";

export interface LossOptions {
  /** Pixels of this label count for nothing; any integer. Default: none. */
  readonly ignoreIndex?: number | null;
  /** f32 [C]: factor of each class. A constant: it gets no gradient. */
  readonly classWeights?: Tensor | null;
  /** `none` gives the map of losses [N, ...], `sum` and `mean` (default) a scalar; a weighted mean divides by the sum of the weights. */
  readonly reduction?: Reduction;
}

/**
 * Cross entropy between softmax(logits) over axis 1 and the labels; a scalar, or [N, ...] with reduction `none`. logits: f32
 * [N, C, ...] of rank 2 to 6; labels: i32 [N, ...]. The gradient is (softmax - onehot) * weight / normaliser. Throws ShapeError where
 * shapes or dtypes do not fit.
 *
 * @example softmaxCrossEntropy(logits, labels, { ignoreIndex: 255 })
 */
export function softmaxCrossEntropy(logits: Tensor, labels: Tensor, options: LossOptions = {}): Tensor {
  const inputs = lossInputs(logits, labels, options);
  const attrs = labelAttrs("softmaxCrossEntropy", options.ignoreIndex);
  return reduce(
    "softmaxCrossEntropy",
    apply(crossEntropyOp, inputs, { ...attrs, floorProbability: false }),
    logits,
    labels,
    options,
  );
}

/**
 * Negative log-likelihood of log-probabilities x: softmaxCrossEntropy without the softmax. x: f32 [N, C, ...] of rank 2 to 6; labels:
 * i32 [N, ...]. Throws ShapeError where shapes or dtypes do not fit.
 *
 * @example nllLoss(logSoftmax(logits), labels)   // = softmaxCrossEntropy(logits, labels)
 */
export function nllLoss(x: Tensor, labels: Tensor, options: LossOptions = {}): Tensor {
  return reduce(
    "nllLoss",
    apply(nllOp, lossInputs(x, labels, options), labelAttrs("nllLoss", options.ignoreIndex)),
    x,
    labels,
    options,
  );
}

/** Caffe's divisors: valid pixels, all pixels, images, or 1. */
export type Normalization = "VALID" | "FULL" | "BATCH_SIZE" | "NONE";

/**
 * Caffe's SoftmaxWithLoss (fcn.md 2.1; softmax_loss_layer.cpp): the sum over pixels of -log(max(softmax(x)[label], FLT_MIN)), divided
 * by max(1, the pixels not ignored | all pixels | N | 1) for normalization VALID (default) | FULL | BATCH_SIZE | NONE; a scalar. Its
 * gradient is that of the loss without the floor. The FCN nets train with BATCH_SIZE, ignoreLabel 255 and one image: the plain sum.
 * x: f32 [N, C, ...]; labels: i32 [N, ...]. Throws ShapeError where shapes or dtypes do not fit.
 */
export function softmaxWithLoss(
  x: Tensor,
  labels: Tensor,
  options: { readonly normalization?: Normalization; readonly ignoreLabel?: number | null } = {},
): Tensor {
  const attrs = labelAttrs("softmaxWithLoss", options.ignoreLabel);
  const total = reduceSum(apply(crossEntropyOp, [x, labels], { ...attrs, floorProbability: true }));
  const normalization = options.normalization ?? "VALID";
  switch (normalization) {
    case "VALID":
      // Where no pixel is valid the total is 0, and 0 / 0 is 0 here as 0 / max(1, 0) is in Caffe.
      return divide(total, reduceSum(apply(labelWeightsOp, [labels], { ...attrs, classes: x.shape[1]! })));
    case "FULL":
      return scale(total, 1 / numel(labels.shape));
    case "BATCH_SIZE":
      return scale(total, 1 / x.shape[0]!);
    case "NONE":
      return total;
    default:
      throw new ShapeError(
        `softmaxWithLoss: normalization is ${String(normalization)}: use "VALID", "FULL", "BATCH_SIZE" or "NONE"`,
      );
  }
}

/**
 * Throws InputError naming the first label that is neither one of `classes` nor `ignoreIndex`. `name` begins the message ("input labels"). Kernels
 * treat such labels as ignored, which would hide a mistake (fcn.md 7, 15): a program calls this before it uploads labels.
 */
export function checkLabels(name: string, data: ArrayLike<number>, classes: number, ignoreIndex: number | null): void {
  for (let i = 0; i < data.length; i++) {
    const label = data[i]!;
    if ((label >= 0 && label < classes) || label === ignoreIndex) continue;
    const ignored = ignoreIndex === null ? "no label is ignored" : `${ignoreIndex} is ignored`;
    throw new InputError(
      `${name}: label ${label} at index ${i} is outside 0 to ${classes - 1} and ${ignored}: correct the labels, or name the label to ignore as ignoreIndex`,
    );
  }
}

function labelAttrs(op: string, ignore: number | null | undefined): LabelAttrs {
  const ignoreIndex = ignore ?? null;
  if (ignoreIndex !== null && (!Number.isInteger(ignoreIndex) || Math.abs(ignoreIndex) > 0x7fffffff)) {
    throw new ShapeError(`${op}: ignoreIndex is ${ignoreIndex}: use a 32-bit integer, or null to ignore nothing`);
  }
  return { ignoreIndex };
}

function lossInputs(x: Tensor, labels: Tensor, { classWeights }: LossOptions): Tensor[] {
  return classWeights ? [x, labels, classWeights] : [x, labels];
}

function reduce(op: string, losses: Tensor, x: Tensor, labels: Tensor, options: LossOptions): Tensor {
  const reduction = options.reduction ?? "mean";
  switch (reduction) {
    case "none":
      return losses;
    case "sum":
      return reduceSum(losses);
    case "mean": {
      const [, ...weighted] = lossInputs(x, labels, options);
      const weights = apply(labelWeightsOp, weighted, { ...labelAttrs(op, options.ignoreIndex), classes: x.shape[1]! });
      return divide(reduceSum(losses), reduceSum(weights));
    }
    default:
      throw new ShapeError(`${op}: reduction is ${String(reduction)}: use "none", "mean" or "sum"`);
  }
}
