/**
 * Net surgery: starting one net from another's weights, as the authors' surgery.py and solve.py do: classifier to FCN-32s, then 32s to 16s to 8s
 * (fcn.md 1.0, 2.2).
 */
import { table } from "../graph/table.js";
import { isBilinear } from "../tensor/init.js";
import { WeightsError } from "../tensor/errors.js";
import { formatShape, numel, sameShape, type Shape } from "../tensor/shape.js";
import { layerOf, type Param } from "../tensor/tensor.js";
import { initialValue, type Weights } from "../tensor/weights.js";

/** What became of every parameter of the graph, and of the weights that were left over. */
export interface SurgeryReport {
  /** Copied, bit for bit. */
  readonly matched: readonly string[];
  /** Copied under another shape with as many elements: fully connected layers that became convolutions. */
  readonly reshaped: readonly { readonly name: string; readonly from: Shape; readonly to: Shape }[];
  /** Upsampling layers, reset to their bilinear start whatever the weights hold. */
  readonly upsampling: readonly string[];
  /** New in this graph, or of another size: they start from their own initial value. */
  readonly initialised: readonly string[];
  /** Weights that the graph has no use for: of no parameter's name, or of another size. */
  readonly dropped: readonly string[];
  /** A line for every parameter and every weight that was dropped, and how many there are of each. */
  toTable(): string;
}

export interface TransplantOptions {
  /** Draws the initial values of what is new. Default 1. */
  readonly seed?: number;
  /**
   * Layers that may start anew though they start at random, be all zero though they come from the weights, or be dropped though the graph does not know
   * them. `true`: any layer. Layers that start at zero, as the paper's score layers do, need no permission, nor do those that the net leaves out by its making.
   */
  readonly allow?: true | readonly string[];
}

interface Fate {
  readonly name: string;
  readonly from: Shape | null;
  readonly to: Shape | null;
  readonly what: "matched" | "reshaped" | "upsampling" | "initialised" | "dropped";
}

/**
 * Weights for `graph`: those of `from` where the names agree and the elements are as many, in the same order (Caffe's flatten order is that of
 * the convolution; reorder channel-last weights first, by `convolutionalize` or `convolutionalWeight`); the initial value for the rest.
 * Upsampling layers, those that start as `bilinear()`, are always reset. Throws WeightsError where nothing agrees, where a weight's data is not as
 * long as its shape says, and, unless `allow` names the layer, where a layer would start at random or only in part from the weights, where its
 * weight is all zero, or where weights have no place in the graph: a net that was never trained, names that do not agree, or another net's
 * weights would otherwise pass for pretrained ones. What a net leaves out by its making (`Param.leavesOut`) is dropped without a word: the
 * classifier's last layer in a net for segmentation, GoogLeNet's side classifiers, the layers of another variant's head.
 *
 * @example
 * const { weights, report } = transplant(await fcn32s.save(), fcn({ trunk: "vgg16", variant: "16s", classes: 21, size }));
 * console.log(report.toTable());
 */
export function transplant(
  from: Weights,
  graph: { readonly params: readonly Param[] },
  options: TransplantOptions = {},
): { readonly weights: Weights; readonly report: SurgeryReport } {
  const { seed = 1, allow = [] } = options;
  const weights = new Map<string, { readonly shape: Shape; readonly data: Float32Array }>();
  const fates: Fate[] = [];
  const used = new Set<string>();
  for (const parameter of graph.params) {
    const { name, shape: to } = parameter;
    const given = from.get(name);
    if (given && given.data.length !== numel(given.shape)) {
      throw new WeightsError(
        `transplant: ${name} has ${given.data.length} values but its shape ${formatShape(given.shape)} takes ${numel(given.shape)}: the weights are damaged`,
      );
    }
    const isUpsampling = isBilinear(parameter.init);
    if (given && !isUpsampling && fits(given.shape, to)) {
      weights.set(name, { shape: to, data: given.data });
      used.add(name);
      fates.push({ name, from: given.shape, to, what: sameShape(given.shape, to) ? "matched" : "reshaped" });
      continue;
    }
    weights.set(name, { shape: to, data: initialValue(parameter, seed) });
    if (given && isUpsampling) used.add(name);
    fates.push({ name, from: given?.shape ?? null, to, what: isUpsampling ? "upsampling" : "initialised" });
  }
  if (!fates.some(({ what }) => what === "matched" || what === "reshaped")) {
    throw new WeightsError(
      `transplant: none of the ${from.size} weights (${few(from.keys())}) fits a parameter of the graph (${few(weights.keys())}): check the names`,
    );
  }
  for (const [name, { shape }] of from) if (!used.has(name)) fates.push({ name, from: shape, to: null, what: "dropped" });
  const isAllowed = (layer: string): boolean => allow === true || allow.includes(layer);
  checkNew(fates, weights, isAllowed);
  checkZero(fates, weights, isAllowed);
  const leftOut = [...new Set(graph.params.flatMap(({ leavesOut = [] }) => leavesOut))];
  checkDropped(fates, (layer) => isAllowed(layer) || leftOut.some((name) => isCalled(layer, name)));
  return { weights, report: reportOf(fates) };
}

/** As many elements, for as many outputs: a transposed kernel has as many as well, and is another. */
function fits(from: Shape, to: Shape): boolean {
  return numel(from) === numel(to) && (from[0] === to[0] || sameShape(from, to));
}

/** Layers that start at random, or in part from the weights and in part anew. */
function checkNew(fates: readonly Fate[], weights: Weights, isAllowed: (layer: string) => boolean): void {
  const isNew = ({ what }: Fate): boolean => what === "initialised";
  const inLayer = (layer: string): Fate[] => fates.filter(({ name, to }) => to !== null && layerOf(name) === layer);
  const layers = [...new Set(fates.filter(isNew).map(({ name }) => layerOf(name)))];
  const wrong = layers.filter((layer) => {
    const all = inLayer(layer);
    const startsAtZero = all.every((fate) => isNew(fate) && isZero(weights.get(fate.name)!.data));
    return !startsAtZero && !isAllowed(layer);
  });
  if (wrong.length === 0) return;
  const missed = fates.filter((fate) => isNew(fate) && wrong.includes(layerOf(fate.name)));
  const described = missed.map(
    ({ name, from, to }) => `${name} ${formatShape(to!)}${from ? `, given as ${formatShape(from)}` : ""}`,
  );
  const unused = fates.filter(({ what }) => what === "dropped").map(({ name }) => name);
  throw new WeightsError(
    `transplant: the weights have no ${few(described, "; ")}, which would start anew (left over: ${few(unused) || "none"}): check the names and sizes, or allow it: { allow: ${JSON.stringify(wrong.slice(0, MOST_NAMED))} }`,
  );
}

/** Pretrained layers whose weight is all zero. */
function checkZero(fates: readonly Fate[], weights: Weights, isAllowed: (layer: string) => boolean): void {
  const zero = fates.filter(
    ({ name, to, what }) =>
      (what === "matched" || what === "reshaped") &&
      to!.length > 1 &&
      !isAllowed(layerOf(name)) &&
      isZero(weights.get(name)!.data),
  );
  if (zero.length > 0)
    throw new WeightsError(
      `transplant: ${few(zero.map(({ name }) => name))} of the weights hold nothing but zeros: they were never trained; load trained weights, or allow it: { allow: ${JSON.stringify(zero.slice(0, MOST_NAMED).map(({ name }) => layerOf(name)))} }`,
    );
}

/** Weights of no parameter's name. Those of another size than the parameter of their name are the affair of {@link checkNew}. */
function checkDropped(fates: readonly Fate[], mayGo: (layer: string) => boolean): void {
  const inGraph = new Set(fates.filter(({ to }) => to !== null).map(({ name }) => name));
  const lost = fates.filter(({ name, what }) => what === "dropped" && !inGraph.has(name) && !mayGo(layerOf(name)));
  if (lost.length === 0) return;
  const layers = [...new Set(lost.map(({ name }) => layerOf(name)))];
  const described = lost.map(({ name, from }) => `${name} ${formatShape(from!)}`);
  throw new WeightsError(
    `transplant: the graph has no ${few(described, "; ", MOST_NAMED)}, which the weights hold: they are of another net, or go by other names; build the net that they belong to, or leave out what it does without: { allow: ${JSON.stringify(layers.slice(0, MOST_NAMED))} }`,
  );
}

/** Layers that an error names at most. */
const MOST_NAMED = 8;

/** `name` as in `Param.leavesOut`. */
function isCalled(layer: string, name: string): boolean {
  return name.endsWith("*") ? layer.startsWith(name.slice(0, -1)) : layer === name;
}

function reportOf(fates: readonly Fate[]): SurgeryReport {
  const namesOf = (what: Fate["what"]): string[] => fates.filter((f) => f.what === what).map(({ name }) => name);
  const count = (what: Fate["what"]): string => `${namesOf(what).length} ${what}`;
  return {
    matched: namesOf("matched"),
    reshaped: fates.flatMap(({ name, from, to, what }) => (what === "reshaped" ? [{ name, from: from!, to: to! }] : [])),
    upsampling: namesOf("upsampling"),
    initialised: namesOf("initialised"),
    dropped: namesOf("dropped"),
    toTable() {
      const rows = fates.map(({ name, from, to, what }) => [
        name,
        from ? formatShape(from) : "",
        to ? formatShape(to) : "",
        what,
      ]);
      const kinds = ["matched", "reshaped", "upsampling", "initialised", "dropped"] as const;
      return `${table(["parameter", "weights", "graph", "what"], rows)}\n${kinds.map(count).join(", ")}`;
    },
  };
}

function isZero(data: Float32Array): boolean {
  return data.every((v) => v === 0);
}

function few(names: Iterable<string>, separator = ", ", most = 3): string {
  const all = [...names];
  return all.slice(0, most).join(separator) + (all.length > most ? `${separator}...` : "");
}
