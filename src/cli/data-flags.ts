/** Options of the data set, as train and eval have them, and what is said of the set that they open. */
import { parse, resolve } from "node:path";
import { InvalidArgumentError, Option, type Command } from "commander";
import type { DataSet, DataSetOptions } from "../data/data-set.js";
import type { Format } from "../data/layouts.js";
import { LEAST_LABEL, MOST_LABEL } from "../data/label-map.js";
import { given, label, sizeOf } from "./options.js";

export interface DataFlags {
  readonly data: string;
  readonly format: Format | "auto";
  readonly size?: readonly [h: number, w: number];
  readonly labelSuffix?: string;
  readonly imageFolder?: string;
  readonly labelFolder?: string;
  readonly classList?: string;
  readonly labelVariable?: string;
  readonly ignore?: readonly number[];
  readonly firstLabel?: number;
  readonly exclude?: readonly string[];
  readonly byIndex: boolean;
}

export function addDataOptions(command: Command): Command {
  return command
    .requiredOption("--data <folder>", "the data set: VOC2012, SBD, labelme's, or images, labels and classes.txt")
    .addOption(
      new Option("--format <kind>", "of the folder").choices(["auto", "voc", "sbd", "labelme", "folder"]).default("auto"),
    )
    .addOption(new Option("--size <WxH>", "scale images to this size (default: as they are)").argParser(sizeOf))
    .option("--label-suffix <text>", "what the labels' names have behind the photos', as _labels")
    .option("--image-folder <path>", "where the photos lie in it, where not in the format's own folder (images)")
    .option("--label-folder <path>", "where the labels lie in it, where not in the format's own folder (labels)")
    .option("--class-list <file>", "names (and colours) of the classes, a line each, in place of the set's own list")
    .option(
      "--label-variable <name>",
      "of .mat labels, as S, or GTcls.Segmentation (default: the file's only numeric matrix, else the latter)",
    )
    .option(
      "--ignore <labels>",
      "the label that counts for nothing, several by commas, or none (default: the class list's void, else 255)",
      ignored,
    )
    .option("--first-label <label>", "of the first class in the files: 1 where 0 is void, with --ignore 0 (default: 0)", label)
    .option("--exclude <lists...>", "files of names to leave out of the set that is evaluated")
    .option("--by-index", "take classes that are called otherwise, or in another order, for the same by their index", false);
}

/** None at all of "none". */
function ignored(text: string): readonly number[] {
  if (text === "none") return [];
  const labels = text.split(",").map((part) => (part.trim() === "" ? NaN : Number(part)));
  if (!labels.every((value) => Number.isInteger(value) && value >= LEAST_LABEL && value <= MOST_LABEL))
    throw new InvalidArgumentError(`Use labels from ${LEAST_LABEL} to ${MOST_LABEL}, with commas between them, or none.`);
  return labels;
}

/** `exclude` is of the set that is evaluated alone. */
export function dataSetOptions(
  { format, size, labelSuffix, imageFolder, labelFolder, classList, labelVariable, ignore, firstLabel, exclude }: DataFlags,
  isEvaluated: boolean,
): Omit<DataSetOptions, "split"> {
  const folders = given({ images: imageFolder, labels: labelFolder });
  return {
    format,
    folders,
    ...given({ size, labelSuffix, classList, labelVariable, ignore, firstLabel }),
    ...(exclude && isEvaluated ? { exclude } : {}),
  };
}

/** "736 images of seg11valid", "no list: all 12 images", and how many were left out where some should be. */
export function titleOf(
  { list, length, excluded }: DataSet,
  { taken = length, excludes = false }: { readonly taken?: number; readonly excludes?: boolean } = {},
): string {
  const count = taken < length ? `the first ${taken} of ` : "";
  const all = length === 1 ? "1 image" : `${length} images`;
  const images = list === null ? `no list: ${count}all ${all}` : `${count}${all} of ${parse(list).name}`;
  // None is worth a word: lists of other names leave nothing out.
  return excludes ? `${images}, ${excluded} left out` : images;
}

/** A warning where photos that are trained on are evaluated too; of another folder by their names. Null where none is. */
export function warningOfShared(training: DataSet, validation: DataSet, isOtherFolder: boolean): string | null {
  const keyOf = ({ image }: DataSet["files"][number]): string => (isOtherFolder ? parse(image).name : resolve(image));
  const trained = new Set(training.files.map(keyOf));
  const shared = validation.files.filter((file) => trained.has(keyOf(file))).length;
  if (shared === 0) return null;
  const which = shared === validation.length ? `all ${shared}` : `${shared} of the ${validation.length}`;
  const are = isOtherFolder ? "are called as photos of the training set" : "are trained on";
  const without = training.list === null ? "" : `, or leave them out: --exclude ${training.list}`;
  return `warning: ${which} photos of the validation set ${are}: its figures do not say what the net does with new photos; split the set by lists (train.txt, val.txt)${without}`;
}
