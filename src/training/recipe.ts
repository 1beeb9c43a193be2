/**
 * How the paper's nets are trained, as plain data (fcn.md 2.1). Two regimes:
 *
 *   accumulated   the paper, section 4.3: 20 images a step, momentum 0.9, the loss a mean over pixels
 *   heavy         the released models: one image a step, momentum 0.99, the loss a sum over pixels
 *
 * Both have weight decay 5e-4, biases at twice the rate and without decay, and a rate that stays as it is. A learning rate belongs to a normalisation: 1e-4
 * and 1e-10 are the two regimes' rates of one net, and each is useless in the other. So both lie in one object, and
 * `effectiveLearningRate` says what a rate comes to per pixel.
 */
import { InputError } from "../tensor/errors.js";
import type { Trunk } from "../fcn/trunk.js";
import type { TrunkName } from "../fcn/trunks.js";

/**
 * What the sum of the losses of an image's pixels is divided by: nothing ("sum"), the pixels that count ("valid-mean", at least one), or the images of a pass
 * ("batch", Caffe's `normalize: false`). The runner takes one image a pass, where "batch" is "sum" by Caffe's name.
 */
export type LossNormalization = "sum" | "valid-mean" | "batch";

export interface Recipe {
  readonly name: string;
  /** Of the weights. */
  readonly learningRate: number;
  readonly momentum: number;
  readonly weightDecay: number;
  /** Images a step: one after the other, their gradients averaged (Caffe's iter_size). */
  readonly accumulate: number;
  readonly normalization: LossNormalization;
  /** The paper's rate is fixed; "poly" takes it to zero, (1 - step / steps)^0.9. */
  readonly schedule: "fixed" | "poly";
  /** Factors on the rate and the decay of every bias. */
  readonly bias: { readonly lrMult: number; readonly decayMult: number };
}

const COMMON = { weightDecay: 5e-4, schedule: "fixed", bias: { lrMult: 2, decayMult: 0 } } as const;

/** By line search over the paper's nets (4.3); VGG19's is VGG16's, which the paper found equal. */
const ACCUMULATED_RATES: Readonly<Record<string, number>> = {
  alexnet: 1e-3,
  "alexnet-bvlc": 1e-3,
  vgg16: 1e-4,
  vgg19: 1e-4,
  googlenet: 5e-5,
};

/** Images a step (4.3). */
const BATCH = 20;

/** solver.prototxt of voc-fcn32s, 16s, 8s and 8s-atonce. */
const HEAVY_RATES: Readonly<Record<string, number>> = { "32s": 1e-10, "16s": 1e-12, "8s": 1e-14, "8s-at-once": 1e-10 };

export type RecipeName = "accumulated" | "heavy";

export interface RecipeOptions extends Partial<Omit<Recipe, "name">> {
  readonly trunk: TrunkName | Trunk;
  readonly variant: string;
  /**
   * Loss sampling, as `trainFcn` is told: each cell of the coarsest scores counts with this probability p. Then the accumulated recipe takes 20 / p images a step, rounded,
   * so that as many pixels count as without (paper, 3.4). Not where `accumulate` is said, and not in the heavy recipe, which has no batch to keep. Default 1.
   */
  readonly keepCells?: number;
}

/**
 * The paper's recipe for a net, with anything else that is said. `trunk` decides the accumulated rate, `variant` the heavy one. Throws InputError where the
 * paper has no rate for the net and none is given, and for values out of range.
 *
 * @example recipe("heavy", { trunk: "vgg16", variant: "32s" })                       // learning rate 1e-10 on the sum over pixels
 * @example recipe("accumulated", { trunk: "vgg16", variant: "32s", accumulate: 1, learningRate: 1e-3 })
 */
export function recipe(name: RecipeName, options: RecipeOptions): Recipe {
  const { trunk: named, variant, keepCells = 1, ...changes } = options;
  checkKeepCells("recipe", keepCells);
  const trunk = typeof named === "string" ? named : named.name;
  if (name !== "accumulated" && name !== "heavy")
    throw new InputError(`recipe: there is no recipe ${String(name)}: use "accumulated" or "heavy"`);
  const rate = changes.learningRate ?? (name === "accumulated" ? ACCUMULATED_RATES[trunk] : heavyRate(trunk, variant));
  if (rate === undefined) {
    throw new InputError(
      `recipe: the paper has no learning rate for ${name} training of ${trunk} ${variant}: give learningRate (it knows ${name === "accumulated" ? Object.keys(ACCUMULATED_RATES).join(", ") : `${Object.keys(HEAVY_RATES).join(", ")} on vgg16`})`,
    );
  }
  const regime =
    name === "accumulated"
      ? ({ momentum: 0.9, accumulate: Math.round(BATCH / keepCells), normalization: "valid-mean" } as const)
      : ({ momentum: 0.99, accumulate: 1, normalization: "sum" } as const);
  return checkRecipe({ name, ...COMMON, ...regime, ...changes, learningRate: rate });
}

function heavyRate(trunk: string, variant: string): number | undefined {
  return trunk === "vgg16" ? HEAVY_RATES[variant] : undefined;
}

/** Throws InputError, for whom it is asked, where it is no share. */
export function checkKeepCells(whose: string, keepCells: number): void {
  if (!(keepCells > 0 && keepCells <= 1))
    throw new InputError(`${whose}: keepCells is ${keepCells}: use a probability above 0 and at most 1`);
}

/** Throws InputError naming the first value that is out of range. */
export function checkRecipe(checked: Recipe): Recipe {
  const fail = (name: Exclude<keyof Recipe, "bias">, use: string): never => {
    throw new InputError(`recipe: ${name} is ${checked[name]}: use ${use}`);
  };
  const { learningRate, momentum, weightDecay, accumulate, normalization, schedule } = checked;
  if (!(learningRate >= 0 && Number.isFinite(learningRate))) fail("learningRate", "a finite number of at least 0");
  if (!(momentum >= 0 && momentum < 1)) fail("momentum", "a number from 0 to below 1");
  if (!(weightDecay >= 0 && Number.isFinite(weightDecay))) fail("weightDecay", "a finite number of at least 0");
  if (!Number.isInteger(accumulate) || accumulate < 1) fail("accumulate", "an integer of at least 1");
  if (!["sum", "valid-mean", "batch"].includes(normalization)) fail("normalization", '"sum", "valid-mean" or "batch"');
  if (!["fixed", "poly"].includes(schedule)) fail("schedule", '"fixed" or "poly"');
  return checked;
}

/** The rate of a step, counted from 0. */
export function learningRateAt({ learningRate, schedule }: Recipe, step: number, steps: number): number {
  return schedule === "fixed" ? learningRate : learningRate * Math.max(0, 1 - step / steps) ** 0.9;
}

export interface EffectiveLearningRate {
  /** Of the gradient of one pixel's loss, in the step that sees it. */
  readonly perPixel: number;
  /** The same over all later steps, through which momentum carries it: perPixel / (1 - momentum). */
  readonly withMomentum: number;
  /** The rate on the mean over one image's pixels that comes to the same in a step of that image alone. */
  readonly onMean: number;
  /** Weight decay over the pixels it is weighed against: on a sum it is next to nothing (fcn.md 2.1). */
  readonly decayOnMean: number;
}

/**
 * What a recipe's rate comes to for images of so many pixels that count, of which loss sampling keeps the share `keepCells` on average: rates of different normalisations
 * are only comparable so.
 */
export function effectiveLearningRate(of: Recipe, validPixels: number, keepCells = 1): EffectiveLearningRate {
  const kept = validPixels * keepCells;
  const divisor = of.normalization === "valid-mean" ? Math.max(1, kept) : 1;
  const perPixel = of.learningRate / divisor / of.accumulate;
  return {
    perPixel,
    withMomentum: perPixel / (1 - of.momentum),
    onMean: perPixel * kept,
    decayOnMean: (of.weightDecay * divisor) / Math.max(1, kept),
  };
}

/** One sentence of both, for logs. */
export function describeRecipe(of: Recipe, validPixels: number, keepCells = 1): string {
  const { perPixel, withMomentum, onMean, decayOnMean } = effectiveLearningRate(of, validPixels, keepCells);
  const images = of.accumulate === 1 ? "1 image" : `${of.accumulate} images`;
  const sampled = keepCells < 1 ? ` (each coarse cell of them with probability ${keepCells})` : "";
  const number = (value: number): string => String(Number(value.toPrecision(3)));
  return (
    `${of.name}: learning rate ${number(of.learningRate)} on ${NORMALIZED[of.normalization]}, ${images} a step${sampled}, momentum ${of.momentum}, weight decay ${of.weightDecay}; ` +
    `per pixel of an image with ${Math.round(validPixels * keepCells)} that count: ${number(perPixel)}, with momentum ${number(withMomentum)} ` +
    `(a rate of ${number(onMean)} on the mean of one image, decay ${number(decayOnMean)})`
  );
}

const NORMALIZED: Readonly<Record<LossNormalization, string>> = {
  sum: "the sum over pixels",
  "valid-mean": "the mean over the pixels that count",
  batch: "the sum over pixels by images",
};
