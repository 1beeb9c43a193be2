/**
 * The paper's nets (figure 3): a convolutional trunk, scores at its coarsest layer, and skips from shallower pools: upsample what there is, add the
 * scores of the pool, and upsample to pixels at last. Every crop and upsampling kernel follows from coordinate maps.
 */
import { graph, type Graph } from "../graph/graph.js";
import { argMax } from "../kernels/labels.js";
import { softmaxCrossEntropy } from "../kernels/loss.js";
import { ShapeError } from "../tensor/errors.js";
import { numel } from "../tensor/shape.js";
import { input, isParam, topological, type Param, type Tensor } from "../tensor/tensor.js";
import { cropOffset } from "./coordinate-map.js";
import { headLayers } from "./heads.js";
import type { Trunk } from "./trunk.js";
import { convolutionalTrunk } from "./trunk-layers.js";
import { trunkOf, type TrunkName } from "./trunks.js";

export interface FcnOptions {
  /** A trunk by name, or a table of one's own. */
  readonly trunk: TrunkName | Trunk;
  /**
   * The head by its finest stride: "32s", "16s", "8s", "8s-at-once" on vgg16, vgg19 and googlenet, "32s" on alexnet and alexnet-bvlc, "16s", "8s", "4s",
   * "4s-at-once" on squeezenet, "4s" and "2s" on lenet.
   */
  readonly variant: string;
  /** Classes, the background among them: 21 for PASCAL VOC. */
  readonly classes: number;
  /** Factor on the channels of the trunk. Default 1: the paper's. */
  readonly width?: number;
  /**
   * "caffe" (default): the authors' 100 pixels round the image; for nets that they did not publish what covers it: 10 for lenet, 3 for googlenet, 1 for squeezenet.
   * "minimal": as few as let the scores cover this image.
   * "same": every layer pads itself, the upsampling too; the crops vanish where the stride divides the image.
   */
  readonly padding?: "caffe" | "minimal" | "same";
  /** Which bilinear layers are learned: none ("frozen", default, the released models), all but the last ("learned2x", the paper's 4.3), or all. */
  readonly upsampling?: "frozen" | "learned2x" | "learned";
}

export interface SizedFcnOptions extends FcnOptions {
  /** Images at once. Default 1. */
  readonly batch?: number;
  /** Rows and columns of the image. `graph.resize` builds the net for another size. */
  readonly size: readonly [h: number, w: number];
}

/**
 * A fully convolutional net for inference: image [N, C, H, W] (C is the trunk's: 3, 1 for lenet) -> scores [N, classes, H, W] and labels i32 [N, H, W], the class of
 * the largest score. Parameters are `<layer>.weight` and `<layer>.bias` by the layers' names in the authors' prototxts. Score layers start at zero,
 * upsampling bilinear, the trunk at random: use `transplant` to start from a classifier. Throws ShapeError for unknown options and for images that
 * the padding does not suffice for.
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
  const trunk = trunkOf(options.trunk);
  checkOptions(trunk, options);
  switch (options.padding ?? "caffe") {
    case "caffe":
      return build(trunk, image, options, trunk.caffePadding);
    case "same":
      return build(trunk, image, options, "same");
    case "minimal":
      return buildMinimal(trunk, image, options);
  }
}

type BuildOptions = Parameters<typeof fcnLayers>[1];

function imageInput({ trunk, batch = 1, size }: SizedFcnOptions): Tensor {
  return input([batch, trunkOf(trunk).crop.channels, ...size]);
}

function checkOptions(trunk: Trunk, { variant, classes, width = 1, padding = "caffe", upsampling = "frozen" }: FcnOptions): void {
  const fail = (name: string, value: unknown, use: string): never => {
    throw new ShapeError(`fcn: ${name} is ${String(value)}: use ${use}`);
  };
  if (!Object.hasOwn(trunk.heads, variant)) fail("variant", variant, `${Object.keys(trunk.heads).join(", ")} on ${trunk.name}`);
  if (!Number.isInteger(classes) || classes < 1) fail("classes", classes, "an integer of at least 1");
  if (!(width > 0 && Number.isFinite(width))) fail("width", width, "a positive factor on the trunk's channels");
  if (!["caffe", "minimal", "same"].includes(padding)) fail("padding", padding, "caffe, minimal or same");
  if (!["frozen", "learned2x", "learned"].includes(upsampling)) fail("upsampling", upsampling, "frozen, learned2x or learned");
}

/** The smallest padding at which the scores cover the image: first by where they begin, then by whether they reach its end. */
function buildMinimal(trunk: Trunk, image: Tensor, options: BuildOptions): FcnLayers {
  // Padding moves the scores by as many pixels: what an ample padding crops away can be saved.
  const ample = amplePadding(trunk, image, options);
  const { layers } = build(trunk, image, options, ample);
  const upsampled = layers.get(trunk.heads[options.variant]!.upsampling)!;
  const least = Math.max(0, ample - Math.min(...cropOffset(upsampled, image, image)));
  for (let padding = least; ; padding++) {
    try {
      return build(trunk, image, options, padding);
    } catch (error) {
      if (padding >= ample || !(error instanceof ShapeError)) throw error;
    }
  }
}

/** A padding at which the net can be built: the authors' and a stride more, or as often twice that as it takes. */
function amplePadding(trunk: Trunk, image: Tensor, options: BuildOptions): number {
  const stride = trunk.layers.reduce((s, layer) => s * ("stride" in layer ? (layer.stride ?? 1) : 1), 1);
  for (let padding = trunk.caffePadding + stride; ; padding *= 2) {
    try {
      build(trunk, image, options, padding);
      return padding;
    } catch (error) {
      if (padding >= MOST_PADDING || !(error instanceof ShapeError)) throw error;
    }
  }
}

/** Beyond any receptive field: what does not fit then never will. */
const MOST_PADDING = 2 ** 14;

function build(trunk: Trunk, image: Tensor, options: BuildOptions, padding: number | "same"): FcnLayers {
  const { classes, upsampling = "frozen", width = 1, dropout = 0 } = options;
  const trunkLayers = convolutionalTrunk(trunk, image, { width, padding, dropout });
  const head = headLayers([{ layers: trunkLayers, suffix: "" }], trunk.heads[options.variant]!, image, {
    classes,
    upsampling,
    isSame: padding === "same",
  });
  const { scores } = head;
  return { scores, layers: new Map([...trunkLayers, ...head.layers]), params: topological([scores]).filter(isParam) };
}
