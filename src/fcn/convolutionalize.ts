/**
 * Classifiers as fully convolutional nets (paper section 3.1), from graph to graph: any net of this engine whose layers can slide over an image.
 * What becomes of each op is in sliding.ts.
 */
import { graph, type Graph, type Names } from "../graph/graph.js";
import { rewrite } from "../graph/passes/rewrite.js";
import { ShapeError, WeightsError } from "../tensor/errors.js";
import { formatShape, sameShape, type Shape } from "../tensor/shape.js";
import { input, isParam, layerOf, topological, type Tensor } from "../tensor/tensor.js";
import type { Weights } from "../tensor/weights.js";
import type { FlattenOrder } from "./convolutional-weight.js";
import { describeNode, slide, type Conversion, type GlobalPool } from "./sliding.js";

export interface ConvolutionalizeOptions<K extends string = string> {
  /** Rows and columns of the image. Default: those of the classifier. `graph.resize` takes another. */
  readonly size?: readonly [h: number, w: number];
  /** Images at once. Default: as many as the classifier takes. */
  readonly batch?: number;
  /** Which output of the net becomes a map. Default: its only one. */
  readonly output?: K;
  /**
   * The classification layer, the last one with weights, and all behind it: "drop" (default; the output is what the layer takes) or "keep" (the
   * output is a map of class scores).
   */
  readonly classification?: "drop" | "keep";
  /**
   * An average pool of the whole map at the end (GoogLeNet, SqueezeNet): "drop" leaves it out, which the paper found better for GoogLeNet;
   * "slide" makes it a window of that size at stride 1, so that on the training crop the scores stay the classifier's. Default: "slide" with
   * `classification: "keep"`, else "drop".
   */
  readonly globalPool?: GlobalPool;
}

export interface Convolutionalized<I extends Names, O extends Names> {
  /** The same names; the image [N, C, h, w], the output [N, channels, h', w']. */
  readonly graph: Graph<I, O>;
  /**
   * The net's weights, by the same names, as the graph takes them. `order`: how maps were flattened where the weights come from. Default: as the
   * classifier itself does; say "channel-last" for weights from TensorFlow that were put under the names of a channel-first net. Weights that
   * have the convolution's shape already are taken as they are. Throws WeightsError for one that is missing or of another shape.
   */
  weights(weights: Weights, options?: { readonly order?: FlattenOrder }): Weights;
  /** Fully connected weights that became kernels. */
  readonly converted: readonly { readonly name: string; readonly from: Shape; readonly to: Shape }[];
  /** Parameters of the classifier that the graph has no use for: the classification layer's. */
  readonly dropped: readonly string[];
}

/**
 * A classifier as a fully convolutional net: flatten and fully connected layers become convolutions whose kernels cover the maps that were
 * flattened, so that the net takes images of any size from its training crop on, and slides over larger ones. Everything else stays, dropout
 * too. Where layers pad, the scores inside a large image differ from those of the classifier on the crop there: it saw zeros where the image
 * goes on.
 *
 * Throws ShapeError for nets that cannot slide, with the node that cannot and why: ops that mix places in other ways (a spatial softmax, resize,
 * crops, reshapes other than a flatten), fully connected weights that are no parameters, several images, no single classification layer.
 *
 * @example
 * const { graph, weights } = convolutionalize(classifier({ trunk: "alexnet" }), { size: [500, 500], classification: "keep" });   // scores [1,
 * 1000, 10, 10] await program.load(weights(trained));
 */
export function convolutionalize<I extends Names, O extends Names, K extends keyof O & string = keyof O & string>(
  net: Graph<I, O>,
  options: ConvolutionalizeOptions<K> = {},
): Convolutionalized<I, Pick<O, K>> {
  const { classification = "drop", globalPool = classification === "keep" ? "slide" : "drop" } = options;
  const [imageName, image] = onlyImage(net.inputs);
  const outputName = options.output ?? onlyOutput<O, K>(net.outputs);
  const output = net.outputs[outputName];
  if (!output)
    throw new ShapeError(`convolutionalize: there is no output ${outputName}: use one of ${Object.keys(net.outputs).join(", ")}`);
  const end = classification === "keep" ? output : classified(output, image);
  const [n, c, h, w] = image.shape as [number, number, number, number];
  const size = options.size ?? [h, w];
  const conversions: Conversion[] = [];
  const built = graph({ [imageName]: input([options.batch ?? n, c, ...size]) }, (inputs) => {
    const slid = slide(end, image, inputs[imageName]!, globalPool);
    conversions.splice(0, Infinity, ...slid.conversions);
    return { [outputName]: withoutLayersOf(net, slid.output) };
  });
  const kept = new Set(built.params.map(({ name }) => name));
  return {
    graph: built as unknown as Graph<I, Pick<O, K>>,
    weights: (weights, { order } = {}) => convert(built, conversions, weights, order),
    converted: conversions.map(({ source, to }) => ({ name: source.name, from: source.shape, to })),
    dropped: net.params.map(({ name }) => name).filter((name) => !kept.has(name)),
  };
}

/** Parameters that know which of the net's layers are gone: surgery may drop what was trained for those. */
function withoutLayersOf(net: Graph<Names, Names>, output: Tensor): Tensor {
  const kept = new Set(
    topological([output])
      .filter(isParam)
      .map(({ name }) => layerOf(name)),
  );
  const gone = [...new Set(net.params.map(({ name }) => layerOf(name)))].filter((layer) => !kept.has(layer));
  if (gone.length === 0) return output;
  return rewrite([output], (node) => (isParam(node) ? { ...node, leavesOut: [...(node.leavesOut ?? []), ...gone] } : node))[0]!;
}

function onlyImage(inputs: Names): [name: string, image: Tensor] {
  const entries = Object.entries(inputs);
  const [name, image] = entries[0]!;
  if (entries.length > 1)
    throw new ShapeError(
      `convolutionalize: the net has inputs ${entries.map(([key]) => key).join(", ")}: build it without labels, with the image alone; the weights are the same`,
    );
  if (image.shape.length !== 4 || image.dtype !== "f32")
    throw new ShapeError(
      `convolutionalize: input ${name} is ${image.dtype} ${formatShape(image.shape)}: it must be an f32 image [N, C, H, W]`,
    );
  return [name, image];
}

function onlyOutput<O extends Names, K extends keyof O & string>(outputs: O): K {
  const names = Object.keys(outputs);
  if (names.length > 1)
    throw new ShapeError(`convolutionalize: the net has outputs ${names.join(", ")}: say which by the option output`);
  return names[0] as K;
}

/** What the classification layer takes: the last layer with weights on the one way from the image to `output`. */
function classified(output: Tensor, image: Tensor): Tensor {
  const dependent = new Set<Tensor>();
  for (const node of topological([output])) if (node === image || node.inputs.some((x) => dependent.has(x))) dependent.add(node);
  let node = output;
  for (;;) {
    const before = node.inputs.filter((x) => dependent.has(x));
    if (before.length === 0)
      throw new ShapeError(
        'convolutionalize: the net has no layer with weights, so none classifies: use classification: "keep" to convert it whole',
      );
    if (before.length > 1)
      throw new ShapeError(
        `convolutionalize: ${describeNode(node)} joins ${before.length} branches behind the last layer with weights, so that no single layer classifies: use classification: "keep" and take what you need`,
      );
    if (WEIGHTED.has(node.op)) return before[0]!;
    node = before[0]!;
  }
}

const WEIGHTED = new Set(["conv2d", "convTranspose2d", "matmul"]);

function convert(
  built: Graph<Names, Names>,
  conversions: readonly Conversion[],
  weights: Weights,
  order: FlattenOrder | undefined,
): Weights {
  const bySource = new Map(conversions.map((conversion) => [conversion.source.name, conversion]));
  return new Map(
    built.params.map(({ name, shape }) => {
      const given = weights.get(name);
      if (!given) {
        const names = [...weights.keys()];
        throw new WeightsError(
          `convolutionalize: there is no weight ${name} among the ${names.length} given (${names.slice(0, 3).join(", ")}, ...): check the names`,
        );
      }
      const conversion = bySource.get(name);
      if (sameShape(given.shape, shape)) return [name, given];
      if (!conversion || !sameShape(given.shape, conversion.source.shape)) {
        const wanted = conversion ? `${formatShape(conversion.source.shape)} or ${formatShape(shape)}` : formatShape(shape);
        throw new WeightsError(
          `convolutionalize: ${name} is ${formatShape(given.shape)} but the net takes ${wanted}: these are the weights of another net`,
        );
      }
      return [name, { shape, data: conversion.convert(given.data, order) }];
    }),
  );
}
