/**
 * Loss scaling of mixed precision (Micikevicius et al., Mixed Precision Training, 2018): the loss is multiplied by a factor, so that gradients on
 * their way back are large enough for f16, and each parameter's gradient is divided by it again in the update. Where a gradient is infinite or NaN,
 * no parameter is updated and the factor falls; after many good steps it grows. All of it happens on the device: no step waits for the host.
 *
 * The state is a buffer `scaling` of four words: the factor (bits of an f32, which as a tensor is the loss's own gradient), good steps in a
 * row, steps skipped, and the flag of the step in progress. As in sgd.ts, these kernels work in place and are no ops of a graph.
 */
import { grid } from "./op.js";
import type { UpdateDispatch } from "./sgd.js";

export const SCALING_BYTES = 16;

/** How the factor changes. */
export interface ScalingRule {
  readonly growth: number;
  readonly backoff: number;
  readonly interval: number;
}

const LEAST = 2 ** -14;
const LARGEST = 2 ** 24;

/** Looks for infinity and NaN in so many f32. Buffers: grad, scaling. */
export function checkGradient(count: number): UpdateDispatch<"gradient-check.direct"> {
  return { shader: "gradient-check.direct", params: { count }, constants: {}, workgroups: grid(Math.ceil(count / 4)) };
}

/** Buffers: scaling. */
export function adjustScale(rule: ScalingRule): UpdateDispatch<"loss-scale.direct"> {
  return {
    shader: "loss-scale.direct",
    params: { ...rule, least: LEAST, largest: LARGEST },
    constants: {},
    workgroups: [1, 1, 1],
  };
}

/** As sgdUpdate, on scaled gradients. Buffers: grad, velocity, weight of `bytes`; hyper, scaling. */
export function scaledSgdUpdate(
  bytes: number,
  multipliers: { readonly lrMult: number; readonly decayMult: number },
): UpdateDispatch<"sgd.scaled"> {
  const count = Math.ceil(bytes / 16);
  return {
    shader: "sgd.scaled",
    params: { count, lr_mult: multipliers.lrMult, decay_mult: multipliers.decayMult },
    constants: {},
    workgroups: grid(count),
  };
}
