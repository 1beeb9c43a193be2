/** `fcn eval`: the paper's metrics of a net over a labelled set. */
import { Command } from "commander";
import { evaluateFcn, formatEvaluation } from "../training/evaluate.js";
import type { Pixels } from "../weights/pixels.js";
import { addDataOptions, dataSetOptions, titleOf, type DataFlags } from "./data-flags.js";
import type { Io } from "./io.js";
import { addNetOptions, addPixelsOption, addPrecisionOption, given, netOf, positiveInteger, type NetFlags } from "./options.js";
import { expectSameClasses } from "./same-classes.js";
import { readWeightsFile } from "./weights-file.js";

interface EvalFlags extends DataFlags, Omit<NetFlags, "classes"> {
  readonly weights: string;
  readonly split: string;
  readonly list?: string;
  readonly images?: number;
  readonly json: boolean;
  readonly pixels?: Pixels;
  readonly precision: "f32" | "f16";
}

export function evalCommand(io: Io): Command {
  const command = new Command("eval")
    .summary("measure a net over a labelled set")
    .description(
      "Pixel accuracy, mean accuracy, mean IU and frequency weighted IU, and the IU of each class, as the paper's score.py counts them, over a split of a data set.",
    )
    .requiredOption("--weights <file>", "weights: .safetensors, .caffemodel, .onnx, or a manifest's .json");
  return addPrecisionOption(addPixelsOption(addNetOptions(addDataOptions(command), { classes: false })), "f16")
    .option("--split <name>", "the split to measure", "val")
    .option("--list <file>", "a file of names that replaces the split's own list, as seg11valid.txt")
    .option("--images <count>", "only the first so many", positiveInteger)
    .option("--json", "print the figures and the confusion matrix as JSON", false)
    .addHelpText(
      "after",
      `
Examples:
  fcn eval --data VOCdevkit/VOC2012 --list seg11valid.txt --weights fcn8s-heavy-pascal.caffemodel --trunk vgg16 --variant 8s
  fcn eval --data VOCdevkit/VOC2012 --exclude benchmark_RELEASE/dataset/train.txt --weights runs/voc/8s.safetensors
  fcn eval --data camvid --split test --weights runs/camvid/8s.safetensors
  fcn eval --data camvid --split val --size 160x120 --weights runs/camvid/8s.safetensors --json`,
    )
    .action((flags: EvalFlags) => evaluate(io, flags));
}

async function evaluate(io: Io, flags: EvalFlags): Promise<void> {
  const { data, weights: file, split, list, images, json, pixels: asked, precision, ...net } = flags;
  const { openDataSet } = await import("../data/data-set.js");
  using source = await openDataSet(data, { ...dataSetOptions(flags, true), split, ...given({ list }) });
  const { weights, facts } = await readWeightsFile(file, io);
  if (facts.labels) expectSameClasses({ of: file, names: facts.labels }, { of: data, names: source.classes }, flags);
  const options = netOf({ ...net, classes: facts.classes ?? source.classes.length }, facts);
  const pixels = asked ?? facts.pixels;
  using gpu = await io.openGpu({ f16: precision !== "f32" });
  const onProgress = ({ stage, done, total }: { stage: string; done: number; total: number }): void =>
    io.status(`${stage}: ${done} of ${total}`);
  const evaluation = await evaluateFcn(gpu, {
    net: { ...options, ...(pixels ? { pixels } : {}) },
    precision,
    weights,
    source,
    signal: io.signal,
    onProgress,
    ...given({ images }),
  });
  io.status("");
  const title = titleOf(source, { taken: evaluation.images, excludes: flags.exclude !== undefined });
  if (json && source.list === null) io.err(title);
  io.out(json ? JSON.stringify(evaluation) : `${title}\n${formatEvaluation(evaluation)}`);
}
