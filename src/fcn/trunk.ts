/**
 * Trunks: classification nets as tables of layers, built either as they were trained (fully connected layers on one crop) or fully
 * convolutional, where every fully connected layer is a convolution whose kernel covers the map it used to flatten (paper section 3.1).
 */
import { conv2d } from "../kernels/conv2d.js";
import { dropout } from "../kernels/dropout.js";
import { lrn } from "../kernels/lrn.js";
import { gemm } from "../kernels/matmul.js";
import { maxPool2d } from "../kernels/max-pool.js";
import { relu } from "../kernels/relu.js";
import { flatten } from "../kernels/reshape.js";
import { zeros } from "../tensor/init.js";
import { named, param, type Init, type Param, type Tensor } from "../tensor/tensor.js";

export interface ConvLayer {
  readonly op: "conv";
  readonly name: string;
  readonly channels: number;
  readonly kernel: number;
  readonly stride?: number;
  readonly padding?: number;
  readonly groups?: number;
  readonly relu: boolean;
}

/** Max pooling with Caffe's rounding. */
export interface PoolLayer {
  readonly op: "maxPool";
  readonly name: string;
  readonly kernel: number;
  readonly stride: number;
}

export interface LrnLayer {
  readonly op: "lrn";
  readonly name: string;
}

/** Takes a whole map of `extent` x `extent`; a layer behind another fully connected one has extent 1. With ReLU, and dropout where said. */
export interface FullyConnectedLayer {
  readonly op: "fullyConnected";
  readonly name: string;
  readonly channels: number;
  readonly extent: number;
  readonly dropout: boolean;
}

export type TrunkLayer = ConvLayer | PoolLayer | LrnLayer | FullyConnectedLayer;

/** How a segmentation net of some stride is put on a trunk (paper, figure 3). */
export interface Head {
  /** From deep to shallow: the pool that is scored, the layer that upsamples what it is added to, and a constant factor on the pool. */
  readonly skips: readonly { readonly from: string; readonly upsampling: string; readonly scale?: number }[];
  /** The layer that upsamples to pixels. */
  readonly upsampling: string;
}

export interface Trunk {
  readonly name: string;
  readonly layers: readonly TrunkLayer[];
  /** The crop that the classifier was trained on. */
  readonly crop: { readonly channels: number; readonly size: number };
  /** The classification layer, which segmentation nets discard. */
  readonly classification: { readonly name: string; readonly classes: number };
  /** Padding of the first layer in the authors' nets: 100, so that the last layer's kernel fits on any image. */
  readonly caffePadding: number;
  readonly init: () => Init;
  /** Caffe's multipliers for biases. */
  readonly bias: { readonly lrMult: number; readonly decayMult: number };
  /** How pixels become inputs: channel order, mean per channel in that order, factor. */
  readonly pixels: { readonly order: "rgb" | "bgr"; readonly mean: readonly [number, number, number]; readonly scale: number };
  readonly heads: Readonly<Record<string, Head>>;
}

export interface TrunkOptions {
  /** Factor on every layer's channels, rounded to a multiple of the layer's groups, at least one per group. */
  readonly width: number;
  /** Padding of the first layer; "same": every layer pads so that a stride-1 layer keeps its size. */
  readonly padding: number | "same";
  /** Probability of dropout in the fully connected layers; 0 for none. */
  readonly dropout: number;
}

/**
 * The output of every layer by name, in order, behind its ReLU and dropout. `image`: [N, C, H, W]. Throws ShapeError where the image is too small
 * for a layer.
 */
export function convolutionalTrunk(trunk: Trunk, image: Tensor, options: TrunkOptions): Map<string, Tensor> {
  return buildLayers(trunk, image, options, (layer, x, channels) => {
    const { weight, bias } = parameters(trunk, layer.name, [channels, x.shape[1]!, layer.extent, layer.extent]);
    return conv2d(x, weight, bias, { padding: options.padding === "same" ? samePadding(layer.extent) : 0 });
  });
}

/** The same layers as they were trained: maps are flattened in (c, y, x) order. `image` has the trunk's crop size. */
export function classifierTrunk(trunk: Trunk, image: Tensor, options: Omit<TrunkOptions, "padding">): Map<string, Tensor> {
  return buildLayers(trunk, image, { ...options, padding: ownPadding(trunk) }, (layer, x, channels) =>
    fullyConnected(trunk, layer.name, x, channels),
  );
}

/** A fully connected layer with its parameters, as Caffe's InnerProduct. x: [N, ...]; returns [N, channels]. */
export function fullyConnected(trunk: Trunk, name: string, x: Tensor, channels: number): Tensor {
  const rows = x.shape.length === 2 ? x : flatten(x);
  const { weight, bias } = parameters(trunk, name, [channels, rows.shape[1]!]);
  return gemm(rows, weight, bias, { transB: true });
}

/** The first layer's padding in the classifier. */
export function ownPadding(trunk: Trunk): number {
  const first = trunk.layers[0]!;
  return first.op === "conv" ? (first.padding ?? 0) : 0;
}

type FullyConnectedForm = (layer: FullyConnectedLayer, x: Tensor, channels: number) => Tensor;

function buildLayers(trunk: Trunk, image: Tensor, options: TrunkOptions, form: FullyConnectedForm): Map<string, Tensor> {
  const outputs = new Map<string, Tensor>();
  // Grouped layers need channels that their groups divide, and so do the layers in front of them.
  const multiple = Math.max(...trunk.layers.map((layer) => (layer.op === "conv" ? (layer.groups ?? 1) : 1)));
  const widened = (channels: number): number => Math.max(1, Math.round((channels * options.width) / multiple)) * multiple;
  let x = image;
  for (const layer of trunk.layers) {
    switch (layer.op) {
      case "conv":
        x = convLayer(
          trunk,
          layer,
          x,
          widened(layer.channels),
          layer === trunk.layers[0] ? options.padding : options.padding === "same" ? "same" : (layer.padding ?? 0),
        );
        break;
      case "maxPool":
        x = maxPool2d(x, { kernel: layer.kernel, stride: layer.stride, ceil: true });
        break;
      case "lrn":
        x = lrn(x);
        break;
      case "fullyConnected":
        x = relu(form(layer, x, widened(layer.channels)));
        if (layer.dropout && options.dropout > 0) x = dropout(x, { p: options.dropout });
        break;
    }
    if (layer.op === "maxPool" || layer.op === "lrn") x = named(x, layer.name);
    outputs.set(layer.name, x);
  }
  return outputs;
}

function convLayer(trunk: Trunk, layer: ConvLayer, x: Tensor, channels: number, padding: number | "same"): Tensor {
  const { kernel, stride = 1, groups = 1 } = layer;
  const { weight, bias } = parameters(trunk, layer.name, [channels, x.shape[1]! / groups, kernel, kernel]);
  const y = conv2d(x, weight, bias, { stride, groups, padding: padding === "same" ? samePadding(kernel) : padding });
  return layer.relu ? relu(y) : y;
}

/** Keeps the size at stride 1; an even kernel pads one more at the top and left. */
function samePadding(kernel: number): [number, number, number, number] {
  const before = Math.floor(kernel / 2);
  const after = kernel - 1 - before;
  return [before, before, after, after];
}

function parameters(trunk: Trunk, layer: string, shape: readonly number[]): { weight: Param; bias: Param } {
  return {
    weight: param(`${layer}.weight`, shape, trunk.init()),
    bias: param(`${layer}.bias`, [shape[0]!], zeros(), trunk.bias),
  };
}
