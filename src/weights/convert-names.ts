/** Weights of other libraries under the names of this engine's trunks, batch normalisation folded, pixels brought to the trunk's convention. */
import { WeightsError } from "../tensor/errors.js";
import type { Weights } from "../tensor/weights.js";
import { foldBatchNorm } from "./batch-norm.js";
import { NAME_TABLES, type NameTable, type NameTableName } from "./name-tables.js";
import { convertPixels, PIXELS, type Pixels } from "./pixels.js";

export interface ConvertOptions {
  /**
   * What the converted net takes, as its trunk does: BGR, unscaled, less Caffe's mean on vgg, less the weights' own on the others. `"own"`: as the weights do,
   * untouched.
   */
  readonly pixels?: "own" | Pixels;
}

export interface ConvertedWeights {
  readonly weights: Weights;
  /** The trunk that takes them: `fcn({ trunk, ... })`, `classifier({ trunk })`. */
  readonly trunk: string;
  /** What their first layer takes now. */
  readonly pixels: Pixels;
  /** As of {@link convertPixels}: how far the first layer's outputs can be off where its window holds padding. */
  readonly atBorder: number;
  /** Their names that have no place in the trunk. */
  readonly dropped: readonly string[];
}

/** The table whose layers these weights have, or null. */
export function nameTableOf(weights: Weights): NameTableName | null {
  const names = Object.keys(NAME_TABLES) as NameTableName[];
  const fitting = names.filter((name) => missing(weights, NAME_TABLES[name]).length === 0);
  // Names alone do not tell a shallow net from the beginning of a deep one.
  const size = (name: NameTableName): number => NAME_TABLES[name].layers.length;
  return fitting.sort((a, b) => size(b) - size(a))[0] ?? null;
}

/**
 * Weights by Caffe's names, for the trunk that the table belongs to. Fully connected weights keep their shape: `transplant` makes convolutions of
 * them. Throws WeightsError for layers that are missing, naming the table that fits where there is one.
 *
 * @example
 * const { tensors } = await loadSafetensors(new URL("vgg16-397923af.safetensors", location.href));
 * const { weights } = convertNames(tensors, "torchvision/vgg16");
 * const start = transplant(weights, fcn({ trunk: "vgg16", variant: "32s", classes: 21, size: [500, 500] }));
 */
export function convertNames(weights: Weights, name: NameTableName, options: ConvertOptions = {}): ConvertedWeights {
  if (!Object.hasOwn(NAME_TABLES, name))
    throw new WeightsError(`convertNames: there is no table ${name}: use ${Object.keys(NAME_TABLES).join(", ")}`);
  const table: NameTable = NAME_TABLES[name];
  const gone = missing(weights, table);
  if (gone.length > 0) {
    const fitting = nameTableOf(weights);
    const remedy = fitting ? `these are the names of ${fitting}` : "check which net the file is of";
    throw new WeightsError(`convertNames: ${name} has ${gone[0]}, which is not among the ${weights.size} weights: ${remedy}`);
  }
  const used = new Set<string>();
  const take = (key: string) => {
    const tensor = weights.get(key);
    if (tensor) used.add(key);
    return tensor;
  };
  const renamed = new Map<string, { readonly shape: readonly number[]; readonly data: Float32Array }>();
  for (const [theirs, ours] of table.layers) {
    const { conv, norm, epsilon } = table.batchNorm ?? { conv: "", norm: "", epsilon: 0 };
    const hasNorm = table.batchNorm !== undefined && weights.has(`${theirs}.${norm}.weight`);
    const base = hasNorm ? `${theirs}.${conv}` : theirs;
    if (!weights.has(`${base}.weight`)) continue;
    const plain = { weight: take(`${base}.weight`)!, bias: take(`${base}.bias`) };
    const part = (key: string) => {
      const tensor = take(`${theirs}.${norm}.${key}`);
      if (!tensor) throw new WeightsError(`convertNames: ${theirs}.${norm} has no ${key}: the file is of another net`);
      return tensor;
    };
    take(`${theirs}.${norm}.num_batches_tracked`);
    const { weight, bias } = hasNorm
      ? foldBatchNorm(plain.weight, plain.bias, {
          weight: part("weight"),
          bias: part("bias"),
          mean: part("running_mean"),
          variance: part("running_var"),
          epsilon,
        })
      : plain;
    renamed.set(`${ours}.weight`, weight);
    if (bias) renamed.set(`${ours}.bias`, bias);
  }
  const from = table.pixels;
  const to = options.pixels === "own" ? from : (options.pixels ?? defaultPixels(table));
  const layer = table.layers[0]![1];
  const { weights: converted, atBorder } =
    to === from ? { weights: renamed, atBorder: 0 } : convertPixels(renamed, { layer, from, to });
  const dropped = [...weights.keys()].filter((key) => !used.has(key) && !table.ignored?.test(key));
  return { weights: converted, trunk: table.trunk, pixels: to, atBorder, dropped };
}

/** The trunk's: Caffe's for its own nets, and for nets of others BGR without a factor, less their own mean, which is exact everywhere. */
function defaultPixels({ trunk, pixels }: NameTable): Pixels {
  if (pixels.mean.length === 1) return pixels;
  if (trunk.startsWith("vgg") || trunk === "squeezenet") return PIXELS.caffe;
  return { order: "bgr", mean: pixels.order === "bgr" ? pixels.mean : [...pixels.mean].reverse(), scale: 1 };
}

/** Weights of the table that are not there; the classification layer may be missing. */
function missing(weights: Weights, { layers, batchNorm }: NameTable): string[] {
  return layers.slice(0, -1).flatMap(([theirs]) => {
    const key = batchNorm ? `${theirs}.${batchNorm.conv}.weight` : `${theirs}.weight`;
    return weights.has(key) ? [] : [key];
  });
}
