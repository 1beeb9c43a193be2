/** Optimisers: pure descriptions; the trainer turns them into update kernels. */
import { InputError } from "../tensor/errors.js";

export interface Optimizer {
  readonly name: string;
}

/** Stochastic gradient descent with momentum by Caffe's rule (fcn.md 2.1): v = momentum v + lr (g + decay w), w -= v. */
export interface Sgd extends Optimizer {
  readonly name: "sgd";
  readonly learningRate: (step: number) => number;
  readonly momentum: number;
  readonly weightDecay: number;
  readonly accumulate: number;
}

/**
 * SGD with momentum and weight decay, Caffe's rule: the learning rate is inside the velocity. Each parameter's `lrMult` and
 * `decayMult` scale its own. `learningRate` may be a function of the step (0-based). `accumulate`: batches whose gradients are averaged into one
 * step (Caffe's iter_size). Throws InputError for values out of range.
 */
export function sgd(options: {
  learningRate: number | ((step: number) => number);
  momentum?: number;
  weightDecay?: number;
  accumulate?: number;
}): Optimizer {
  const { learningRate, momentum = 0, weightDecay = 0, accumulate = 1 } = options;
  const positive = (name: string, value: number, ok: boolean, expected: string): void => {
    if (!ok) throw new InputError(`sgd: ${name} is ${value}: use ${expected}`);
  };
  if (typeof learningRate === "number")
    positive("learningRate", learningRate, Number.isFinite(learningRate) && learningRate >= 0, "a finite number of at least 0");
  positive("momentum", momentum, momentum >= 0 && momentum < 1, "a number from 0 to below 1");
  positive("weightDecay", weightDecay, Number.isFinite(weightDecay) && weightDecay >= 0, "a finite number of at least 0");
  positive("accumulate", accumulate, Number.isInteger(accumulate) && accumulate >= 1, "an integer of at least 1");
  const optimizer: Sgd = {
    name: "sgd",
    learningRate: typeof learningRate === "number" ? () => learningRate : learningRate,
    momentum,
    weightDecay,
    accumulate,
  };
  return optimizer;
}

export function isSgd(optimizer: Optimizer): optimizer is Sgd {
  return optimizer.name === "sgd" && typeof (optimizer as Partial<Sgd>).learningRate === "function";
}
