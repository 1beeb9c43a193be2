/** The paper's nets (figure 3): a convolutional trunk and a head with skips, for inference and for training. */
import { graph, type Graph } from "../graph/graph.js";
import { argMax } from "../kernels/labels.js";
import { softmaxCrossEntropy } from "../kernels/loss.js";
import { numel } from "../tensor/shape.js";
import { input, type Param, type Tensor } from "../tensor/tensor.js";
import { netLayers, type NetOptions } from "./net-layers.js";
import { trunkOf } from "./trunks.js";

export interface FcnOptions extends NetOptions {
  /**
   * The head by its finest stride: "32s", "16s", "8s", "8s-at-once" on vgg16, vgg19 and googlenet, "32s" on alexnet and alexnet-bvlc, "16s",
   * "8s", "4s", "4s-at-once" on squeezenet, "4s" and "2s" on lenet.
   */
  readonly variant: string;
  /** Classes, the background among them: 21 for PASCAL VOC. */
  readonly classes: number;
}

export interface SizedFcnOptions extends FcnOptions {
  /** Images at once. Default 1. */
  readonly batch?: number;
  /** Rows and columns of the image. `graph.resize` builds the net for another size. */
  readonly size: readonly [h: number, w: number];
}

/**
 * A fully convolutional net for inference: image [N, C, H, W] (C is the trunk's: 3, 1 for lenet) -> scores [N, classes, H, W] and labels i32 [N,
 * H, W], the class of the largest score. Parameters are `<layer>.weight` and `<layer>.bias` by the layers' names in the authors' prototxts.
 * Score layers start at zero, upsampling bilinear, the trunk at random: use `transplant` to start from a classifier. Throws ShapeError for
 * unknown options and for images that the padding does not suffice for.
 *
 * @example
 * const net = fcn({ trunk: "vgg16", variant: "8s", classes: 21, size: [500, 375] });
 */
export function fcn(
  options: SizedFcnOptions,
): Graph<{ readonly image: Tensor }, { readonly scores: Tensor; readonly labels: Tensor }> {
  return graph({ image: imageInput(options) }, ({ image }) => {
    const { scores } = fcnLayers(image, options);
    return { scores, labels: argMax(scores) };
  });
}

export interface FcnTrainingOptions extends SizedFcnOptions {
  /** Pixels of this label count for nothing. Default 255, VOC's void. */
  readonly ignoreIndex?: number | null;
  /** Probability of dropout where the trunk has it, 0 for none. Default "trunk": the trunk's own, 0.5, on googlenet 0.4. */
  readonly dropout?: number | "trunk";
}

/**
 * The same net with labels i32 [N, H, W] and its losses: `loss`, the mean over the pixels that count, and `lossSum`, their sum, which the released
 * models were trained with (learning rates differ by the number of pixels; fcn.md 2.1). Train on either.
 */
export function fcnTraining(
  options: FcnTrainingOptions,
): Graph<
  { readonly image: Tensor; readonly labels: Tensor },
  { readonly scores: Tensor; readonly prediction: Tensor; readonly loss: Tensor; readonly lossSum: Tensor }
> {
  const { batch = 1, size, ignoreIndex = 255, dropout = "trunk" } = options;
  return graph({ image: imageInput(options), labels: input([batch, ...size], "i32") }, ({ image, labels }) => {
    const { scores } = fcnLayers(image, { ...options, dropout });
    return {
      scores,
      prediction: argMax(scores),
      loss: softmaxCrossEntropy(scores, labels, { ignoreIndex }),
      lossSum: softmaxCrossEntropy(scores, labels, { ignoreIndex, reduction: "sum" }),
    };
  });
}

/** How many numbers a graph learns, and how many of its parameters' are frozen (lrMult 0). Reads shapes only. */
export function parameterCount(graph: { readonly params: readonly Param[] }): {
  readonly learnable: number;
  readonly frozen: number;
} {
  const count = (params: readonly Param[]): number => params.reduce((n, p) => n + numel(p.shape), 0);
  return {
    learnable: count(graph.params.filter((p) => p.lrMult !== 0)),
    frozen: count(graph.params.filter((p) => p.lrMult === 0)),
  };
}

export interface FcnLayers {
  readonly scores: Tensor;
  readonly layers: ReadonlyMap<string, Tensor>;
  readonly params: readonly Param[];
}

/**
 * The net on an image tensor [N, C, H, W], for graphs of one's own: its scores [N, classes, H, W], every layer by its name in the prototxts, for
 * `coordinateMap` and inspection, and its parameters, for `gradients`.
 */
export function fcnLayers(image: Tensor, options: FcnOptions & { readonly dropout?: number | "trunk" }): FcnLayers {
  const { variant, classes } = options;
  const { scores, layers, params } = netLayers([{ image, suffix: "" }], [{ variant, classes, suffix: "" }], options);
  return { scores: scores[0]!, layers, params };
}

function imageInput({ trunk, batch = 1, size }: SizedFcnOptions): Tensor {
  return input([batch, trunkOf(trunk).crop.channels, ...size]);
}
