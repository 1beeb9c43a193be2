/**
 * SGD with momentum and weight decay by Caffe's rule (sgd_solver.cpp; fcn.md 2.1), in place:
 *
 *     g = grad * gradScale + weightDecay * decayMult * w
 *     v = momentum * v + learningRate * lrMult * g
 *     w = w - v
 *
 * The learning rate is inside v. What changes from step to step is read from the buffer `hyper`, f32 [4] in the order of
 * {@link HYPER}, so that no uniform is rewritten; gradScale is 1 / iter_size where gradients are accumulated. Not ops of a graph:
 * these are the kernels that write what they read (`velocity` and `weight`; `total`), so the training step binds their buffers by
 * name. Padding lanes stay zero, since all their terms are.
 */
import { grid, type Constants, type Params, type ShaderName } from "./op.js";

/** Elements of the buffer `hyper`, in order. */
export const HYPER = ["learningRate", "momentum", "weightDecay", "gradScale"] as const;

/**
 * What stands behind them, for {@link guard}: 1 where the updates are halted, else 0 (f32); the number of the current batch; the first one that was not
 * finite, or 2^32 - 1 (u32).
 */
export const GUARD_AT = { halted: 16, batch: 20, first: 24 } as const;

export const HYPER_BYTES = 32;

/** A dispatch whose buffers the caller binds by name. */
export interface UpdateDispatch<S extends ShaderName> {
  readonly shader: S;
  readonly params: Params<S>;
  readonly constants: Constants<S>;
  readonly workgroups: readonly [number, number, number];
}

/** One step of parameters that lie in a row and have the same multipliers. Buffers: grad, velocity, weight of `bytes`; hyper. */
export function sgdUpdate(
  bytes: number,
  multipliers: { readonly lrMult: number; readonly decayMult: number },
): UpdateDispatch<"sgd.direct"> {
  const count = Math.ceil(bytes / 16);
  return {
    shader: "sgd.direct",
    params: { count, lr_mult: multipliers.lrMult, decay_mult: multipliers.decayMult },
    constants: {},
    workgroups: grid(count),
  };
}

/** total += grad, for steps of more than one batch (Caffe's iter_size). Buffers: grad, total of `bytes`. */
export function accumulateGradient(bytes: number): UpdateDispatch<"accumulate.direct"> {
  const count = Math.ceil(bytes / 16);
  return { shader: "accumulate.direct", params: { count }, constants: {}, workgroups: grid(count) };
}

/** Halts all updates from here on where `count` elements of x are not all finite. Buffers: x; hyper. */
export function guard(count: number): UpdateDispatch<"guard.direct"> {
  return { shader: "guard.direct", params: { count }, constants: {}, workgroups: grid(count) };
}
