/** Mistakes of the caller. Every message names the op or argument, both values, and the remedy (docs/architecture.md, errors). */

/** Shapes, dtypes or attributes that do not fit together. Thrown while the graph is built. */
export class ShapeError extends Error {
  override readonly name = "ShapeError";
}

/** Weights that do not fit the graph: missing, of another shape, or not finite. */
export class WeightsError extends Error {
  override readonly name = "WeightsError";
}

/** Data handed to a program that it cannot take: missing, extra, of a wrong length, or with values out of range. */
export class InputError extends Error {
  override readonly name = "InputError";
}

/** A kernel variant that was asked for by name, by a checkpoint, and does not apply on this device or is not known to this version. */
export class VariantError extends Error {
  override readonly name = "VariantError";
}

/** Where a training step first met an infinity or a NaN. */
export interface Divergence {
  /** 1-based, of the program's life; the weights are those of the step before. */
  readonly step: number;
  /** A layer's output, the gradient that arrives at it, a parameter's value or gradient; "loss" where only the loss shows it. */
  readonly part: "input" | "weight" | "activation" | "gradient" | "loss";
  /** The layer or parameter by name. */
  readonly tensor: string;
  /** Elements that are infinite or NaN, of how many. */
  readonly elements: number;
  readonly of: number;
}

/** Training met an infinity or a NaN, and stopped before it reached the weights. */
export class DivergedError extends Error {
  override readonly name = "DivergedError";

  constructor(
    readonly where: Divergence,
    learningRate: number,
    /** In mixed precision: the steps in a row, up to this one, that left the weights as they were. */
    skipped?: number,
  ) {
    const { step, part, tensor, elements, of } = where;
    const what = { input: "input", weight: "parameter", activation: "output of", gradient: "gradient of", loss: "output" }[part];
    super(
      `train: step ${step} is not finite, first in the ${what} ${tensor} (${elements} of ${of} values are infinite or NaN): the weights are still those of step ${step - (skipped ?? 1)}${skipped === undefined ? "" : `, for ${skipped} steps in a row were left out and no smaller loss scale helps`}; lower the learning rate (${learningRate}), or look at the step's images`,
    );
  }
}
