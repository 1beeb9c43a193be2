/** `fcn train`: the paper's training over a data set in a folder, stage by stage; stopped by Ctrl-C, gone on with by the same command. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Command, Option } from "commander";
import { trunkOf, type TrunkName } from "../fcn/trunks.js";
import type { Weights } from "../tensor/weights.js";
import { medianFrequencyWeights } from "../training/class-weights.js";
import { formatEvaluation } from "../training/evaluate.js";
import type { StepEvent, TrainEvent } from "../training/events.js";
import type { Recipe, RecipeName } from "../training/recipe.js";
import type { TrainingNetOptions } from "../training/net.js";
import { trainFcn } from "../training/run.js";
import type { SampleSource } from "../training/sample.js";
import { stagesOf, type Stage } from "../training/stages.js";
import { convertNames, nameTableOf } from "../weights/convert-names.js";
import { NAME_TABLES } from "../weights/name-tables.js";
import type { Pixels } from "../weights/pixels.js";
import { addDataOptions, dataSetOptions, type DataFlags } from "./data-flags.js";
import { duration, UsageError, type Io } from "./io.js";
import {
  addNetOptions,
  addPixelsOption,
  addPrecisionOption,
  classWeightsOf,
  commaList,
  extrasOf,
  positiveInteger,
  positiveNumber,
  wholeNumber,
  type NetFlags,
} from "./options.js";
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
  readonly classWeights?: readonly number[] | "median";
  readonly pixels?: Pixels;
  readonly precision: "f32" | "mixed";
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
    .option(
      "--allow <layers>",
      "layers that may start at random though the weights lack them, or be dropped though they hold them, by commas",
      commaList,
    );
  return addPrecisionOption(addPixelsOption(addNetOptions(withData, { variant: false, classes: false })), "mixed")
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
    .option("--dropout <probability>", "where the classifier had it (default: the trunk's own, 0.5, on googlenet 0.4)", Number)
    .option(
      "--class-weights <factors>",
      "a factor on the loss of each class, by commas in their order, or median: the median of their frequencies by the class's own",
      classWeightsOf,
    )
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
  // A run that goes on has its weights in its checkpoint.
  const begun = await begunRun(out);
  const start = flags.weights === undefined || begun ? null : await startingWeights(io, flags.weights, flags.trunk, flags.pixels);
  const weights = start?.weights;
  const pixels = flags.pixels ?? start?.pixels ?? begun?.pixels;
  const classWeights = await factorsOf(io, flags.classWeights, training);
  const stages = stagesOfFlags(flags, flags.trunk, { classes: training.classes.length, ...given({ pixels, classWeights }) });
  const { precision } = flags;
  using gpu = await io.openGpu({ f16: precision !== "f32" });
  const { mirror, jitter, keepCells, seed, validateEvery, checkpointEvery, allow } = flags;
  const events = trainFcn(gpu, {
    stages,
    precision,
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

function stagesOfFlags(
  flags: TrainFlags,
  trunk: TrunkName,
  net: Pick<TrainingNetOptions, "classes" | "pixels" | "classWeights">,
): readonly Stage[] {
  const { variants, recipe, rateFactor, learningRate, momentum, weightDecay, accumulate, normalization, schedule } = flags;
  return stagesOf({
    net: { trunk, ...net, ...extrasOf(flags), ...given({ frozenTrunk: flags.frozenTrunk, dropout: flags.dropout }) },
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

/** What a run that is there takes as pixels: its file of weights is not read again. Null where none is. */
async function begunRun(out: string): Promise<Pick<TrainingNetOptions, "pixels"> | null> {
  const text = await readFile(join(out, "run.json"), "utf8").catch(() => null);
  if (text === null) return null;
  try {
    const { settings } = JSON.parse(text) as { settings?: { stages?: readonly Stage[] } };
    return given({ pixels: settings?.stages?.[0]?.net.pixels });
  } catch {
    // The runner says what is wrong with it.
    return {};
  }
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

interface Start {
  readonly weights: Weights;
  /** What they take, where that is not what the trunk's own do. */
  readonly pixels?: Pixels;
}

/** Other libraries' names become ours, and their pixels the trunk's where not their own are asked for. */
async function startingWeights(io: Io, file: string, trunk: TrunkName, asked: Pixels | undefined): Promise<Start> {
  const { weights, facts } = await readWeightsFile(file, io);
  const table = nameTableOf(weights);
  if (table === null) return { weights, ...given({ pixels: facts.pixels }) };
  io.err(`${file}: names of ${table}`);
  const isSame = (a: Pixels, b: Pixels): boolean => JSON.stringify(a) === JSON.stringify(b);
  const keep = asked !== undefined && isSame(asked, NAME_TABLES[table].pixels);
  if (asked && !keep && !isSame(asked, trunkOf(trunk).pixels))
    throw new UsageError(`--pixels: weights of ${table} take other ones: leave the option out, or name what they take`);
  return { weights: convertNames(weights, table, keep ? { pixels: "own" } : {}).weights };
}

function tell(io: Io, event: TrainEvent, note: string, out: string): void {
  switch (event.type) {
    case "stage": {
      const { stage, index, of, step, steps: all, recipe, parameters, weights } = event;
      io.out(`stage ${index + 1} of ${of}, ${stage}: ${step > 0 ? `goes on at step ${step} of ${all}` : `${all} steps`}`);
      io.out(`  ${recipe}`);
      const started = weights
        ? `; ${weights.taken} tensors taken, ${weights.initialised.length} new, ${weights.dropped.length} dropped`
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

function stepLine({ stage, step, steps: all, lossPerPixel, pixelsPerSecond, msLeft, skipped }: StepEvent, note: string): string {
  const loss = lossPerPixel === null ? "" : ` · loss ${lossPerPixel.toFixed(4)} a pixel`;
  return `${stage} ${step}/${all}${loss} · ${Math.round(pixelsPerSecond).toLocaleString("en")} pixels/s · ${duration(msLeft)} left${skipped ? ` · ${skipped} updates skipped` : ""}${note && ` · ${note}`}`;
}
