/** Reference of src/kernels/sgd.ts: one step of Caffe's SGD on a parameter and its velocity, in place. */

export interface SgdHyper {
  readonly learningRate: number;
  readonly momentum: number;
  readonly weightDecay: number;
  /** 1, or 1 / n where `grad` is a sum over n batches. */
  readonly gradScale: number;
}

export function sgdStep(
  weight: Float64Array,
  velocity: Float64Array,
  grad: ArrayLike<number>,
  hyper: SgdHyper,
  multipliers: { readonly lrMult: number; readonly decayMult: number },
): void {
  for (let i = 0; i < weight.length; i++) {
    const g = grad[i]! * hyper.gradScale + hyper.weightDecay * multipliers.decayMult * weight[i]!;
    velocity[i] = hyper.momentum * velocity[i]! + hyper.learningRate * multipliers.lrMult * g;
    weight[i]! -= velocity[i]!;
  }
}
