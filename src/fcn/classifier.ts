/** The trunks as image classifiers: on the crop they were trained on, and convolutionalised on images of any size (paper section 3.1). */
import { graph, type Graph } from "../graph/graph.js";
import { softmaxCrossEntropy } from "../kernels/loss.js";
import { flatten } from "../kernels/reshape.js";
import { ShapeError } from "../tensor/errors.js";
import { input, type Tensor } from "../tensor/tensor.js";
import { convolutionalize } from "./convolutionalize.js";
import type { GlobalPool } from "./sliding.js";
import { classificationLayer, type Trunk } from "./trunk.js";
import { classifierTrunk } from "./trunk-layers.js";
import { trunkOf, type TrunkName } from "./trunks.js";

export interface ClassifierOptions {
  /** A trunk by name, or a table of one's own with a classification layer. */
  readonly trunk: TrunkName | Trunk;
  /** Default: those that the trunk was trained on (LeNet 10, the others 1000). */
  readonly classes?: number;
  /** Factor on the channels of every layer but the last. Default 1. */
  readonly width?: number;
  /** Default 1. */
  readonly batch?: number;
  /** Probability of dropout where the trunk has it, 0 for none. Default "trunk": the trunk's own, 0.5, on googlenet 0.4. */
  readonly dropout?: number | "trunk";
}

/**
 * The classification net: image [N, C, size, size] of the trunk's crop size -> scores [N, classes]. Parameters are called `<layer>.weight`,
 * `<layer>.bias`.
 */
export function classifier(options: ClassifierOptions): Graph<{ readonly image: Tensor }, { readonly scores: Tensor }> {
  return graph({ image: cropInput(options) }, ({ image }) => ({ scores: classifierScores(image, options) }));
}

/** The same net with labels i32 [N] and `loss`, the mean cross entropy, to train on. */
export function classifierTraining(
  options: ClassifierOptions,
): Graph<{ readonly image: Tensor; readonly labels: Tensor }, { readonly scores: Tensor; readonly loss: Tensor }> {
  return graph({ image: cropInput(options), labels: input([options.batch ?? 1], "i32") }, ({ image, labels }) => {
    const scores = classifierScores(image, options);
    return { scores, loss: softmaxCrossEntropy(scores, labels) };
  });
}

function cropInput({ trunk, batch = 1 }: ClassifierOptions): Tensor {
  const { channels, size } = trunkOf(trunk).crop;
  return input([batch, channels, size, size]);
}

function classifierScores(image: Tensor, options: ClassifierOptions): Tensor {
  const trunk = trunkOf(options.trunk);
  const { width = 1, dropout = "trunk", classes = classesOf(trunk) } = options;
  const scores = [...classifierTrunk(trunk, image, { width, dropout, classes }).values()].at(-1)!;
  return scores.shape.length === 2 ? scores : flatten(scores);
}

function classesOf(trunk: Trunk): number {
  const layer = classificationLayer(trunk);
  if (!layer)
    throw new ShapeError(
      `classifier: trunk ${trunk.name} has no classification layer: add one to its table and to classifierOnly`,
    );
  return layer.channels;
}

/**
 * The same net as convolutions, over an image of any size at least the crop's: scores [N, classes, h, w], on the crop itself [N, classes, 1, 1]
 * and the classifier's. Its weights are the classifier's, reshaped: `transplant(weights, graph)`. `globalPool` as for {@link convolutionalize}:
 * "slide" by default.
 */
export function convolutionalClassifier(
  options: ClassifierOptions & { readonly size: readonly [h: number, w: number]; readonly globalPool?: GlobalPool },
): Graph<{ readonly image: Tensor }, { readonly scores: Tensor }> {
  const { size, globalPool = "slide" } = options;
  return convolutionalize(classifier(options), { size, classification: "keep", globalPool }).graph;
}
