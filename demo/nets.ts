/** The nets of the demo, with what training and scoring need beside their scores. */
import { argMax, confusionMatrix, fcnLayers, graph, input, softmaxCrossEntropy, type Graph, type Tensor } from "../src/index.js";
import { CLASSES, type Size } from "./scenes.js";

type SceneInputs = { readonly image: Tensor; readonly labels: Tensor };
type SceneOutputs = { readonly scores: Tensor; readonly prediction: Tensor; readonly counts: Tensor; readonly loss: Tensor };

/** FCN-LeNet: the single stream at stride 4, or with the skip from pool1 at stride 2. */
export type Variant = "4s" | "2s";

/** image [N, 1, H, W], labels [N, H, W] -> scores, the labels they mean, the counts of the confusion matrix, and the mean loss a pixel. */
export function sceneNet(variant: Variant, width: number, batch: number, size: Size): Graph<SceneInputs, SceneOutputs> {
  return graph({ image: input([batch, 1, ...size]), labels: input([batch, ...size], "i32") }, ({ image, labels }) => {
    const { scores } = fcnLayers(image, { trunk: "lenet", variant, width, classes: CLASSES });
    const prediction = argMax(scores);
    return {
      scores,
      prediction,
      counts: confusionMatrix(labels, prediction, { classes: CLASSES }),
      loss: softmaxCrossEntropy(scores, labels),
    };
  });
}
