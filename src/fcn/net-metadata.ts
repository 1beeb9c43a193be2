/** A net's options as a weights file keeps them (safetensors metadata is text by name), so that the file alone says which net it belongs to. */
import { WeightsError } from "../tensor/errors.js";
import type { Pixels } from "../weights/pixels.js";
import type { FcnOptions } from "./fcn.js";
import type { ClassFacts } from "./legend.js";
import { TRUNK_NAMES, trunkOf, type TrunkName } from "./trunks.js";

/** What a file says of its net: nothing, where something else wrote it. */
export interface NetFacts extends Partial<Omit<FcnOptions, "trunk">>, ClassFacts {
  readonly trunk?: TrunkName;
  /** What the weights take, where that is not what the trunk's own do. */
  readonly pixels?: Pixels;
}

/** Of a trunk that is a table of one's own the name alone is kept, which does not open it again. */
export function netMetadata(facts: Omit<NetFacts, "trunk"> & Pick<FcnOptions, "trunk">): Record<string, string> {
  const { trunk, variant, classes, width, padding, upsampling, fusion, labels, colours, pixels } = facts;
  const texts = { variant, padding, upsampling, fusion };
  const values = { classes, width, labels, colours, pixels };
  return {
    trunk: trunkOf(trunk).name,
    ...Object.fromEntries(Object.entries(texts).filter((entry): entry is [string, string] => entry[1] !== undefined)),
    ...Object.fromEntries(
      Object.entries(values).flatMap(([key, value]) => (value === undefined ? [] : [[key, JSON.stringify(value)] as const])),
    ),
  };
}

const LITERALS = {
  padding: ["caffe", "minimal", "same"],
  upsampling: ["frozen", "learned2x", "learned"],
  fusion: ["sum", "max"],
} as const;

/** What the metadata says, checked: nothing where it names no trunk; other keys are passed over. Throws WeightsError for a value that no net has. */
export function netFacts(metadata: Readonly<Record<string, string>>): NetFacts {
  const facts: Record<string, unknown> = {};
  // Something else's words otherwise, which happen to be called the same.
  if (metadata["trunk"] === undefined) return facts;
  const fail = (key: string): never => {
    throw new WeightsError(
      `weights: the file's metadata says ${key} ${JSON.stringify(metadata[key]!.slice(0, 80))}, which no net has: it was written by something else; rewrite it without`,
    );
  };
  // Else a table of one's own: only its owner can open it.
  if ((TRUNK_NAMES as readonly string[]).includes(metadata["trunk"])) facts["trunk"] = metadata["trunk"];
  if (metadata["variant"] !== undefined) facts["variant"] = metadata["variant"];
  for (const [key, allowed] of Object.entries(LITERALS)) {
    const value = metadata[key];
    if (value === undefined) continue;
    facts[key] = (allowed as readonly string[]).includes(value) ? value : fail(key);
  }
  for (const [key, isRight] of Object.entries(CHECKS)) {
    if (metadata[key] === undefined) continue;
    const value = parsed(metadata[key]);
    facts[key] = isRight(value) ? value : fail(key);
  }
  return facts;
}

const isNumber = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value);
const isListOf = (value: unknown, is: (item: unknown) => boolean): value is readonly unknown[] =>
  Array.isArray(value) && value.every(is);
const isByte = (value: unknown): boolean => isNumber(value) && Number.isInteger(value) && value >= 0 && value <= 255;

const CHECKS: Readonly<Record<string, (value: unknown) => boolean>> = {
  classes: (value) => isNumber(value) && Number.isInteger(value) && value >= 1,
  width: (value) => isNumber(value) && value > 0,
  labels: (value) => isListOf(value, (name) => typeof name === "string"),
  colours: (value) => isListOf(value, (colour) => isListOf(colour, isByte) && colour.length === 3),
  pixels: (value) => {
    if (typeof value !== "object" || value === null) return false;
    const { order, mean, scale } = value as Partial<Pixels>;
    return (order === "rgb" || order === "bgr") && isListOf(mean, isNumber) && (isNumber(scale) || isListOf(scale, isNumber));
  },
};

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
