/**
 * The paper's four metrics (section 5; fcn.md 3) from a confusion matrix `counts`, row-major [K, K], row = true class, column =
 * predicted class, accumulated over the whole set. Classes are treated as in the authors' score.py: the means run over the classes
 * for which a value is defined, so a class that is neither in the truth nor predicted counts for nothing, while one that is only
 * predicted has IU 0.
 */

export interface SegmentationMetrics {
  readonly pixelAccuracy: number;
  readonly meanAccuracy: number;
  readonly meanIU: number;
  readonly frequencyWeightedIU: number;
}

/** All four. NaN where no pixel was counted. */
export function segmentationMetrics(counts: ArrayLike<number>): SegmentationMetrics {
  return {
    pixelAccuracy: pixelAccuracy(counts),
    meanAccuracy: meanAccuracy(counts),
    meanIU: meanIU(counts),
    frequencyWeightedIU: frequencyWeightedIU(counts),
  };
}

/** sum_i n_ii / sum_i t_i */
function pixelAccuracy(counts: ArrayLike<number>): number {
  const classes = tally(counts);
  return total(classes.map((c) => c.correct)) / total(classes.map((c) => c.truth));
}

/** Mean over the classes that occur of n_ii / t_i. */
function meanAccuracy(counts: ArrayLike<number>): number {
  return meanOfDefined(tally(counts).map((c) => c.correct / c.truth));
}

/** Mean over the classes that occur or are predicted of n_ii / (t_i + sum_j n_ji - n_ii). */
function meanIU(counts: ArrayLike<number>): number {
  return meanOfDefined(classIU(counts));
}

/** sum_i t_i IU_i / sum_i t_i, over the classes that occur. */
function frequencyWeightedIU(counts: ArrayLike<number>): number {
  const classes = tally(counts);
  const iu = classIU(counts);
  return total(classes.map((c, i) => (c.truth > 0 ? c.truth * iu[i]! : 0))) / total(classes.map((c) => c.truth));
}

/** Intersection over union of each class; NaN for a class that is neither in the truth nor predicted. */
export function classIU(counts: ArrayLike<number>): number[] {
  return tally(counts).map((c) => c.correct / (c.truth + c.predicted - c.correct));
}

interface Tally {
  /** n_ii */
  readonly correct: number;
  /** t_i: pixels of the class. */
  readonly truth: number;
  /** Pixels predicted as the class. */
  readonly predicted: number;
}

function tally(counts: ArrayLike<number>): Tally[] {
  const classes = Math.sqrt(counts.length);
  if (!Number.isInteger(classes))
    throw new RangeError(`metrics: a confusion matrix of ${counts.length} counts is not square: give K x K counts`);
  return Array.from({ length: classes }, (_, i) => {
    let truth = 0;
    let predicted = 0;
    for (let j = 0; j < classes; j++) {
      truth += counts[i * classes + j]!;
      predicted += counts[j * classes + i]!;
    }
    return { correct: counts[i * classes + i]!, truth, predicted };
  });
}

function total(values: readonly number[]): number {
  return values.reduce((sum, v) => sum + v, 0);
}

/** numpy's nanmean: NaN where nothing is defined. */
function meanOfDefined(values: readonly number[]): number {
  const defined = values.filter((v) => !Number.isNaN(v));
  return total(defined) / defined.length;
}
