/** `fcn train`: the paper's training over a data set in a folder, stage by stage; stopped by Ctrl-C, gone on with by the same command. */
import { access } from "node:fs/promises";
import { join } from "node:path";
import { Command, Option } from "commander";
import type { Weights } from "../tensor/weights.js";
import { formatEvaluation } from "../training/evaluate.js";
import type { StepEvent, TrainEvent } from "../training/events.js";
import type { Recipe, RecipeName } from "../training/recipe.js";
import { trainFcn } from "../training/run.js";
import { stagesOf, type Stage } from "../training/stages.js";
import { convertNames, nameTableOf } from "../weights/convert-names.js";
import { addDataOptions, dataSetOptions, refuseOtherPixels, type DataFlags } from "./data-flags.js";
import { duration, UsageError, type Io } from "./io.js";
import { addNetOptions, commaList, extrasOf, positiveInteger, positiveNumber, wholeNumber, type NetFlags } from "./options.js";
import { readWeightsFile } from "./weights-file.js";

interface TrainFlags extends DataFlags, Omit<NetFlags, "variant" | "classes"> {
  readonly out: string;
  readonly variants: readonly string[];
  readonly steps: readonly number[];
  readonly recipe: RecipeName;
  readonly weights?: string;
  readonly allow?: readonly string[];
  readonly trainSplit: string;
  readonly valSplit: string;
  readonly validation: boolean;
  readonly learningRate?: number;
  readonly rateFactor?: number;
  readonly momentum?: number;
  readonly weightDecay?: number;
  readonly accumulate?: number;
  readonly normalization?: Recipe["normalization"];
  readonly schedule?: Recipe["schedule"];
  readonly frozenTrunk?: boolean;
  readonly dropout?: number;
  readonly mirror?: boolean;
  readonly jitter?: number;
  readonly keepCells?: number;
  readonly seed?: number;
  readonly validateEvery?: number;
  readonly checkpointEvery?: number;
}

export function trainCommand(io: Io): Command {
  const command = new Command("train")
    .summary("train a net on photos with labels")
    .description(
      "Trains as the paper does: stage by stage, each from the weights of the one before. Ctrl-C stops behind the step in progress, with a checkpoint; the same command goes on, to the same bits. In --out: the weights of each stage (STAGE.safetensors), the checkpoint, and log.jsonl, every event as a line of JSON.",
    )
    .requiredOption("--out <folder>", "where the run is kept; made where it is not there")
    .requiredOption("--variants <names>", "the stages by their nets, coarse to fine, by commas: 32s,16s,8s", commaList)
    .requiredOption("--steps <counts>", "steps of each stage by commas, or one number for all", steps);
  const withData = addDataOptions(command)
    .option("--train-split <name>", "the split to train on", "train")
    .option("--val-split <name>", "the split to validate on", "val")
    .option("--no-validation", "do not validate")
    .option("--weights <file>", "what the first stage starts from: a classifier's weights, or a net's (default: random weights)")
    .option("--allow <layers>", "layers that may start at random though the weights lack them, by commas", commaList);
  return addNetOptions(withData, { variant: false, classes: false })
    .addOption(
      new Option("--recipe <name>", "the paper's 20 images a step, or the released models' one")
        .choices(["accumulated", "heavy"])
        .default("accumulated"),
    )
    .option("--learning-rate <rate>", "of the first stage (default: the paper's for the net, where it has one)", positiveNumber)
    .option("--rate-factor <factor>", "rate of a stage by that of the stage before (default: 0.01)", positiveNumber)
    .option("--momentum <value>", "(default: the recipe's)", Number)
    .option("--weight-decay <value>", "(default: 5e-4)", Number)
    .option("--accumulate <images>", "images a step (default: the recipe's)", positiveInteger)
    .addOption(
      new Option("--normalization <kind>", "what the loss is divided by (default: the recipe's)").choices([
        "sum",
        "valid-mean",
        "batch",
      ]),
    )
    .addOption(new Option("--schedule <kind>", "of the rate (default: fixed)").choices(["fixed", "poly"]))
    .option("--frozen-trunk", "train the score and upsampling layers alone")
    .option("--dropout <probability>", "where the classifier had it (default: 0.5)", Number)
    .option("--mirror", "mirror half of the images")
    .option("--jitter <pixels>", "move images by up to so many pixels", wholeNumber)
    .option("--keep-cells <probability>", "loss sampling: each coarse cell counts with this probability", positiveNumber)
    .option("--seed <number>", "of draws, dropout and new weights (default: 1337)", wholeNumber)
    .option("--validate-every <steps>", "besides the end of each stage", positiveInteger)
    .option("--checkpoint-every <steps>", "besides the end of each stage and Ctrl-C (default: 1000)", positiveInteger)
    .addHelpText(
      "after",
      `
Examples:
  fcn train --data VOCdevkit/VOC2012 --trunk vgg16 --variants 32s,16s,8s --steps 100000 --recipe heavy \\
      --weights VGG_ILSVRC_16_layers.caffemodel --out runs/voc
  fcn train --data camvid --size 160x120 --trunk squeezenet --padding minimal --variants 16s,8s,4s --steps 3500,2000,2000 \\
      --accumulate 1 --learning-rate 1e-3 --rate-factor 0.3 --mirror --jitter 8 --weights squeezenet1_1.json --out runs/camvid`,
    )
    .action((flags: TrainFlags) => train(io, flags));
}

function steps(text: string): readonly number[] {
  return commaList(text).map(positiveInteger);
}

async function train(io: Io, flags: TrainFlags): Promise<void> {
  const { data, out, trainSplit, valSplit, validation } = flags;
  if (flags.trunk === undefined)
    throw new UsageError("--trunk is missing: say which classifier the net is made from, as --trunk vgg16");
  if (flags.steps.length !== 1 && flags.steps.length !== flags.variants.length)
    throw new UsageError(
      `--steps has ${flags.steps.length} numbers for ${flags.variants.length} stages: give one for each, or one for all`,
    );
  const [{ openDataSet }, { runFolder }] = await Promise.all([import("../data/data-set.js"), import("../data/run-folder.js")]);
  using training = await openDataSet(data, { ...dataSetOptions(flags, false), split: trainSplit });
  using validated = validation ? await openDataSet(data, { ...dataSetOptions(flags, true), split: valSplit }) : null;
  const stages = stagesOfFlags(flags, flags.trunk, training.classes.length);
  // A run that goes on has its weights in its checkpoint.
  const isBegun = await access(join(out, "run.json")).then(
    () => true,
    () => false,
  );
  const weights = flags.weights === undefined || isBegun ? null : await startingWeights(io, flags.weights);
  using gpu = await io.openGpu();
  const { mirror, jitter, keepCells, seed, validateEvery, checkpointEvery, allow } = flags;
  const events = trainFcn(gpu, {
    stages,
    train: training,
    store: await runFolder(out),
    signal: io.signal,
    onProgress: ({ stage, done, total }) => io.status(`${stage}: ${done} of ${total}`),
    ...(validated ? { validation: validated } : {}),
    ...(weights ? { weights } : {}),
    ...(allow ? { allow } : {}),
    ...given({ mirror, jitter, keepCells, seed, validateEvery, checkpointEvery }),
  });
  let note = "";
  for await (const event of events) {
    if (event.type === "validation") note = `val mean IU ${(100 * event.evaluation.meanIU).toFixed(1)}`;
    tell(io, event, note, out);
  }
}

function stagesOfFlags(flags: TrainFlags, trunk: NonNullable<TrainFlags["trunk"]>, classes: number): readonly Stage[] {
  const { variants, recipe, rateFactor, learningRate, momentum, weightDecay, accumulate, normalization, schedule } = flags;
  return stagesOf({
    net: { trunk, classes, ...extrasOf(flags), ...given({ frozenTrunk: flags.frozenTrunk, dropout: flags.dropout }) },
    variants,
    recipe,
    steps: flags.steps.length === 1 ? flags.steps[0]! : flags.steps,
    changes: given({ learningRate, momentum, weightDecay, accumulate, normalization, schedule }),
    ...given({ rateFactor }),
  });
}

type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Without the options that were not given, so that defaults hold. */
function given<T extends object>(options: T): Given<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Given<T>;
}

async function startingWeights(io: Io, file: string): Promise<Weights> {
  const { weights, facts } = await readWeightsFile(file, io);
  refuseOtherPixels(file, facts);
  const table = nameTableOf(weights);
  if (table === null) return weights;
  io.err(`${file}: names of ${table}`);
  return convertNames(weights, table).weights;
}

function tell(io: Io, event: TrainEvent, note: string, out: string): void {
  switch (event.type) {
    case "stage": {
      const { stage, index, of, step, steps: all, recipe, parameters, weights } = event;
      io.out(`stage ${index + 1} of ${of}, ${stage}: ${step > 0 ? `goes on at step ${step} of ${all}` : `${all} steps`}`);
      io.out(`  ${recipe}`);
      const started = weights ? `; ${weights.taken} tensors taken, ${weights.initialised.length} new` : "";
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

function stepLine({ stage, step, steps: all, lossPerPixel, pixelsPerSecond, msLeft }: StepEvent, note: string): string {
  const loss = lossPerPixel === null ? "" : ` · loss ${lossPerPixel.toFixed(4)} a pixel`;
  return `${stage} ${step}/${all}${loss} · ${Math.round(pixelsPerSecond).toLocaleString("en")} pixels/s · ${duration(msLeft)} left${note && ` · ${note}`}`;
}
