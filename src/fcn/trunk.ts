/**
 * Trunks: classification nets as tables of layers. The same table is built as it was trained (fully connected layers on one crop) or fully
 * convolutional, where every fully connected layer is a convolution whose kernel covers the map it used to flatten (paper section 3.1);
 * trunk-layers.ts does both, trunk-check.ts says what a table must hold.
 */
import type { Init } from "../tensor/tensor.js";

/** The net's input, where a layer says what it is computed `from`. */
export const IMAGE = "image";

interface NamedLayer {
  /** Unique in the table: its parameters are `<name>.weight` and `<name>.bias`. */
  readonly name: string;
}

interface LayerOfOne extends NamedLayer {
  /** The layer that it is computed from. Default: the one before it in the table; the first: "image". */
  readonly from?: string;
}

export interface ConvLayer extends LayerOfOne {
  readonly op: "conv";
  readonly channels: number;
  readonly kernel: number;
  readonly stride?: number;
  readonly padding?: number;
  readonly dilation?: number;
  readonly groups?: number;
  readonly relu: boolean;
}

export interface PoolLayer extends LayerOfOne {
  readonly op: "maxPool" | "averagePool";
  readonly kernel: number;
  readonly stride: number;
  readonly padding?: number;
  /** Whether a partial window at the bottom and right counts. Default "ceil": Caffe's. */
  readonly rounding?: "ceil" | "floor";
}

/** The mean of the whole map: of classifiers only. */
export interface GlobalAveragePoolLayer extends LayerOfOne {
  readonly op: "globalAveragePool";
}

/** Across channels; defaults as AlexNet: size 5, alpha 1e-4, beta 0.75, bias 1. */
export interface LrnLayer extends LayerOfOne {
  readonly op: "lrn";
  readonly size?: number;
  readonly alpha?: number;
  readonly beta?: number;
  readonly bias?: number;
}

export interface DropoutLayer extends LayerOfOne {
  readonly op: "dropout";
  /** Probability of being dropped. Default 0.5. */
  readonly p?: number;
}

/** Takes a whole map of `extent` x `extent`; a layer behind another fully connected one has extent 1. */
export interface FullyConnectedLayer extends LayerOfOne {
  readonly op: "fullyConnected";
  readonly channels: number;
  readonly extent: number;
  readonly relu: boolean;
}

/** Channels of several layers of one size, in the order given. */
export interface ConcatLayer extends NamedLayer {
  readonly op: "concat";
  readonly from: readonly string[];
}

export type TrunkLayer =
  ConvLayer | PoolLayer | GlobalAveragePoolLayer | LrnLayer | DropoutLayer | FullyConnectedLayer | ConcatLayer;

/** Scores of a shallower layer, added to what is upsampled from the deeper ones. */
export interface Skip {
  /** The layer that is scored. */
  readonly from: string;
  /** What its score and the sum are called by, `score_<name>` and `fuse_<name>`. Default: `from`. */
  readonly name?: string;
  /** The layer that upsamples what the scores are added to. */
  readonly upsampling: string;
  /** A constant factor on the layer in front of its score (FCN-8s at once). */
  readonly scale?: number;
}

/** How a segmentation net of some stride is put on a trunk (paper, figure 3). */
export interface Head {
  /** From deep to shallow. */
  readonly skips: readonly Skip[];
  /** The layer that upsamples to pixels. */
  readonly upsampling: string;
}

/**
 * A classification net, the paper's or one's own. `fcn`, `classifier` and what belongs to them take one wherever they take a trunk's name, and
 * throw ShapeError where the table does not hold together.
 */
export interface Trunk {
  readonly name: string;
  /** In order, each behind those it is computed from. The first is a convolution of the image, and nothing else reads the image. */
  readonly layers: readonly TrunkLayer[];
  /**
   * Layers that segmentation nets leave out: the classification layer, what follows it, and an average pool of the whole map in front. What is
   * computed from one of them is then computed from its input. Default: none, the table ends before the classification layer.
   */
  readonly classifierOnly?: readonly string[];
  /** Layers that files of its weights hold besides, of its training alone: GoogLeNet's two classifiers at the side. Net surgery drops them. */
  readonly auxiliary?: readonly string[];
  /** The crop that the classifier was trained on. */
  readonly crop: { readonly channels: number; readonly size: number };
  /** Padding of the first layer in the authors' nets: 100, so that the last layer's kernel fits on any image. */
  readonly caffePadding: number;
  readonly init: () => Init;
  /** Caffe's multipliers for biases. */
  readonly bias: { readonly lrMult: number; readonly decayMult: number };
  /** How pixels become inputs: channel order, mean per channel in that order, factor. */
  readonly pixels: { readonly order: "rgb" | "bgr"; readonly mean: readonly [number, number, number]; readonly scale: number };
  /** By the names of the variants: "32s", "16s", ... */
  readonly heads: Readonly<Record<string, Head>>;
}

/** A layer with parameters. */
export type WeightedLayer = ConvLayer | FullyConnectedLayer;

export function isWeighted(layer: TrunkLayer): layer is WeightedLayer {
  return layer.op === "conv" || layer.op === "fullyConnected";
}

/** The layer whose channels are the classes that the trunk was trained on; undefined where the table ends before it. */
export function classificationLayer(trunk: Trunk): WeightedLayer | undefined {
  return trunk.layers.filter(isWeighted).findLast(({ name }) => trunk.classifierOnly?.includes(name));
}
