/** The trunks as image classifiers: on the crop they were trained on, and convolutionalised on images of any size (paper section 3.1). */
import { graph, type Graph } from "../graph/graph.js";
import { conv2d } from "../kernels/conv2d.js";
import { softmaxCrossEntropy } from "../kernels/loss.js";
import { zeros } from "../tensor/init.js";
import { input, param, type Tensor } from "../tensor/tensor.js";
import { trunkOf, type TrunkName } from "./trunks.js";
import { classifierTrunk, convolutionalTrunk, fullyConnected, ownPadding } from "./trunk.js";

export interface ClassifierOptions {
  readonly trunk: TrunkName;
  /** Default: those that the trunk was trained on (LeNet 10, the others 1000). */
  readonly classes?: number;
  /** Factor on the channels of every layer but the last. Default 1. */
  readonly width?: number;
  /** Default 1. */
  readonly batch?: number;
  /** Dropout of the fully connected layers where the trunk has it. Default 0.5; 0 for none. */
  readonly dropout?: number;
}

/** The classification net: image [N, C, size, size] of the trunk's crop size -> scores [N, classes]. Parameters are called `<layer>.weight`, `<layer>.bias`. */
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
  const { classes = trunk.classification.classes, width = 1, dropout = 0.5 } = options;
  const top = last(classifierTrunk(trunk, image, { width, dropout }));
  return fullyConnected(trunk, trunk.classification.name, top, classes);
}

/**
 * The same net as convolutions, over an image of any size at least the crop's: scores [N, classes, h, w], on the crop itself [N, classes, 1, 1] and the
 * classifier's. Its weights are the classifier's, reshaped: `transplant(weights, graph)`.
 */
export function convolutionalClassifier(
  options: ClassifierOptions & { readonly size: readonly [h: number, w: number] },
): Graph<{ readonly image: Tensor }, { readonly scores: Tensor }> {
  const trunk = trunkOf(options.trunk);
  const { classes = trunk.classification.classes, width = 1, batch = 1, dropout = 0.5, size } = options;
  return graph({ image: input([batch, trunk.crop.channels, ...size]) }, ({ image }) => {
    const top = last(convolutionalTrunk(trunk, image, { width, dropout, padding: ownPadding(trunk) }));
    const { name } = trunk.classification;
    const weight = param(`${name}.weight`, [classes, top.shape[1]!, 1, 1], trunk.init());
    return { scores: conv2d(top, weight, param(`${name}.bias`, [classes], zeros(), trunk.bias)) };
  });
}

function last(layers: ReadonlyMap<string, Tensor>): Tensor {
  return [...layers.values()].at(-1)!;
}
