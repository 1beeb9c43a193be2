/** The runner: stages one after the other, each from the weights of the one before; stopped and resumed at any step to the same bits. */
import { parameterCount } from "../fcn/fcn.js";
import type { ClassFacts } from "../fcn/legend.js";
import { netMetadata } from "../fcn/net-metadata.js";
import { transplant, type TransplantOptions } from "../fcn/surgery.js";
import type { Checkpoint, CheckpointFile, ResumeOptions } from "../graph/checkpoint.js";
import type { Gpu } from "../graph/gpu.js";
import type { Graph } from "../graph/graph.js";
import { sgd } from "../graph/optimizer.js";
import type { Program } from "../graph/program-interface.js";
import { InputError, WeightsError } from "../tensor/errors.js";
import type { Weights } from "../tensor/weights.js";
import { DECODED_AHEAD, evaluateProgram, firstSize, type Evaluation } from "./evaluate.js";
import { Pace, type CheckpointEvent, type StageEvent, type TrainEvent, type ValidationEvent } from "./events.js";
import { drawnBatches, type StepPixels } from "./batches.js";
import { checkOptions, DEFAULT_SEED, type TrainFcnOptions } from "./options.js";
import { trainingNet, type TrainingInputs, type TrainingOutputs } from "./net.js";
import { describeRecipe, learningRateAt } from "./recipe.js";
import { RunLog } from "./run-log.js";
import { KeptRun, writeWeights, type RunState, type RunStore } from "./run-state.js";
import { validPixels, type SampleSource } from "./sample.js";
import { settingsOf } from "./settings.js";
import type { Stage } from "./stages.js";

export interface TrainResult {
  readonly weights: Weights;
  /** The last of each stage, by its name; of the stages that ended in this call. */
  readonly evaluations: ReadonlyMap<string, Evaluation>;
  readonly stopped: boolean;
}

/**
 * Trains the paper's nets and tells how it goes; the loop is the caller's. Throws InputError for settings that do not fit or a sample that cannot be read,
 * WeightsError where the weights do not fit, DivergedError where the loss or a gradient is not finite.
 *
 * @example
 * for await (const event of trainFcn(gpu, { stages, train, validation, weights, store, signal })) if (event.type === "step") console.log(event.step, event.lossPerPixel);
 */
export async function* trainFcn(gpu: Gpu, options: TrainFcnOptions): AsyncGenerator<TrainEvent, TrainResult, void> {
  checkOptions(options);
  const settings = await settingsOf(options);
  const kept = options.store ? await KeptRun.open(options.store, settings) : null;
  const log = await RunLog.open(options.store);
  try {
    return yield* trainStages(gpu, options, kept, log);
  } catch (error) {
    await log.failed(error);
    throw error;
  }
}

/** What a stage starts with. */
type Carried = { readonly weights: Weights } | { readonly checkpoint: Checkpoint | CheckpointFile; readonly state: RunState };

async function* trainStages(
  gpu: Gpu,
  options: TrainFcnOptions,
  kept: KeptRun | null,
  log: RunLog,
): AsyncGenerator<TrainEvent, TrainResult, void> {
  const { stages, store, train, signal } = options;
  const evaluations = new Map<string, Evaluation>();
  const size = await firstSize(train);
  let carried: Carried | null = options.weights ? { weights: options.weights } : null;
  const state = kept?.state;
  if (state) carried = { checkpoint: await checkpointOf(store!, state), state };
  // Once they are on the GPU nobody needs them here, and they may be half a gigabyte.
  const handOver = (): Carried | null => {
    const taken = carried;
    carried = null;
    return taken;
  };
  for (let index = state?.stage ?? 0; ; index++) {
    const stage = stages[index]!;
    const graph = trainingNet(stage.net, stage.recipe, size);
    using program = await compile(gpu, graph, options, index);
    const begun = await begin(program, graph, handOver(), {
      seed: (options.seed ?? DEFAULT_SEED) + index,
      allow: index === 0 ? (options.allow ?? []) : true,
      reading: { signal, onProgress: options.onProgress },
    });
    const from = begun.step;
    yield await log.add({
      type: "stage",
      stage: stage.name,
      index,
      of: stages.length,
      step: from,
      steps: stage.steps,
      recipe: describeRecipe(stage.recipe, validPixels(await train.load(0)), options.keepCells),
      parameters: parameterCount(graph),
      ...begun.told,
    });
    let step = from;
    let validatedAt: number | null = null;
    for await (const event of trainStage({ program, stage, index, from, options, kept })) {
      if (event.type === "step") step = event.step;
      if (event.type === "validation") evaluations.set(stage.name, event.evaluation);
      if (event.type === "validation") validatedAt = event.step;
      yield await log.add(event);
    }
    const weights = await program.save();
    const stopped = step < stage.steps;
    if (!stopped && store)
      await writeWeights(store, `${stage.name}.safetensors`, weights, netMetadata({ ...stage.net, ...classFactsOf(train) }));
    const isLast = index === stages.length - 1;
    if (isLast || stopped || signal?.aborted) {
      // A signal that came during the last validation leaves that to do.
      const isDone = isLast && !stopped && (!options.validation || validatedAt === step);
      yield await log.add({ type: isDone ? "done" : "stopped", stage: stage.name, step });
      return { weights, evaluations, stopped: !isDone };
    }
    carried = { weights };
  }
}

/** As the weights' file keeps them: without the colour of void. */
function classFactsOf({ classes, colours }: SampleSource): ClassFacts {
  return { labels: classes, ...(colours ? { colours: colours.slice(0, classes.length) } : {}) };
}

type TrainingProgram = Program<TrainingInputs, TrainingOutputs>;

interface StageRun {
  readonly program: TrainingProgram;
  readonly stage: Stage;
  readonly index: number;
  /** Steps done before. */
  readonly from: number;
  readonly options: TrainFcnOptions;
  readonly kept: KeptRun | null;
}

/** Steps, validations and checkpoints of one stage, to its end or until it is stopped. */
async function* trainStage(run: StageRun): AsyncGenerator<TrainEvent, void, void> {
  const { program, stage, options, from } = run;
  const { validation, validateEvery = Infinity, checkpointEvery = 1000, lossEvery = 1, signal } = options;
  const { accumulate, momentum, weightDecay } = stage.recipe;
  const learningRate = (step: number): number => learningRateAt(stage.recipe, step, stage.steps);
  const seen: StepPixels[] = [];
  const batches = drawnBatches({
    ...options,
    seed: options.seed ?? DEFAULT_SEED,
    stage,
    firstDraw: from * accumulate,
    ahead: DECODED_AHEAD,
    seen,
  });
  const pace = new Pace();
  let [done, keptAt] = [from, from];
  let validated: number | null = null;
  if (from < stage.steps) {
    const optimizer = sgd({ learningRate, momentum, weightDecay, accumulate });
    const steps = program.train(batches, {
      loss: "loss",
      optimizer,
      steps: stage.steps - from,
      lossEvery,
      // Mixed precision leaves out updates that are not finite, halves the loss scale, and stops by itself where that is no use.
      checkFinite: options.precision !== "mixed",
      ...(signal ? { signal } : {}),
    });
    for await (const { step, loss, ms, skipped } of steps) {
      const of = seen.splice(0, accumulate);
      const [valid, pixels] = [of.reduce((n, s) => n + s.valid, 0), of.reduce((n, s) => n + s.pixels, 0)];
      pace.add(ms, pixels);
      done = step;
      yield {
        type: "step",
        stage: stage.name,
        step,
        steps: stage.steps,
        loss,
        lossPerPixel: loss === null ? null : perPixel(stage, loss, valid, of.length),
        learningRate: learningRate(step - 1),
        ...(skipped === undefined ? {} : { skipped }),
        ms,
        pixelsPerSecond: pace.pixelsPerSecond,
        msLeft: pace.msFor(stage.steps - step + laterSteps(options.stages, run.index)),
      };
      // The trainer ends by itself, when it has looked at what it did.
      if (signal?.aborted) continue;
      if (step % checkpointEvery === 0 && step < stage.steps) {
        const event = await keep(run, step);
        keptAt = step;
        if (event) yield event;
      }
      if (validation && step % validateEvery === 0) {
        const event = await validate(run, validation, step);
        if (!event) break;
        validated = step;
        yield event;
      }
    }
  }
  if (validation && done === stage.steps && validated !== done && !signal?.aborted) {
    const event = await validate(run, validation, done);
    if (event) yield event;
  }
  if (keptAt !== done || from === done) {
    const event = await keep(run, done);
    if (event) yield event;
  }
}

/** Null where the signal came meanwhile. */
async function validate(
  { program, stage, options }: StageRun,
  source: SampleSource,
  step: number,
): Promise<ValidationEvent | null> {
  const { signal, onProgress } = options;
  try {
    const told = { ...(signal ? { signal } : {}), ...(onProgress ? { onProgress } : {}) };
    return { type: "validation", stage: stage.name, step, evaluation: await evaluateProgram(program, source, told) };
  } catch (error) {
    if (signal?.aborted) return null;
    throw error;
  }
}

async function keep({ program, stage, index, kept }: StageRun, step: number): Promise<CheckpointEvent | null> {
  if (!kept) return null;
  const file = `${stage.name}-${String(step).padStart(8, "0")}.checkpoint.safetensors`;
  await kept.keep({ stage: index, step, checkpoint: file }, program.checkpointPieces());
  return { type: "checkpoint", stage: stage.name, step, file };
}

/** `loss` is the mean over the step's images of what the recipe minimises. */
function perPixel({ recipe }: Stage, loss: number, valid: number, images: number): number {
  return recipe.normalization === "valid-mean" ? loss : (loss * images) / Math.max(1, valid);
}

function laterSteps(stages: readonly Stage[], index: number): number {
  return stages.slice(index + 1).reduce((n, s) => n + s.steps, 0);
}

async function compile(
  gpu: Gpu,
  graph: Graph<TrainingInputs, TrainingOutputs>,
  { seed = DEFAULT_SEED, precision, onProgress, onWarning, planBudgetBytes, tune, signal }: TrainFcnOptions,
  index: number,
): Promise<TrainingProgram> {
  return gpu.compile(graph, {
    // Another seed for each stage: dropout draws by seed and step, and steps begin anew.
    seed: seed + index,
    ...(precision === undefined ? {} : { precision }),
    ...(planBudgetBytes === undefined ? {} : { planBudgetBytes }),
    ...(tune === undefined ? {} : { tune }),
    ...(onProgress ? { onProgress } : {}),
    ...(onWarning ? { onWarning } : {}),
    ...(signal ? { signal } : {}),
  });
}

/** Puts the weights in, or the state of a run that goes on. */
async function begin(
  program: TrainingProgram,
  graph: Graph<TrainingInputs, TrainingOutputs>,
  carried: Carried | null,
  { reading, ...surgery }: TransplantOptions & { readonly reading: ResumeOptions },
): Promise<{ readonly step: number; readonly told: Pick<StageEvent, "weights"> }> {
  if (carried && "checkpoint" in carried) {
    const { step, checkpoint: file } = carried.state;
    try {
      await program.resume(carried.checkpoint, reading);
    } catch (cause) {
      if (!(cause instanceof WeightsError)) throw cause;
      throw new WeightsError(`trainFcn: the run's checkpoint ${file}: ${cause.message}`, { cause });
    }
    return { step, told: {} };
  }
  if (!carried) return { step: 0, told: { weights: { taken: 0, initialised: graph.params.map((p) => p.name), dropped: [] } } };
  const { weights, report } = transplant(carried.weights, graph, surgery);
  await program.load(weights);
  const { matched, reshaped, initialised, dropped } = report;
  return { step: 0, told: { weights: { taken: matched.length + reshaped.length, initialised, dropped } } };
}

async function checkpointOf(store: RunStore, state: RunState): Promise<Checkpoint | CheckpointFile> {
  const file = store.open ? await store.open(state.checkpoint) : null;
  const bytes = store.open ? null : await store.read(state.checkpoint);
  if (file) return { file };
  if (!bytes)
    throw new InputError(
      `trainFcn: the run's checkpoint ${state.checkpoint} is missing: it was removed by something else; begin anew in another folder`,
    );
  return { bytes };
}
