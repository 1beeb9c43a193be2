/**
 * Net surgery: starting one net from another's weights, as the authors' surgery.py and solve.py do: classifier to FCN-32s, then 32s to 16s to 8s
 * (fcn.md 1.0, 2.2).
 */
import { WeightsError } from "../tensor/errors.js";
import { formatShape, numel, sameShape, type Shape } from "../tensor/shape.js";
import type { Param } from "../tensor/tensor.js";
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
}

/**
 * Weights for `graph`: those of `from` where the names agree and the elements are as many, in the same order (Caffe's flatten order is that of
 * the convolution; use `convolutionalize` on channel-last weights first); the initial value, drawn with `seed` (default 1), for the rest. Layers
 * whose name contains "up" are always reset. Throws WeightsError where nothing agrees, or where a weight's data is not as long as its shape says.
 *
 * @example
 * const { weights, report } = transplant(await fcn32s.save(), fcn({ trunk: "vgg16", variant: "16s", classes: 21, size }));
 */
export function transplant(
  from: Weights,
  graph: { readonly params: readonly Param[] },
  options: { readonly seed?: number } = {},
): { readonly weights: Weights; readonly report: SurgeryReport } {
  const { seed = 1 } = options;
  const weights = new Map<string, { readonly shape: Shape; readonly data: Float32Array }>();
  const report = {
    matched: [] as string[],
    reshaped: [] as { name: string; from: Shape; to: Shape }[],
    upsampling: [] as string[],
    initialised: [] as string[],
  };
  const used = new Set<string>();
  for (const parameter of graph.params) {
    const { name, shape } = parameter;
    const given = from.get(name);
    if (given && given.data.length !== numel(given.shape)) {
      throw new WeightsError(
        `transplant: ${name} has ${given.data.length} values but its shape ${formatShape(given.shape)} takes ${numel(given.shape)}: the weights are damaged`,
      );
    }
    const isUpsampling = isUpsamplingLayer(name);
    if (given && !isUpsampling && numel(given.shape) === numel(shape)) {
      weights.set(name, { shape, data: given.data });
      used.add(name);
      if (sameShape(given.shape, shape)) report.matched.push(name);
      else report.reshaped.push({ name, from: given.shape, to: shape });
      continue;
    }
    weights.set(name, { shape, data: initialValue(parameter, seed) });
    if (given && isUpsampling) used.add(name);
    (isUpsampling ? report.upsampling : report.initialised).push(name);
  }
  if (report.matched.length + report.reshaped.length === 0) {
    throw new WeightsError(
      `transplant: none of the ${from.size} weights (${few(from.keys())}) fits a parameter of the graph (${few(weights.keys())}): check the names`,
    );
  }
  return { weights, report: { ...report, dropped: [...from.keys()].filter((name) => !used.has(name)) } };
}

/** By solve.py's rule: the layer's name contains "up". */
function isUpsamplingLayer(parameterName: string): boolean {
  return parameterName.replace(/\.[^.]*$/, "").includes("up");
}

function few(names: Iterable<string>): string {
  const all = [...names];
  return all.slice(0, 3).join(", ") + (all.length > 3 ? ", ..." : "");
}
