/** What a run is told, and what of it does not fit. */
import type { TransplantOptions } from "../fcn/surgery.js";
import type { CompileOptions } from "../graph/compile-options.js";
import { InputError } from "../tensor/errors.js";
import type { Weights } from "../tensor/weights.js";
import { checkKeepCells, checkRecipe } from "./recipe.js";
import type { RunStore } from "./run-state.js";
import type { SampleSource } from "./sample.js";
import type { Augmentation } from "./sampler.js";
import { checkStages, type Stage } from "./stages.js";

export interface TrainFcnOptions
  extends Augmentation, Pick<CompileOptions, "onProgress" | "onWarning" | "planBudgetBytes" | "tune"> {
  readonly stages: readonly Stage[];
  readonly train: SampleSource;
  readonly validation?: SampleSource;
  /** What the first stage starts from, a classifier's weights as a rule, by `transplant`. Without: from random weights, which the authors found infeasible. */
  readonly weights?: Weights;
  /** Layers that may start anew though the weights lack them, or be dropped though the weights hold them: see `transplant`. Only for these weights; between stages it is known what is new. */
  readonly allow?: TransplantOptions["allow"];
  /** "mixed" stores activations in two bytes and scales the loss (`Precision`; needs `openGpu({ f16: true })`). Default "f32". */
  readonly precision?: "f32" | "mixed";
  /** Of the draws, of dropout, of new weights. Default 1337, the reference's. */
  readonly seed?: number;
  /** Steps between validations; there is one at the end of each stage too. Default: none but those. */
  readonly validateEvery?: number;
  /** Steps between checkpoints; there is one at the end of each stage and when the run is stopped. Default 1000. */
  readonly checkpointEvery?: number;
  /** Where the run is kept: `run.json`, checkpoints, `<stage>.safetensors`, `log.jsonl`. A run that is there goes on. */
  readonly store?: RunStore;
  /** Read the loss back every so many steps. Default 1. */
  readonly lossEvery?: number;
  /** Ends the run after the step in progress, with a checkpoint. */
  readonly signal?: AbortSignal;
}

export const DEFAULT_SEED = 1337;

/** Throws InputError naming the first option that is out of range, or does not fit the others. */
export function checkOptions({
  stages,
  train,
  validation,
  validateEvery = 1,
  checkpointEvery = 1,
  jitter = 0,
  keepCells = 1,
  precision = "f32",
}: TrainFcnOptions): void {
  checkStages(stages);
  for (const stage of stages) checkRecipe(stage.recipe);
  const fail = (name: string, value: unknown, use: string): never => {
    throw new InputError(`trainFcn: ${name} is ${String(value)}: use ${use}`);
  };
  if (train.length === 0) throw new InputError("trainFcn: the training set is empty: check its list of names");
  if (train.names && train.names.length !== train.length)
    throw new InputError(
      `trainFcn: the training set has ${train.length} samples but ${train.names.length} names: give one for each, or none at all`,
    );
  for (const [name, set] of [["training", train] as const, ...(validation ? [["validation", validation] as const] : [])]) {
    const { classes } = stages[0]!.net;
    if (set.classes.length !== classes) {
      throw new InputError(
        `trainFcn: the ${name} set has ${set.classes.length} classes (${set.classes.join(", ")}) but the net has ${classes}: make them equal`,
      );
    }
  }
  for (const [name, value] of Object.entries({ validateEvery, checkpointEvery }))
    if (!Number.isInteger(value) || value < 1) fail(name, value, "an integer of at least 1");
  // From JavaScript: weights that are stored in two bytes do not train.
  if (!["f32", "mixed"].includes(precision)) fail("precision", precision, '"f32" or "mixed"');
  if (!Number.isInteger(jitter) || jitter < 0) fail("jitter", jitter, "an integer of at least 0 pixels");
  checkKeepCells("trainFcn", keepCells);
}
