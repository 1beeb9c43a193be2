/** Options of the data set, as train and eval have them. */
import { Option, type Command } from "commander";
import type { DataSetOptions } from "../data/data-set.js";
import type { Format } from "../data/layouts.js";
import { sizeOf } from "./options.js";

export interface DataFlags {
  readonly data: string;
  readonly format: Format | "auto";
  readonly size?: readonly [h: number, w: number];
  readonly labelSuffix?: string;
  readonly exclude?: readonly string[];
}

export function addDataOptions(command: Command): Command {
  return command
    .requiredOption("--data <folder>", "the data set: VOC2012, SBD, labelme's, or images, labels and classes.txt")
    .addOption(
      new Option("--format <kind>", "of the folder").choices(["auto", "voc", "sbd", "labelme", "folder"]).default("auto"),
    )
    .addOption(new Option("--size <WxH>", "scale images to this size (default: as they are)").argParser(sizeOf))
    .option("--label-suffix <text>", "what the labels' names have behind the photos', as _labels")
    .option("--exclude <lists...>", "files of names to leave out of the set that is evaluated");
}

/** `exclude` is of the set that is evaluated alone. */
export function dataSetOptions(
  { format, size, labelSuffix, exclude }: DataFlags,
  isEvaluated: boolean,
): Omit<DataSetOptions, "split"> {
  return {
    format,
    ...(size ? { size } : {}),
    ...(labelSuffix === undefined ? {} : { labelSuffix }),
    ...(exclude && isEvaluated ? { exclude } : {}),
  };
}
