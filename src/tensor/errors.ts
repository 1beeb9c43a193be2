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
