/**
 * Depth beside colour (paper, NYUDv2; the authors' nyud-fcn32s-color-d and nyud-fcn32s-color-hha, fcn.md 1.7). Early fusion: a fourth channel
 * into one trunk. Late fusion: a trunk for each input, and scores that are averaged before they are upsampled.
 */
import { graph, type Graph } from "../graph/graph.js";
import { argMax } from "../kernels/labels.js";
import { softmaxCrossEntropy } from "../kernels/loss.js";
import { ShapeError, WeightsError } from "../tensor/errors.js";
import { formatShape } from "../tensor/shape.js";
import { input, type Tensor } from "../tensor/tensor.js";
import type { Weights } from "../tensor/weights.js";
import type { FcnLayers, FcnOptions, FcnTrainingOptions, SizedFcnOptions } from "./fcn.js";
import { netLayers } from "./net-layers.js";
import type { Trunk } from "./trunk.js";
import { trunkOf, type TrunkName } from "./trunks.js";

/** The trunk on images of more channels: colour and depth in one tensor [N, 4, H, W]. Its weights: {@link earlyFusionWeights}. */
export function earlyFusionTrunk(trunk: TrunkName | Trunk, channels = 4): Trunk {
  const table = trunkOf(trunk);
  if (!Number.isInteger(channels) || channels <= table.crop.channels)
    throw new ShapeError(
      `earlyFusionTrunk: channels is ${channels} but ${table.name} takes ${table.crop.channels} already: use an integer above that`,
    );
  return { ...table, name: `${table.name} on ${channels} channels`, crop: { ...table.crop, channels } };
}

/**
 * A colour trunk's weights for {@link earlyFusionTrunk}: each added channel of the first layer's filters is the mean over their colour channels,
 * so that the new input starts as one more grey image (surgery of the authors' nyud-fcn32s-color-d/solve.py). All other weights are passed on.
 * Throws WeightsError where the first layer's is missing or has as many channels already.
 */
export function earlyFusionWeights(weights: Weights, trunk: Trunk): Weights {
  const name = `${trunk.layers[0]!.name}.weight`;
  const weight = weights.get(name);
  if (!weight) throw new WeightsError(`earlyFusionWeights: there is no weight ${name}: check the names`);
  const [outputs = 0, colours = 0, height = 0, width = 0] = weight.shape;
  const { channels } = trunk.crop;
  if (weight.shape.length !== 4 || colours >= channels)
    throw new WeightsError(
      `earlyFusionWeights: ${name} is ${formatShape(weight.shape)} but ${trunk.name} takes ${channels} channels: give weights of fewer`,
    );
  const plane = height * width;
  const data = new Float32Array(outputs * channels * plane);
  for (let o = 0; o < outputs; o++) {
    const own = weight.data.subarray(o * colours * plane, (o + 1) * colours * plane);
    const grey = Float32Array.from({ length: plane }, (_, i) => {
      let total = 0;
      for (let c = 0; c < colours; c++) total += own[c * plane + i]!;
      return total / colours;
    });
    data.set(own, o * channels * plane);
    for (let c = colours; c < channels; c++) data.set(grey, (o * channels + c) * plane);
  }
  return new Map(weights).set(name, { shape: [outputs, channels, height, width], data });
}

/** Late fusion takes several images of one scene, by the name of the stream: `{ streams: ["color", "hha"] }`. */
export interface StreamOptions<K extends string> {
  /** Put behind the names of a stream's layers, as the authors do: `conv1_1color`, `score_frhha`. */
  readonly streams: readonly K[];
}

/** An image for each stream. */
export type StreamImages<K extends string> = { readonly [N in K]: Tensor };

/**
 * One trunk for each image, all of the same table, and one head: the streams' scores are summed with coefficients 1 / streams (0.5 and 0.5 for
 * two), at every skip too, and upsampled once. For graphs of one's own: scores, layers by name, parameters, as `fcnLayers`.
 */
export function lateFusionLayers(
  images: Readonly<Record<string, Tensor>>,
  options: FcnOptions & { readonly dropout?: number | "trunk" },
): FcnLayers {
  const { variant, classes } = options;
  const streams = Object.entries(images).map(([suffix, image]) => ({ image, suffix }));
  if (streams.length === 0) throw new ShapeError("lateFusionLayers: there are no images: give one for each stream");
  const { scores, layers, params } = netLayers(streams, [{ variant, classes, suffix: "" }], options);
  return { scores: scores[0]!, layers, params };
}

/**
 * Late fusion for inference: an image by each stream's name -> scores [N, classes, H, W] and labels i32 [N, H, W]. Start it from two trained
 * nets of one stream: `transplant(new Map([...streamWeights(color, "color"), ...streamWeights(hha, "hha")]), net)`.
 */
export function lateFusionFcn<K extends string>(
  options: SizedFcnOptions & StreamOptions<K>,
): Graph<StreamImages<K>, { readonly scores: Tensor; readonly labels: Tensor }> {
  return graph(imageInputs(options), (images) => {
    const { scores } = lateFusionLayers(images, options);
    return { scores, labels: argMax(scores) };
  });
}

/** The same net with labels i32 [N, H, W] and its losses, as `fcnTraining`. */
export function lateFusionTraining<K extends string>(
  options: FcnTrainingOptions & StreamOptions<K>,
): Graph<
  StreamImages<K> & { readonly labels: Tensor },
  { readonly scores: Tensor; readonly prediction: Tensor; readonly loss: Tensor; readonly lossSum: Tensor }
> {
  const { batch = 1, size, ignoreIndex = 255, dropout = "trunk" } = options;
  return graph({ ...imageInputs(options), labels: input([batch, ...size], "i32") }, ({ labels, ...images }) => {
    const { scores } = lateFusionLayers(images, { ...options, dropout });
    return {
      scores,
      prediction: argMax(scores),
      loss: softmaxCrossEntropy(scores, labels, { ignoreIndex }),
      lossSum: softmaxCrossEntropy(scores, labels, { ignoreIndex, reduction: "sum" }),
    };
  });
}

/** A single stream's weights under the names that it has in a net of several: `conv1_1.weight` becomes `conv1_1color.weight`. */
export function streamWeights(weights: Weights, stream: string): Weights {
  return new Map(
    [...weights].map(([name, value]) => {
      const at = name.lastIndexOf(".");
      return [at < 0 ? name + stream : name.slice(0, at) + stream + name.slice(at), value];
    }),
  );
}

function imageInputs<K extends string>({ streams, trunk, batch = 1, size }: SizedFcnOptions & StreamOptions<K>): StreamImages<K> {
  const { channels } = trunkOf(trunk).crop;
  const wrong = streams.find((stream, i) => stream === "labels" || streams.indexOf(stream) !== i);
  if (wrong !== undefined || streams.length === 0)
    throw new ShapeError(`lateFusionFcn: streams are ${streams.join(", ")}: give each a name of its own, other than "labels"`);
  return Object.fromEntries(streams.map((stream) => [stream, input([batch, channels, ...size])])) as StreamImages<K>;
}
