/** Options that several commands share, read strictly: what does not parse is a usage error that names the option. */
import { InvalidArgumentError, Option, type Command } from "commander";
import type { FcnOptions } from "../fcn/fcn.js";
import type { NetFacts } from "../fcn/net-metadata.js";
import { TRUNK_NAMES, trunkOf, type TrunkName } from "../fcn/trunks.js";
import { PIXELS, type Pixels } from "../weights/pixels.js";
import { UsageError } from "./io.js";

/** What `addNetOptions` adds. */
export interface NetFlags {
  readonly trunk?: TrunkName;
  readonly variant?: string;
  readonly classes?: number;
  readonly width?: number;
  readonly padding?: "caffe" | "minimal" | "same";
  readonly upsampling?: "frozen" | "learned2x" | "learned";
  readonly fusion?: "sum" | "max";
}

/** `variant`: false where the command has stages instead. */
export function addNetOptions(command: Command, { variant = true, classes = true } = {}): Command {
  command.addOption(new Option("--trunk <name>", "the classifier that the net is made from").choices(TRUNK_NAMES));
  if (variant) command.option("--variant <name>", "the head by its finest stride: 32s, 16s, 8s, 8s-at-once (4s, 2s on lenet)");
  if (classes) command.option("--classes <count>", "classes, the background among them", positiveInteger);
  return command
    .option("--width <factor>", "factor on the channels of the trunk (default: 1)", positiveNumber)
    .addOption(
      new Option("--padding <kind>", "how the trunk's borders are padded (default: caffe)").choices(["caffe", "minimal", "same"]),
    )
    .addOption(
      new Option("--upsampling <kind>", "which upsampling layers are learned (default: frozen)").choices([
        "frozen",
        "learned2x",
        "learned",
      ]),
    )
    .addOption(new Option("--fusion <kind>", "how skips join (default: sum)").choices(["sum", "max"]));
}

/** The net of the flags, and for what they leave out of the weights' file. Throws UsageError naming the first option that is missing. */
export function netOf(flags: NetFlags, facts: NetFacts = {}): FcnOptions {
  const trunk = flags.trunk ?? facts.trunk;
  if (trunk === undefined) throw new UsageError(`--trunk is missing: say which net this is, one of ${TRUNK_NAMES.join(", ")}`);
  const variant = flags.variant ?? facts.variant;
  if (variant === undefined) throw new UsageError(`--variant is missing: ${trunk} has ${headsOf(trunk).join(", ")}`);
  expectVariant("--variant", trunk, variant);
  const classes = flags.classes ?? facts.classes;
  if (classes === undefined)
    throw new UsageError("--classes is missing: say how many there are, the background among them (21 for PASCAL VOC)");
  return { trunk, variant, classes, ...extrasOf(facts), ...extrasOf(flags) };
}

function headsOf(trunk: TrunkName): readonly string[] {
  return Object.keys(trunkOf(trunk).heads);
}

/** Throws UsageError where the trunk has no such head. */
export function expectVariant(flag: string, trunk: TrunkName, variant: string): void {
  const heads = headsOf(trunk);
  if (!heads.includes(variant)) throw new UsageError(`${flag} is ${variant}, but ${trunk} has ${heads.join(", ")}`);
}

/** What is said of how the net is built, beside its trunk and head. */
export function extrasOf({ width, padding, upsampling, fusion }: NetFlags): Omit<FcnOptions, "trunk" | "variant" | "classes"> {
  return given({ width, padding, upsampling, fusion });
}

/** What pixels the weights take. */
export function addPixelsOption(command: Command): Command {
  return command.option(
    "--pixels <convention>",
    `what the weights take, where not what their file or the trunk says: ${Object.keys(PIXELS).join(", ")}`,
    pixelsOf,
  );
}

function pixelsOf(text: string): Pixels {
  if (!Object.hasOwn(PIXELS, text)) throw new InvalidArgumentError(`Use ${Object.keys(PIXELS).join(", ")}.`);
  return PIXELS[text as keyof typeof PIXELS];
}

/** How tensors are stored: `half` is the word for two bytes, of inference or of training. */
export function addPrecisionOption<const H extends "f16" | "mixed">(command: Command, half: H): Command {
  const what = half === "f16" ? "weights and activations" : "activations, with f32 weights and a loss scale,";
  return command.addOption(
    new Option("--precision <kind>", `how numbers are stored; ${half}: ${what} in two bytes, where the GPU has shader-f16`)
      .choices(["f32", half])
      .default("f32"),
  );
}

/** "500x375", width by height, as rows and columns. */
export function sizeOf(text: string): readonly [h: number, w: number] {
  const found = /^([1-9]\d*)x([1-9]\d*)$/.exec(text);
  if (!found) throw new InvalidArgumentError("Use WIDTHxHEIGHT in pixels, as 500x375.");
  return [Number(found[2]), Number(found[1])];
}

/** A reader of numbers: what is none, or not such a one, is a usage error. */
function numberThat(isRight: (value: number) => boolean, use: string): (text: string) => number {
  return (text) => {
    const value = text.trim() === "" ? NaN : Number(text);
    if (!isRight(value)) throw new InvalidArgumentError(`Use ${use}.`);
    return value;
  };
}

const isWhole = (value: number, least: number): boolean => Number.isInteger(value) && value >= least;
export const positiveInteger = numberThat((value) => isWhole(value, 1), "a whole number of at least 1");
export const wholeNumber = numberThat((value) => isWhole(value, 0), "a whole number of at least 0");
export const positiveNumber = numberThat((value) => value > 0 && Number.isFinite(value), "a number above 0");
export const numberFrom0 = numberThat((value) => value >= 0 && Number.isFinite(value), "a number of at least 0");
export const shareOf = numberThat((value) => value >= 0 && value <= 1, "a number from 0 to 1");
export const shareAbove0 = numberThat((value) => value > 0 && value <= 1, "a number above 0, at most 1");
export const shareBelow1 = numberThat((value) => value >= 0 && value < 1, "a number from 0 to below 1");
export const label = numberThat((value) => isWhole(value, 0) && value <= 255, "a label from 0 to 255");

/** Factors by commas, 0 among them; or "median". */
export function classWeightsOf(text: string): readonly number[] | "median" {
  if (text === "median") return text;
  const values = text.split(",").map((part) => (part.trim() === "" ? NaN : Number(part)));
  if (!values.every((value) => value >= 0 && Number.isFinite(value)))
    throw new InvalidArgumentError("Use a number of at least 0 for each class, by commas, as 1,1,2.5, or median.");
  return values;
}

export function commaList(text: string): readonly string[] {
  const parts = text.split(",").map((part) => part.trim());
  if (parts.some((part) => part === "")) throw new InvalidArgumentError("Use names with commas between them, as 32s,16s,8s.");
  return parts;
}

type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Without the options that were not given, so that defaults hold. */
export function given<T extends object>(options: T): Given<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Given<T>;
}
