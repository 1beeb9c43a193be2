/** Trunks, padding and heads put together: one trunk and one head as in figure 3, or several of either (multi-head.ts, fusion.ts). */
import { ShapeError } from "../tensor/errors.js";
import { isParam, topological, type Param, type Tensor } from "../tensor/tensor.js";
import { cropOffset } from "./coordinate-map.js";
import { headLayers, layersOfHeads } from "./heads.js";
import { orTooSmall } from "./smallest-image.js";
import type { Trunk } from "./trunk.js";
import { convolutionalTrunk } from "./trunk-layers.js";
import { trunkOf, type TrunkName } from "./trunks.js";

/** What nets have in common, whatever their heads. */
export interface NetOptions {
  /** A trunk by name, or a table of one's own. */
  readonly trunk: TrunkName | Trunk;
  /** Factor on the channels of the trunk. Default 1: the paper's. */
  readonly width?: number;
  /**
   * "caffe" (default): the authors' 100 pixels round the image; for nets that they did not publish what covers it: 10 for lenet, 3 for
   * googlenet, 1 for squeezenet. "minimal": as few as let the scores cover this image. "same": every layer pads itself, the upsampling too; the
   * crops vanish where the stride divides the image.
   */
  readonly padding?: "caffe" | "minimal" | "same";
  /** Which bilinear layers are learned: none ("frozen", default, the released models), all but the last ("learned2x", the paper's 4.3), or all. */
  readonly upsampling?: "frozen" | "learned2x" | "learned";
  /**
   * How the scores of a skip join what is upsampled: their sum (default), or the larger of the two, which the authors found hard to learn
   * (footnote 6).
   */
  readonly fusion?: "sum" | "max";
}

/** An image and its own copy of the trunk; the suffix is behind the names of the copy's layers. */
export interface NetStream {
  readonly image: Tensor;
  readonly suffix: string;
}

/** One label set; the suffix is behind the names of the head's layers. */
export interface NetHead {
  readonly variant: string;
  readonly classes: number;
  readonly suffix: string;
}

export interface NetLayers {
  /** [N, classes, H, W] of each head. */
  readonly scores: readonly Tensor[];
  readonly layers: ReadonlyMap<string, Tensor>;
  readonly params: readonly Param[];
}

type BuildOptions = NetOptions & { readonly dropout?: number | "trunk" };

/** Throws ShapeError for unknown options and for images that the padding does not suffice for. */
export function netLayers(streams: readonly NetStream[], heads: readonly NetHead[], options: BuildOptions): NetLayers {
  const trunk = trunkOf(options.trunk);
  checkOptions(trunk, heads, options);
  const build = (padding: number | "same"): NetLayers => buildNet(trunk, streams, heads, options, padding);
  switch (options.padding ?? "caffe") {
    case "caffe":
      return orTooSmall(
        streams.map(({ image }) => image),
        (images) => buildNet(trunk, withImages(streams, images), heads, options, trunk.caffePadding),
        {
          net: `fcn: ${heads.map(({ variant }) => variant).join(", ")} on ${trunk.name}`,
          remedy: ', or use padding "minimal" or "same", which take any size',
        },
      );
    case "same":
      return build("same");
    case "minimal":
      return buildMinimal(trunk, streams, heads, build);
  }
}

function checkOptions(trunk: Trunk, heads: readonly NetHead[], options: NetOptions): void {
  const { width = 1, padding = "caffe", upsampling = "frozen", fusion = "sum" } = options;
  const fail = (name: string, value: unknown, use: string): never => {
    throw new ShapeError(`fcn: ${name} is ${String(value)}: use ${use}`);
  };
  for (const { variant, classes } of heads) {
    if (!Object.hasOwn(trunk.heads, variant)) fail("variant", variant, `${Object.keys(trunk.heads).join(", ")} on ${trunk.name}`);
    if (!Number.isInteger(classes) || classes < 1) fail("classes", classes, "an integer of at least 1");
  }
  if (!(width > 0 && Number.isFinite(width))) fail("width", width, "a positive factor on the trunk's channels");
  if (!["caffe", "minimal", "same"].includes(padding)) fail("padding", padding, "caffe, minimal or same");
  if (!["frozen", "learned2x", "learned"].includes(upsampling)) fail("upsampling", upsampling, "frozen, learned2x or learned");
  if (!["sum", "max"].includes(fusion)) fail("fusion", fusion, "sum or max");
}

function withImages(streams: readonly NetStream[], images: readonly Tensor[]): readonly NetStream[] {
  return streams.map((stream, i) => ({ ...stream, image: images[i]! }));
}

type Build = (padding: number) => NetLayers;

/** The smallest padding at which the scores cover the image: first by where they begin, then by whether they reach its end. */
function buildMinimal(trunk: Trunk, streams: readonly NetStream[], heads: readonly NetHead[], build: Build): NetLayers {
  // Padding moves the scores by as many pixels: what an ample padding crops away can be saved.
  const { padding: ample, net } = buildAmple(trunk, build);
  const { image } = streams[0]!;
  const begins = heads.flatMap(({ variant, suffix }) =>
    cropOffset(net.layers.get(trunk.heads[variant]!.upsampling + suffix)!, image, image),
  );
  for (let padding = Math.max(0, ample - Math.min(...begins)); ; padding++) {
    try {
      return build(padding);
    } catch (error) {
      if (padding >= ample || !(error instanceof ShapeError)) throw error;
    }
  }
}

/** A padding at which the net can be built: the authors' and a stride more, or as often twice that as it takes. */
function buildAmple(trunk: Trunk, build: Build): { readonly padding: number; readonly net: NetLayers } {
  const stride = trunk.layers.reduce((s, layer) => s * ("stride" in layer ? (layer.stride ?? 1) : 1), 1);
  for (let padding = trunk.caffePadding + stride; ; padding *= 2) {
    try {
      return { padding, net: build(padding) };
    } catch (error) {
      if (padding >= MOST_PADDING || !(error instanceof ShapeError)) throw error;
    }
  }
}

/** Beyond any receptive field: what does not fit then never will. */
const MOST_PADDING = 2 ** 14;

function buildNet(
  trunk: Trunk,
  streams: readonly NetStream[],
  heads: readonly NetHead[],
  options: BuildOptions,
  padding: number | "same",
): NetLayers {
  const { upsampling = "frozen", fusion = "sum", width = 1, dropout = 0 } = options;
  const dropouts = trunk.layers.filter(({ op }) => op === "dropout").length;
  const trunks = streams.map(({ image, suffix }, i) => ({
    layers: convolutionalTrunk(trunk, image, { width, padding, dropout, suffix, dropoutSeed: i * dropouts }),
    suffix,
  }));
  const layers = new Map(trunks.flatMap((stream) => [...stream.layers]));
  const isSame = padding === "same";
  const others = layersOfHeads(trunk.heads);
  const scores = heads.map(({ variant, classes, suffix }) => {
    const own = { classes, upsampling, fusion, isSame, suffix, others };
    const head = headLayers(trunks, trunk.heads[variant]!, streams[0]!.image, own);
    for (const [name, tensor] of head.layers) layers.set(name, tensor);
    return head.scores;
  });
  return { scores, layers, params: topological(scores).filter(isParam) };
}
