/** The net as it is trained: packed pixels and labels in, the loss of the recipe and the counts of the metrics out. */
import type { Pixels } from "../weights/pixels.js";
import { coordinateMap } from "../fcn/coordinate-map.js";
import { fcnLayers, type FcnOptions } from "../fcn/fcn.js";
import { pixelsOf } from "../fcn/segmenter.js";
import { trunkOf } from "../fcn/trunks.js";
import { graph, type Graph } from "../graph/graph.js";
import { rewrite } from "../graph/passes/rewrite.js";
import { scale } from "../kernels/elementwise.js";
import { argMax, confusionMatrix } from "../kernels/labels.js";
import { softmaxCrossEntropy } from "../kernels/loss.js";
import { InputError } from "../tensor/errors.js";
import { input, isParam, layerOf, type Tensor } from "../tensor/tensor.js";
import type { Recipe } from "./recipe.js";
import { VOID } from "./sample.js";
import type { CellGrid } from "./sampler.js";

export interface TrainingNetOptions extends FcnOptions {
  /** Probability of dropout where the classifier had it, 0 for none. Default "trunk": the trunk's own, 0.5, on googlenet 0.4. */
  readonly dropout?: number | "trunk";
  /** Train the score and upsampling layers alone, as the paper's FCN-32s-fixed. Default false. */
  readonly frozenTrunk?: boolean;
  /** What the weights take as pixels, where that is not what the trunk's own do: `PIXELS` of fcn-webgpu/weights. Weights that are trained so say it in their file. */
  readonly pixels?: Pixels;
  /** A factor on each class's loss; default none, as in the paper, which found balancing unnecessary. */
  readonly classWeights?: readonly number[];
}

/** Input `pixels`: u32 [N, H, W] of packed RGBA; `labels`: i32 [N, H, W], {@link VOID} where they do not count; `classWeights` where the options have them. */
export type TrainingInputs = { readonly pixels: Tensor; readonly labels: Tensor; readonly classWeights?: Tensor };
/** `loss`: the scalar to train on; `counts`: the confusion matrix i32 [classes, classes]; `prediction`: i32 [N, H, W]. */
export type TrainingOutputs = { readonly loss: Tensor; readonly counts: Tensor; readonly prediction: Tensor };

/** The graph of a stage, for images of `size`; the program takes any other. Throws ShapeError and InputError for options that do not fit. */
export function trainingNet(
  options: TrainingNetOptions,
  of: Pick<Recipe, "normalization" | "bias">,
  size: readonly [h: number, w: number],
): Graph<TrainingInputs, TrainingOutputs> {
  const { classes, classWeights, dropout = "trunk" } = options;
  if (classWeights && classWeights.length !== classes) {
    throw new InputError(
      `classWeights: ${classWeights.length} weights were given but the net has ${classes} classes: give one for each`,
    );
  }
  if (classes > VOID)
    throw new InputError(
      `training: ${classes} classes were asked for but labels are bytes and ${VOID} is void: use at most ${VOID}`,
    );
  const labelled = { pixels: input([1, ...size], "u32"), labels: input([1, ...size], "i32") };
  const inputs: TrainingInputs = classWeights ? { ...labelled, classWeights: input([classes]) } : labelled;
  return graph(inputs, ({ pixels, labels, classWeights: weights }) => {
    const image = pixelsOf(pixels, options);
    const layers = fcnLayers(image, { ...options, dropout });
    const frozen = new Set(options.frozenTrunk ? trunkOf(options.trunk).layers.map(({ name }) => name) : []);
    const [scores] = withMultipliers([layers.scores], frozen, of.bias) as [Tensor];
    const prediction = argMax(scores);
    const lossOf = (reduction: "sum" | "mean"): Tensor =>
      softmaxCrossEntropy(scores, labels, { ignoreIndex: VOID, reduction, classWeights: weights ?? null });
    const images = labels.shape[0]!;
    const losses = {
      sum: () => lossOf("sum"),
      "valid-mean": () => lossOf("mean"),
      batch: () => (images === 1 ? lossOf("sum") : scale(lossOf("sum"), 1 / images)),
    };
    return { loss: losses[of.normalization](), counts: confusionMatrix(labels, prediction, { classes }), prediction };
  });
}

/** The recipe's multipliers for biases, and rate 0 for the layers that are frozen. What the net itself freezes (bilinear layers) stays so. */
function withMultipliers(outputs: readonly Tensor[], frozen: ReadonlySet<string>, bias: Recipe["bias"]): readonly Tensor[] {
  return rewrite(outputs, (node) => {
    if (!isParam(node) || node.lrMult === 0) return node;
    if (frozen.has(layerOf(node.name))) return { ...node, lrMult: 0, decayMult: 0 };
    return node.name.endsWith(".bias") ? { ...node, ...bias } : node;
  });
}

/** The mean colour that is taken off the pixels, packed, opaque, to a byte: what becomes about zero. */
export function meanPixel({ trunk, pixels }: Pick<TrainingNetOptions, "trunk" | "pixels">): number {
  const { order, mean } = pixels ?? trunkOf(trunk).pixels;
  const [r, g, b] = (order === "rgb" ? mean : mean.toReversed()).map((v) => Math.min(255, Math.max(0, Math.round(v))));
  return (0xff000000 | (b! << 16) | (g! << 8) | r!) >>> 0;
}

/** Where the cells of the coarsest scores lie in an image of this size. */
export function cellGrid(options: FcnOptions, size: readonly [h: number, w: number]): CellGrid {
  const image = input([1, trunkOf(options.trunk).crop.channels, ...size]);
  const [rows, columns] = coordinateMap(fcnLayers(image, options).layers.get("score_fr")!, image);
  return { stride: [rows.stride, columns.stride], offset: [rows.offset, columns.offset] };
}
