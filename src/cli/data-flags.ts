/** Options of the data set, as train and eval have them, and what is said of the set that they open. */
import { parse, resolve } from "node:path";
import { InvalidArgumentError, Option, type Command } from "commander";
import type { DataSet, DataSetOptions } from "../data/data-set.js";
import type { Format } from "../data/layouts.js";
import { given, label, sizeOf } from "./options.js";

export interface DataFlags {
  readonly data: string;
  readonly format: Format | "auto";
  readonly size?: readonly [h: number, w: number];
  readonly labelSuffix?: string;
  readonly ignore?: number | "none";
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
    .option("--ignore <label>", "the label that counts for nothing, or none (default: the class list's void, else 255)", ignored)
    .option("--first-label <label>", "of the first class in the files: 1 where 0 is void, with --ignore 0 (default: 0)", label)
    .option("--exclude <lists...>", "files of names to leave out of the set that is evaluated")
    .option("--by-index", "take classes that are called otherwise, or in another order, for the same by their index", false);
}

function ignored(text: string): number | "none" {
  if (text === "none") return text;
  try {
    return label(text);
  } catch {
    throw new InvalidArgumentError("Use a label from 0 to 255, or none.");
  }
}

/** `exclude` is of the set that is evaluated alone. */
export function dataSetOptions(
  { format, size, labelSuffix, ignore, firstLabel, exclude }: DataFlags,
  isEvaluated: boolean,
): Omit<DataSetOptions, "split"> {
  return {
    format,
    ...given({ size, labelSuffix, ignore: ignore === "none" ? null : ignore, firstLabel }),
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
