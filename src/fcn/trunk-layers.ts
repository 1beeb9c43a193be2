/** Trunks as tensors: the table of trunk.ts, built as a classifier or fully convolutional. */
import { averagePool2d, globalAveragePool } from "../kernels/average-pool.js";
import { concat } from "../kernels/concat.js";
import { conv2d } from "../kernels/conv2d.js";
import { dropout } from "../kernels/dropout.js";
import { lrn } from "../kernels/lrn.js";
import { gemm } from "../kernels/matmul.js";
import { maxPool2d } from "../kernels/max-pool.js";
import { relu } from "../kernels/relu.js";
import { flatten } from "../kernels/reshape.js";
import { zeros } from "../tensor/init.js";
import { named, param, type Param, type Tensor } from "../tensor/tensor.js";
import {
  classificationLayer,
  IMAGE,
  type ConvLayer,
  type FullyConnectedLayer,
  type PoolLayer,
  type Trunk,
  type TrunkLayer,
} from "./trunk.js";

export interface TrunkOptions {
  /** Factor on every layer's channels, rounded to a multiple of the layers' groups, at least one per group. */
  readonly width: number;
  /** Padding of the first layer; "same": every layer pads so that at stride 1 it keeps the size. */
  readonly padding: number | "same";
  /** Probability of dropout, 0 for none; "trunk": what the table says. */
  readonly dropout: number | "trunk";
  /** Seed of the first dropout: two streams must not drop the same. Default 0. */
  readonly dropoutSeed?: number;
  /** Behind every layer's name: two streams of one trunk in one net need names of their own. Default "". */
  readonly suffix?: string;
}

/**
 * The output of every layer by name, in order, behind its ReLU, without those that only the classifier has. `image`: [N, C, H, W]. Throws
 * ShapeError where the image is too small for a layer.
 */
export function convolutionalTrunk(trunk: Trunk, image: Tensor, options: TrunkOptions): Map<string, Tensor> {
  const { padding } = options;
  const { classifierOnly = [] } = trunk;
  const built = { ...options, leavesOut: notIn(trunk, classifierOnly, options) };
  const fullyConnected: FullyConnectedForm = (layer, x, channels) => {
    const { weight, bias } = parameters(trunk, layer, built, [channels, x.shape[1]!, layer.extent, layer.extent]);
    return conv2d(x, weight, bias, { padding: padding === "same" ? samePadding(layer.extent) : 0 });
  };
  return buildLayers(trunk, image, built, fullyConnected, { without: new Set(classifierOnly) });
}

/** The whole classifier with `classes` scores, as it was trained: maps are flattened in (c, y, x) order. `image` has the trunk's crop size. */
export function classifierTrunk(
  trunk: Trunk,
  image: Tensor,
  options: Omit<TrunkOptions, "padding"> & { readonly classes: number },
): Map<string, Tensor> {
  const built = { ...options, padding: ownPadding(trunk), leavesOut: notIn(trunk, [], options) };
  const fullyConnected: FullyConnectedForm = (layer, x, channels) => {
    const rows = x.shape.length === 2 ? x : flatten(x);
    const { weight, bias } = parameters(trunk, layer, built, [channels, rows.shape[1]!]);
    return gemm(rows, weight, bias, { transB: true });
  };
  return buildLayers(trunk, image, built, fullyConnected, { without: new Set(), classes: options.classes });
}

/** What a parameter says that the net leaves out: `Param.leavesOut`. */
function notIn({ auxiliary = [] }: Trunk, without: readonly string[], { suffix = "" }: { readonly suffix?: string }): string[] {
  return [...without, ...auxiliary].map((name) => (name.endsWith("*") ? name : name + suffix));
}

/** How a table is built, and which layers of its files are not. */
type BuildOptions = TrunkOptions & { readonly leavesOut: readonly string[] };

/** The first layer's padding in the classifier. */
function ownPadding(trunk: Trunk): number {
  const first = trunk.layers[0]!;
  return first.op === "conv" ? (first.padding ?? 0) : 0;
}

type FullyConnectedForm = (layer: FullyConnectedLayer, x: Tensor, channels: number) => Tensor;

interface Extent {
  readonly without: ReadonlySet<string>;
  /** Channels of the classification layer, which no width changes. */
  readonly classes?: number;
}

function buildLayers(
  trunk: Trunk,
  image: Tensor,
  options: BuildOptions,
  fullyConnected: FullyConnectedForm,
  { without, classes }: Extent,
): Map<string, Tensor> {
  const { suffix = "" } = options;
  const outputs = new Map<string, Tensor>();
  // What is behind each name: a layer that is left out passes on what it would have read.
  const values = new Map<string, Tensor>([[IMAGE, image]]);
  const channelsOf = widths(trunk, options.width, classes);
  let seed = options.dropoutSeed ?? 0;
  let before = IMAGE;
  for (const layer of trunk.layers) {
    const inputs = inputsOf(layer, before).map((name) => values.get(name)!);
    before = layer.name;
    if (without.has(layer.name)) {
      values.set(layer.name, inputs[0]!);
      continue;
    }
    const x = inputs[0]!;
    const y = ((): Tensor => {
      switch (layer.op) {
        case "conv":
          return convLayer(trunk, layer, x, channelsOf(layer), options);
        case "fullyConnected":
          return activated(fullyConnected(layer, x, channelsOf(layer)), layer.relu);
        case "maxPool":
          return named(maxPool2d(x, poolAttrs(layer, options)), layer.name + suffix);
        case "averagePool":
          return named(averagePool2d(x, poolAttrs(layer, options)), layer.name + suffix);
        case "globalAveragePool":
          return named(globalAveragePool(x), layer.name + suffix);
        case "lrn":
          return named(lrn(x, layer), layer.name + suffix);
        case "dropout": {
          const p = options.dropout === "trunk" ? (layer.p ?? 0.5) : options.dropout;
          return p === 0 ? x : named(dropout(x, { p, seed: seed++ }), layer.name + suffix);
        }
        case "concat":
          return named(concat(inputs, 1), layer.name + suffix);
      }
    })();
    values.set(layer.name, y);
    outputs.set(layer.name + suffix, y);
  }
  return outputs;
}

/** Names of what a layer is computed from, given the layer before it. */
export function inputsOf(layer: TrunkLayer, before: string): readonly string[] {
  return layer.op === "concat" ? layer.from : [layer.from ?? before];
}

/** Grouped layers need channels that their groups divide, and so do the layers in front of them: all are multiples of what all groups divide. */
function widths(trunk: Trunk, width: number, classes: number | undefined): (layer: ConvLayer | FullyConnectedLayer) => number {
  const multiple = trunk.layers.reduce((m, layer) => leastCommonMultiple(m, layer.op === "conv" ? (layer.groups ?? 1) : 1), 1);
  const classification = classificationLayer(trunk);
  return (layer) =>
    layer === classification
      ? (classes ?? layer.channels)
      : Math.max(1, Math.round((layer.channels * width) / multiple)) * multiple;
}

function leastCommonMultiple(a: number, b: number): number {
  let multiple = a;
  while (multiple % b !== 0) multiple += a;
  return multiple;
}

function poolAttrs(layer: PoolLayer, options: TrunkOptions) {
  const { kernel, stride, rounding = "ceil" } = layer;
  // As TensorFlow: overlapping windows leave ceil(size / stride) of them, with the odd pixel at the bottom and right.
  const overlap = Math.max(0, kernel - stride);
  const before = Math.floor(overlap / 2);
  const same = [before, before, overlap - before, overlap - before] as const;
  return { kernel, stride, padding: options.padding === "same" ? same : (layer.padding ?? 0), ceil: rounding === "ceil" };
}

function convLayer(trunk: Trunk, layer: ConvLayer, x: Tensor, channels: number, options: BuildOptions): Tensor {
  const { kernel, stride = 1, groups = 1, dilation = 1 } = layer;
  const { weight, bias } = parameters(trunk, layer, options, [channels, x.shape[1]! / groups, kernel, kernel]);
  const padding =
    options.padding === "same"
      ? samePadding((kernel - 1) * dilation + 1)
      : layer === trunk.layers[0]
        ? options.padding
        : (layer.padding ?? 0);
  return activated(conv2d(x, weight, bias, { stride, groups, dilation, padding }), layer.relu);
}

function activated(x: Tensor, hasRelu: boolean): Tensor {
  return hasRelu ? relu(x) : x;
}

/** Keeps the size at stride 1; an even kernel pads one more at the top and left. */
function samePadding(kernel: number): [number, number, number, number] {
  const before = Math.floor(kernel / 2);
  const after = kernel - 1 - before;
  return [before, before, after, after];
}

function parameters(
  trunk: Trunk,
  { name }: ConvLayer | FullyConnectedLayer,
  { suffix = "", leavesOut }: Pick<BuildOptions, "suffix" | "leavesOut">,
  shape: readonly number[],
): { weight: Param; bias: Param } {
  return {
    weight: param(`${name}${suffix}.weight`, shape, trunk.init(), { leavesOut }),
    bias: param(`${name}${suffix}.bias`, [shape[0]!], zeros(), trunk.bias),
  };
}
