/** Training and evaluating the paper's nets: recipes, sampling, the runner, metrics. Platform-free; fcn-webgpu/data reads images in Node. */
export {
  checkRecipe,
  describeRecipe,
  effectiveLearningRate,
  learningRateAt,
  recipe,
  type EffectiveLearningRate,
  type LossNormalization,
  type Recipe,
  type RecipeName,
  type RecipeOptions,
} from "./recipe.js";
export { samplesOf, VOID, type Sample, type SampleSource } from "./sample.js";
export type { Augmentation } from "./sampler.js";
export { trainingNet, type TrainingInputs, type TrainingNetOptions, type TrainingOutputs } from "./net.js";
export {
  evaluateFcn,
  evaluateProgram,
  formatEvaluation,
  type ClassResult,
  type Counting,
  type EvaluateOptions,
  type Evaluation,
} from "./evaluate.js";
export { medianFrequencyWeights } from "./class-weights.js";
export { stagesOf, type Stage, type StagesOptions } from "./stages.js";
export { trainFcn, type TrainResult } from "./run.js";
export type { TrainFcnOptions } from "./options.js";
export type { CheckpointEvent, EndEvent, StageEvent, StepEvent, TrainEvent, ValidationEvent } from "./events.js";
export type { FailedLine, LogLine } from "./run-log.js";
export type { FileData, RunStore } from "./run-state.js";
