/** The paper's way to FCN-8s (section 4.2; fcn.md 2.2): train 32s, put its weights into 16s at a hundredth of the rate, then 8s at a hundredth of that. */
import { InputError } from "../tensor/errors.js";
import type { TrainingNetOptions } from "./net.js";
import { recipe, type Recipe, type RecipeName, type RecipeOptions } from "./recipe.js";

/** One net, trained by one recipe for so many steps; it starts from the weights of the stage before. */
export interface Stage {
  /** Names its files and its lines in the log: no two stages of a run share one. */
  readonly name: string;
  readonly net: TrainingNetOptions;
  readonly recipe: Recipe;
  readonly steps: number;
}

export interface StagesOptions extends Pick<RecipeOptions, "keepCells"> {
  /** The net but for its variant. */
  readonly net: Omit<TrainingNetOptions, "variant">;
  /** From the coarsest on: ["32s", "16s", "8s"], or one alone, as ["8s-at-once"]. */
  readonly variants: readonly string[];
  readonly recipe: RecipeName;
  /** Of each stage, or one for all. */
  readonly steps: number | readonly number[];
  /** What differs from the recipe; the learning rate is that of the first stage. */
  readonly changes?: Partial<Omit<Recipe, "name">>;
  /** Rate of a stage by that of the stage before. Default 0.01, the paper's. */
  readonly rateFactor?: number;
}

/**
 * The stages of one run. Throws InputError where the paper has no rate for the first net and none is given, and where variants and steps do not match.
 *
 * @example stagesOf({ net: { trunk: "vgg16", classes: 21 }, variants: ["32s", "16s", "8s"], recipe: "heavy", steps: 100_000 })
 */
export function stagesOf(options: StagesOptions): readonly Stage[] {
  const { net, variants, steps, changes = {}, rateFactor = 0.01, keepCells = 1 } = options;
  if (variants.length === 0) throw new InputError('stagesOf: variants is empty: give at least one, as ["32s"]');
  if (typeof steps !== "number" && steps.length !== variants.length)
    throw new InputError(
      `stagesOf: ${steps.length} numbers of steps were given for ${variants.length} variants: give one for each`,
    );
  const first = recipe(options.recipe, { trunk: net.trunk, variant: variants[0]!, keepCells, ...changes });
  return variants.map((variant, i) => ({
    name: variant,
    net: { ...net, variant },
    recipe: { ...first, learningRate: first.learningRate * rateFactor ** i },
    steps: typeof steps === "number" ? steps : steps[i]!,
  }));
}

/** Throws InputError naming what is wrong with the first stage that cannot be trained. */
export function checkStages(stages: readonly Stage[]): void {
  if (stages.length === 0) throw new InputError("trainFcn: stages is empty: give at least one (stagesOf makes them)");
  const seen = new Set<string>();
  for (const { name, steps, net } of stages) {
    if (!/^[\w.-]+$/.test(name))
      throw new InputError(
        `trainFcn: a stage is called ${JSON.stringify(name)}: use letters, digits, dots, dashes: files are called after it`,
      );
    if (seen.has(name)) throw new InputError(`trainFcn: two stages are called ${name}: their files would overwrite each other`);
    seen.add(name);
    if (!Number.isInteger(steps) || steps < 1)
      throw new InputError(`trainFcn: stage ${name} has ${steps} steps: use an integer of at least 1`);
    if (net.classes !== stages[0]!.net.classes) {
      throw new InputError(
        `trainFcn: stage ${name} has ${net.classes} classes but ${stages[0]!.name} has ${stages[0]!.net.classes}: all stages of a run share theirs`,
      );
    }
  }
}
