/** `fcn train`: the paper's training over a data set in a folder, stage by stage; stopped by Ctrl-C, gone on with by the same command. */
import { join } from "node:path";
import { Command } from "commander";
import type { DataSet } from "../data/data-set.js";
import type { TrunkName } from "../fcn/trunks.js";
import { layerOf } from "../tensor/tensor.js";
import { medianFrequencyWeights } from "../training/class-weights.js";
import { formatEvaluation } from "../training/evaluate.js";
import type { StepEvent, TrainEvent } from "../training/events.js";
import type { TrainingNetOptions } from "../training/net.js";
import { checkOptions } from "../training/options.js";
import { trainFcn } from "../training/run.js";
import type { SampleSource } from "../training/sample.js";
import { stagesOf, type Stage } from "../training/stages.js";
import { dataSetOptions, titleOf, warningOfShared } from "./data-flags.js";
import { duration, UsageError, type Io } from "./io.js";
import { expectVariant, extrasOf, given } from "./options.js";
import { expectSameClasses } from "./same-classes.js";
import { addTrainOptions, type TrainFlags } from "./train-flags.js";
import { begunRun, startingWeights } from "./train-start.js";

export function trainCommand(io: Io): Command {
  const command = new Command("train")
    .summary("train a net on photos with labels")
    .description(
      "Trains as the paper does: stage by stage, each from the weights of the one before. Ctrl-C stops behind the step in progress, with a checkpoint; the same command goes on, to the same bits. In --out: the weights of each stage (STAGE.safetensors), the checkpoint, and log.jsonl, every event as a line of JSON.",
    );
  return addTrainOptions(command).action((flags: TrainFlags) => train(io, flags));
}

async function train(io: Io, flags: TrainFlags): Promise<void> {
  const { out, trunk } = flags;
  if (trunk === undefined)
    throw new UsageError("--trunk is missing: say which classifier the net is made from, as --trunk vgg16");
  for (const variant of flags.variants) expectVariant("--variants", trunk, variant);
  if (flags.steps.length !== 1 && flags.steps.length !== flags.variants.length)
    throw new UsageError(
      `--steps has ${flags.steps.length} numbers for ${flags.variants.length} stages: give one for each, or one for all`,
    );
  const { runFolder } = await import("../data/run-folder.js");
  using training = await trainingSet(flags);
  using validation = await validationSet(flags, training);
  const { precision, mirror, jitter, keepCells, seed, validateEvery, checkpointEvery, allow } = flags;
  const options = {
    precision,
    train: training,
    ...(validation ? { validation } : {}),
    ...given({ mirror, jitter, keepCells, seed, validateEvery, checkpointEvery, allow }),
  };
  const classes = training.classes.length;
  // What does not fit is found before weights are read and a GPU is opened.
  checkOptions({ ...options, stages: stagesOfFlags(flags, trunk, { classes }) });
  io.out(`training: ${titleOf(training)}`);
  if (validation) io.out(`validation: ${titleOf(validation, { excludes: flags.exclude !== undefined })}`);
  const warning = validation && warningOfShared(training, validation, flags.valData !== undefined);
  if (warning) io.err(warning);
  // A run that goes on has its weights in its checkpoint.
  const begun = await begunRun(out);
  const start =
    flags.weights === undefined || begun
      ? null
      : await startingWeights(io, flags.weights, {
          ...{ trunk, pixels: flags.pixels, byIndex: flags.byIndex, newScores: flags.newScores },
          classes: { of: flags.data, names: training.classes },
        });
  const pixels = flags.pixels ?? start?.pixels ?? begun?.pixels;
  const classWeights = await factorsOf(io, flags.classWeights, training);
  using gpu = await io.openGpu({ f16: precision !== "f32" });
  const events = trainFcn(gpu, {
    ...options,
    stages: stagesOfFlags(flags, trunk, { classes, ...given({ pixels, classWeights }) }),
    store: await runFolder(out),
    signal: io.signal,
    onProgress: ({ stage, done, total }) => io.status(`${stage}: ${done} of ${total}`),
    ...(start ? { weights: start.weights } : {}),
  });
  let note = "";
  for await (const event of events) {
    if (event.type === "validation") note = `val mean IU ${(100 * event.evaluation.meanIU).toFixed(1)}`;
    tell(io, event, note, out);
  }
}

async function trainingSet(flags: TrainFlags): Promise<DataSet> {
  const { openDataSet } = await import("../data/data-set.js");
  const { list } = flags;
  return openDataSet(flags.data, { ...dataSetOptions(flags, false), split: flags.trainSplit, ...given({ list }) });
}

/** Null where none is wanted. */
async function validationSet(flags: TrainFlags, training: DataSet): Promise<DataSet | null> {
  const { data, valData, valList: list, valSplit: split, byIndex } = flags;
  if (!flags.validation) {
    if (valData === undefined && list === undefined) return null;
    throw new UsageError("--no-validation leaves nothing to do for --val-data and --val-list: leave it out, or these");
  }
  const { openDataSet } = await import("../data/data-set.js");
  const options = { ...dataSetOptions(flags, true), split, ...given({ list }) };
  if (valData === undefined) return openDataSet(data, options);
  // Under the names of the other's list its classes would pass for these.
  const { classList: _, ...own } = options;
  const opened = await openDataSet(valData, { ...own, format: "auto" });
  expectSameClasses({ of: data, names: training.classes }, { of: valData, names: opened.classes }, { byIndex });
  return opened;
}

function stagesOfFlags(
  flags: TrainFlags,
  trunk: TrunkName,
  net: Pick<TrainingNetOptions, "classes" | "pixels" | "classWeights">,
): readonly Stage[] {
  const { variants, recipe, rateFactor, learningRate, momentum, weightDecay, accumulate, normalization, schedule } = flags;
  const { keepCells } = flags;
  return stagesOf({
    net: { trunk, ...net, ...extrasOf(flags), ...given({ frozenTrunk: flags.frozenTrunk, dropout: flags.dropout }) },
    variants,
    recipe,
    steps: flags.steps.length === 1 ? flags.steps[0]! : flags.steps,
    changes: given({ learningRate, momentum, weightDecay, accumulate, normalization, schedule }),
    ...given({ rateFactor, keepCells }),
  });
}

/** The factors on the classes' losses. Counting takes a pass over the labels, also where a run goes on. */
async function factorsOf(
  io: Io,
  asked: TrainFlags["classWeights"],
  training: SampleSource,
): Promise<readonly number[] | undefined> {
  if (asked !== "median") return asked;
  const onProgress = ({ stage, done, total }: { stage: string; done: number; total: number }): void =>
    io.status(`${stage}: ${done} of ${total} images`);
  const factors = await medianFrequencyWeights(training, { signal: io.signal, onProgress });
  io.out(`class weights: ${factors.map((factor, i) => `${training.classes[i]} ${factor.toPrecision(3)}`).join(", ")}`);
  return factors;
}

function tell(io: Io, event: TrainEvent, note: string, out: string): void {
  switch (event.type) {
    case "stage": {
      const { stage, index, of, step, steps: all, recipe, parameters, weights } = event;
      io.out(`stage ${index + 1} of ${of}, ${stage}: ${step > 0 ? `goes on at step ${step} of ${all}` : `${all} steps`}`);
      io.out(`  ${recipe}`);
      const started = weights
        ? `; ${weights.taken} tensors taken, ${weights.initialised.length} new${layersOf(weights.initialised)}, ${weights.dropped.length} dropped`
        : "";
      io.out(
        `  ${parameters.learnable.toLocaleString("en")} parameters learned, ${parameters.frozen.toLocaleString("en")} frozen${started}`,
      );
      return;
    }
    case "step":
      io.status(stepLine(event, note));
      return;
    case "validation":
      io.out(`${event.stage}, step ${event.step}\n${formatEvaluation(event.evaluation)}`);
      return;
    case "checkpoint":
      io.out(`${event.stage}, step ${event.step}: checkpoint ${join(out, event.file)}`);
      return;
    case "done":
      io.out(`done: ${join(out, `${event.stage}.safetensors`)}`);
      return;
    case "stopped":
      io.out(`stopped at step ${event.step} of ${event.stage}: the same command goes on`);
      return;
  }
}

const MOST_NAMED = 4;

/** " (score_fr, score_pool4)". */
function layersOf(parameters: readonly string[]): string {
  const layers = [...new Set(parameters.map(layerOf))];
  if (layers.length === 0) return "";
  return ` (${layers.slice(0, MOST_NAMED).join(", ")}${layers.length > MOST_NAMED ? ", ..." : ""})`;
}

function stepLine({ stage, step, steps: all, lossPerPixel, pixelsPerSecond, msLeft, skipped }: StepEvent, note: string): string {
  const loss = lossPerPixel === null ? "" : ` · loss ${lossPerPixel.toFixed(4)} a pixel`;
  return `${stage} ${step}/${all}${loss} · ${Math.round(pixelsPerSecond).toLocaleString("en")} pixels/s · ${duration(msLeft)} left${skipped ? ` · ${skipped} updates skipped` : ""}${note && ` · ${note}`}`;
}
