/**
 * Heads (paper, section 4.2 and figure 3): scores at the trunk's coarsest layer, and skips from shallower ones: upsample what there is, add the
 * scores of the shallower layer, and upsample to pixels at last. Every crop and upsampling kernel follows from coordinate maps.
 */
import { conv2d } from "../kernels/conv2d.js";
import { convTranspose2d } from "../kernels/conv-transpose2d.js";
import { maximum, scale, sum } from "../kernels/elementwise.js";
import { bilinear, zeros } from "../tensor/init.js";
import { named, param, type Tensor } from "../tensor/tensor.js";
import { coordinateMap, cropLike, cropTogether, type CoordinateMap } from "./coordinate-map.js";
import type { Head } from "./trunk.js";

/** A trunk's layers by name, as `convolutionalTrunk` gives them; `suffix` is behind the names of the layer scores too. */
export interface Stream {
  readonly layers: ReadonlyMap<string, Tensor>;
  readonly suffix: string;
}

export interface HeadOptions {
  readonly classes: number;
  readonly upsampling: "frozen" | "learned2x" | "learned";
  /** How scores of a skip join what is upsampled. */
  readonly fusion: "sum" | "max";
  /** Upsampling pads by what would be cropped. */
  readonly isSame: boolean;
  /** Behind every layer's name: two heads on one trunk need names of their own. Default "". */
  readonly suffix?: string;
  /** Layers of the trunk's other heads, which surgery from a net with one of those drops: {@link layersOfHeads}. */
  readonly others?: readonly string[];
}

/** The weighted layers of any head of these, by their names' beginnings: a net with another head goes without them, under whatever suffix. */
export function layersOfHeads(heads: Readonly<Record<string, Head>>): readonly string[] {
  const own = Object.values(heads).flatMap((head) => [...head.skips.map(({ upsampling }) => upsampling), head.upsampling]);
  return [...new Set(["score_", "upscore", ...own])].map((name) => `${name}*`);
}

/**
 * The head on the layers of one trunk, or of several that see the same scene: their scores are then averaged (late fusion, paper section 5).
 * Returns scores [N, classes, H, W] of the image's size and the head's layers by their names in the authors' prototxts. Throws ShapeError where
 * the scores do not cover the image.
 */
export function headLayers(
  streams: readonly Stream[],
  head: Head,
  image: Tensor,
  options: HeadOptions,
): { readonly scores: Tensor; readonly layers: ReadonlyMap<string, Tensor> } {
  const { classes, upsampling, fusion, isSame, suffix = "", others = [] } = options;
  const layers = new Map<string, Tensor>();
  const add = (name: string, tensor: Tensor): Tensor => {
    const layer = tensor.name === name ? tensor : named(tensor, name);
    layers.set(name, layer);
    return layer;
  };
  const upsample = (x: Tensor, target: Tensor, name: string, isLearned: boolean): Tensor =>
    add(name, bilinearUpsampling(x, target, image, { name, classes, isLearned, isSame }));
  const scored = (name: string, fused: string, from: (stream: Stream) => Tensor): Tensor => {
    const scores = streams.map((stream) => {
      const layer = name + suffix + stream.suffix;
      return add(layer, score(from(stream), layer, classes, others));
    });
    const coefficients = scores.map(() => 1 / scores.length);
    return scores.length === 1 ? scores[0]! : add(fused + suffix, sum(scores, coefficients));
  };

  let scores = scored("score_fr", "score_fused", (stream) => [...stream.layers.values()].at(-1)!);
  for (const { from, name = from, upsampling: by, scale: factor } of head.skips) {
    const shallow = scored(`score_${name}`, `score_${name}_fused`, (stream) => {
      const layer = stream.layers.get(from + stream.suffix)!;
      return factor === undefined ? layer : add(`scale_${name}${suffix}${stream.suffix}`, scale(layer, factor));
    });
    const up = upsample(scores, shallow, by + suffix, upsampling !== "frozen");
    // Padded by 100, the shallower layer reaches beyond what is upsampled; with little padding it is the other way round.
    const [cropped, kept] = cropTogether(up, shallow, image).map((tensor, i) => {
      const whole = [up, shallow][i]!;
      return tensor === whole ? whole : add(`${whole.name}c`, tensor);
    }) as [Tensor, Tensor];
    scores = add(`fuse_${name}${suffix}`, fusion === "max" ? maximum(cropped, kept) : sum([cropped, kept]));
  }
  const up = upsample(scores, image, head.upsampling + suffix, upsampling === "learned");
  scores = add(`score${suffix}`, cropLike(up, image, image));
  return { scores, layers };
}

/** A 1x1 convolution that starts at zero (paper, 4.1 and 4.2), with Caffe's multipliers for its bias. */
function score(x: Tensor, name: string, classes: number, leavesOut: readonly string[]): Tensor {
  const weight = param(`${name}.weight`, [classes, x.shape[1]!, 1, 1], zeros(), { leavesOut });
  return conv2d(x, weight, param(`${name}.bias`, [classes], zeros(), { lrMult: 2, decayMult: 0 }));
}

/**
 * x at the stride of `target`, by a transposed convolution that starts as bilinear interpolation, each class by itself. The kernel is the usual
 * 2 factor (less one if odd), or one smaller where only that puts its pixels on the target's (AlexNet: 63 for 32; fcn.md 1.6). With `isSame` it
 * pads by what would be cropped.
 */
function bilinearUpsampling(
  x: Tensor,
  target: Tensor,
  image: Tensor,
  {
    name,
    classes,
    isLearned,
    isSame,
  }: { readonly name: string; readonly classes: number; readonly isLearned: boolean; readonly isSame: boolean },
): Tensor {
  const [from, to] = [coordinateMap(x, image), coordinateMap(target, image)];
  const factor = from[0].stride / to[0].stride;
  const usual = 2 * factor - (factor % 2);
  const kernel = [usual, usual - 1].find((k) => startsOf(from, to, k).every(Number.isInteger)) ?? usual;
  const weight = param(
    `${name}.weight`,
    [classes, classes, kernel, kernel],
    bilinear(),
    isLearned ? {} : { lrMult: 0, decayMult: 0 },
  );
  if (!isSame) return convTranspose2d(x, weight, null, { stride: factor });
  const starts = startsOf(from, to, kernel);
  const along = (axis: 0 | 1): readonly [before: number, after: number] => {
    const before = Math.max(0, starts[axis]);
    const beyond = factor * (x.shape[2 + axis]! - 1) + kernel - starts[axis] - target.shape[2 + axis]!;
    return [before, Math.max(0, Math.min(kernel - factor - starts[axis], beyond))];
  };
  const [[top, bottom], [left, right]] = [along(0), along(1)];
  return convTranspose2d(x, weight, null, { stride: factor, padding: [top, left, bottom, right] });
}

/** Rows and columns of the upsampled map in front of the target's first, for a kernel without padding. */
function startsOf(from: CoordinateMap, to: CoordinateMap, kernel: number): [h: number, w: number] {
  const along = (axis: 0 | 1): number => (to[axis].offset - from[axis].offset) / to[axis].stride + (kernel - 1) / 2;
  return [along(0), along(1)];
}
