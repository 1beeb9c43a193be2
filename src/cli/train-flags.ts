/** The options of `fcn train`. */
import { Option, type Command } from "commander";
import type { Recipe, RecipeName } from "../training/recipe.js";
import type { Pixels } from "../weights/pixels.js";
import { addDataOptions, type DataFlags } from "./data-flags.js";
import {
  addNetOptions,
  addPixelsOption,
  addPrecisionOption,
  classWeightsOf,
  commaList,
  numberFrom0,
  positiveInteger,
  positiveNumber,
  shareAbove0,
  shareBelow1,
  wholeNumber,
  type NetFlags,
} from "./options.js";

export interface TrainFlags extends DataFlags, Omit<NetFlags, "variant" | "classes"> {
  readonly out: string;
  readonly variants: readonly string[];
  readonly steps: readonly number[];
  readonly recipe: RecipeName;
  readonly weights?: string;
  readonly newScores: boolean;
  readonly allow?: readonly string[];
  readonly trainSplit: string;
  readonly list?: string;
  readonly valData?: string;
  readonly valSplit: string;
  readonly valList?: string;
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

export function addTrainOptions(command: Command): Command {
  command
    .requiredOption("--out <folder>", "where the run is kept; made where it is not there")
    .requiredOption("--variants <names>", "the stages by their nets, coarse to fine, by commas: 32s,16s,8s", commaList)
    .requiredOption("--steps <counts>", "steps of each stage by commas, or one number for all", steps);
  const withData = addDataOptions(command)
    .option("--train-split <name>", "the split to train on", "train")
    .option("--list <file>", "a file of names to train on, in place of the split's own list")
    .option("--val-data <folder>", "the data set to validate on, whose format is found by itself (default: that of --data)")
    .option("--val-split <name>", "the split to validate on", "val")
    .option("--val-list <file>", "a file of names to validate on, in place of the split's own list, as seg11valid.txt")
    .option("--no-validation", "do not validate")
    .option("--weights <file>", "what the first stage starts from: a classifier's weights, or a net's (default: random weights)")
    .option(
      "--new-scores",
      "start its score layers anew where the weights are a net's: for other classes, as many as these",
      false,
    )
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
    .option("--momentum <value>", "(default: the recipe's)", shareBelow1)
    .option("--weight-decay <value>", "(default: 5e-4)", numberFrom0)
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
    .option(
      "--dropout <probability>",
      "where the classifier had it (default: the trunk's own, 0.5, on googlenet 0.4)",
      shareBelow1,
    )
    .option(
      "--class-weights <factors>",
      "a factor on the loss of each class, by commas in their order, or median: the median of their frequencies by the class's own",
      classWeightsOf,
    )
    .option("--mirror", "mirror half of the images")
    .option("--jitter <pixels>", "move images by up to so many pixels", wholeNumber)
    .option(
      "--keep-cells <probability>",
      "loss sampling: each coarse cell counts with this probability; of the accumulated recipe's images a step there are as many more (unless --accumulate says)",
      shareAbove0,
    )
    .option("--seed <number>", "of draws, dropout and new weights (default: 1337)", wholeNumber)
    .option("--validate-every <steps>", "besides the end of each stage", positiveInteger)
    .option("--checkpoint-every <steps>", "besides the end of each stage and Ctrl-C (default: 1000)", positiveInteger)
    .addHelpText(
      "after",
      `
Examples:
  fcn train --data benchmark_RELEASE --val-data VOCdevkit/VOC2012 --val-list seg11valid.txt \\
      --trunk vgg16 --variants 32s,16s,8s --steps 100000 --recipe heavy \\
      --weights VGG_ILSVRC_16_layers.caffemodel --out runs/voc
  fcn train --data nyud --image-folder data/images --label-folder segmentation --label-variable segmentation --class-list nyud-classes.txt \\
      --first-label 1 --ignore 0 --list nyud-train.txt --val-list nyud-val.txt --trunk vgg16 --variants 32s --steps 100000 --recipe heavy \\
      --weights vgg16.safetensors --out runs/nyud
  fcn train --data camvid --trunk vgg16 --variants 8s --steps 4000 --weights runs/voc/8s.safetensors --out runs/camvid-from-voc
  fcn train --data camvid --size 160x120 --trunk squeezenet --padding minimal --variants 16s,8s,4s --steps 3500,2000,2000 \\
      --accumulate 1 --learning-rate 1e-3 --rate-factor 0.3 --mirror --jitter 8 --weights squeezenet1_1.json --out runs/camvid`,
    );
}

function steps(text: string): readonly number[] {
  return commaList(text).map(positiveInteger);
}
