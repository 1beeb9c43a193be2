/** How the tensors of a program lie in memory. What is computed is f32 in all of them. */
import type { GpuContext } from "../gpu/context.js";
import { GpuUnavailableError } from "../gpu/errors.js";
import { InputError } from "../tensor/errors.js";

/**
 * - `f32`: everything.
 * - `f16`, for inference: weights and activations take two bytes. Inputs, outputs, biases, scores on their way to a softmax, loss or labels, and
 *   long sums stay f32. Weights are rounded as they are loaded, so `save` gives them back rounded, and such a program does not train.
 * - `mixed`, for training: activations and the gradients on their way back take two bytes; weights, their gradients and the optimiser's state
 *   stay f32, and the loss is scaled so that small gradients do not vanish (`TrainOptions.lossScale`). `run` computes as a step's forward pass does.
 *
 * An f16 has 11 significant bits: a number is rounded by at most 2^-11 of itself, below 2^-14 by 2^-25; beyond 65504 it becomes infinite. Outputs
 * show that, unless a ReLU or a max pooling is behind: these drop the NaN that a difference of infinities is.
 */
export type Precision = "f32" | "f16" | "mixed";

const PRECISIONS: readonly Precision[] = ["f32", "f16", "mixed"];

/** Throws InputError for another name, GpuUnavailableError where the device was made without shader-f16. */
export function checkPrecision(gpu: GpuContext, precision: Precision): void {
  if (!PRECISIONS.includes(precision))
    throw new InputError(`compile: precision is ${String(precision)}: use "f32", "f16" or "mixed"`);
  if (precision !== "f32" && !gpu.device.features.has("shader-f16")) {
    throw new GpuUnavailableError(
      "limit",
      `compile: precision "${precision}" needs a device with shader-f16, which this one was opened without: use openGpu({ f16: true }), which says whether the adapter has it, or precision "f32"`,
    );
  }
}
