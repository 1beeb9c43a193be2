/**
 * Several label sets on one trunk, each with its own scores and skips, their losses summed (paper, SIFT Flow: 33 semantic and 3 geometric
 * classes; the authors' siftflow-fcn16s/net.py, fcn.md 1.7).
 */
import { graph, type Graph } from "../graph/graph.js";
import { argMax } from "../kernels/labels.js";
import { sum } from "../kernels/elementwise.js";
import { softmaxCrossEntropy } from "../kernels/loss.js";
import { ShapeError } from "../tensor/errors.js";
import { input, type Tensor } from "../tensor/tensor.js";
import { netLayers, type NetOptions } from "./net-layers.js";
import { trunkOf } from "./trunks.js";

export interface MultiHeadOptions<K extends string> extends NetOptions {
  /** By name, which is put behind the names of a head's layers as `_<name>`: the authors' are `score_fr_sem`, `score_fr_geo`. */
  readonly heads: { readonly [N in K]: { readonly variant: string; readonly classes: number } };
  /** Images at once. Default 1. */
  readonly batch?: number;
  /** Rows and columns of the image. */
  readonly size: readonly [h: number, w: number];
}

/** A tensor of each head under `<what>_<head>`. */
export type ByHead<P extends string, K extends string> = { readonly [N in `${P}_${K}`]: Tensor };

/**
 * A net with several heads for inference: image -> `scores_<head>` [N, classes, H, W] and `labels_<head>` i32 [N, H, W] of each. Throws
 * ShapeError for unknown options, as `fcn`.
 *
 * @example multiHeadFcn({ trunk: "vgg16", heads: { sem: { variant: "16s", classes: 33 }, geo: { variant: "16s", classes: 3 } }, size: [256, 256] })
 */
export function multiHeadFcn<K extends string>(
  options: MultiHeadOptions<K>,
): Graph<{ readonly image: Tensor }, ByHead<"scores" | "labels", K>> {
  return graph({ image: imageInput(options) }, ({ image }) => {
    const scores = scoresOf(image, options);
    return byHead(scores, (score) => ({ scores: score, labels: argMax(score) })) as ByHead<"scores" | "labels", K>;
  });
}

/**
 * The same net with `labels_<head>` i32 [N, H, W] and losses: `loss` and `lossSum`, the unweighted sums of the heads' mean and summed cross
 * entropies, and each head's own mean, `loss_<head>`. Train on either of the first two.
 */
export function multiHeadTraining<K extends string>(
  options: MultiHeadOptions<K> & {
    /** Pixels of this label count for nothing, in every head. Default 255. */
    readonly ignoreIndex?: number | null;
    /** Probability of dropout where the trunk has it, 0 for none. Default "trunk": the trunk's own. */
    readonly dropout?: number | "trunk";
  },
): Graph<
  { readonly image: Tensor } & ByHead<"labels", K>,
  { readonly loss: Tensor; readonly lossSum: Tensor } & ByHead<"scores" | "prediction" | "loss", K>
> {
  const { batch = 1, size, ignoreIndex = 255, dropout = "trunk" } = options;
  const names = Object.keys(options.heads) as K[];
  const labels = Object.fromEntries(names.map((name) => [`labels_${name}`, input([batch, ...size], "i32")])) as ByHead<
    "labels",
    K
  >;
  return graph({ image: imageInput(options), ...labels }, (inputs) => {
    const given = inputs as Readonly<Record<string, Tensor>>;
    const scores = scoresOf(given["image"]!, { ...options, dropout });
    const losses = (reduction: "mean" | "sum"): Tensor[] =>
      names.map((name) => softmaxCrossEntropy(scores[name], given[`labels_${name}`]!, { ignoreIndex, reduction }));
    const means = losses("mean");
    const own = byHead(scores, (score, i) => ({ scores: score, prediction: argMax(score), loss: means[i]! }));
    return { loss: sum(means), lossSum: sum(losses("sum")), ...(own as ByHead<"scores" | "prediction" | "loss", K>) };
  });
}

function imageInput<K extends string>({ trunk, batch = 1, size }: MultiHeadOptions<K>): Tensor {
  return input([batch, trunkOf(trunk).crop.channels, ...size]);
}

function scoresOf<K extends string>(
  image: Tensor,
  options: MultiHeadOptions<K> & { readonly dropout?: number | "trunk" },
): { readonly [N in K]: Tensor } {
  const entries = Object.entries(options.heads) as [K, MultiHeadOptions<K>["heads"][K]][];
  if (entries.length === 0) throw new ShapeError("multiHeadFcn: there are no heads: give at least one");
  const heads = entries.map(([name, head]) => ({ ...head, suffix: `_${name}` }));
  const { scores } = netLayers([{ image, suffix: "" }], heads, options);
  return Object.fromEntries(entries.map(([name], i) => [name, scores[i]!])) as { readonly [N in K]: Tensor };
}

/** `<what>_<head>` of each head. */
function byHead(
  scores: Readonly<Record<string, Tensor>>,
  of: (score: Tensor, index: number) => Readonly<Record<string, Tensor>>,
): Readonly<Record<string, Tensor>> {
  return Object.fromEntries(
    Object.entries(scores).flatMap(([name, score], i) =>
      Object.entries(of(score, i)).map(([what, tensor]) => [`${what}_${name}`, tensor]),
    ),
  );
}
