/** Reference of src/kernels/second.ts: the second outputs, computed by themselves. */
import { BIAS_SUM } from "../kernels/conv2d-weight-grad.js";
import type { MaxPoolTapsGradAttrs } from "../kernels/max-pool-taps.js";
import type { CrossEntropyAttrs } from "../kernels/pixel-loss.js";
import type { SecondAttrs } from "../kernels/second.js";
import type { TensorSpec } from "../tensor/shape.js";
import { crossEntropyGrad } from "./loss.js";
import { maxPool2dTaps } from "./max-pool.js";
import type { NdArray } from "./nd-array.js";
import { reduceSum } from "./reduce.js";

export function second([, ...inputs]: readonly NdArray[], { op, attrs }: SecondAttrs, output: TensorSpec): NdArray {
  switch (op) {
    case "maxPool2dTaps":
      return maxPool2dTaps(inputs, attrs as MaxPoolTapsGradAttrs, output);
    case "crossEntropyBoth":
      return crossEntropyGrad(inputs, attrs as CrossEntropyAttrs);
    case "conv2dWeightBiasGrad":
      return reduceSum([inputs[1]!], BIAS_SUM, output);
    default:
      throw new Error(`the reference has no second output of ${op}`);
  }
}
