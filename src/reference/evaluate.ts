/** Runs whole graphs on the CPU reference: every node by its plain float64 loops, in order. */
import { InputError, ShapeError, WeightsError } from "../tensor/errors.js";
import { formatShape, numel, sameShape } from "../tensor/shape.js";
import { isParam, topological, type Tensor } from "../tensor/tensor.js";
import type { TypedArray, Weights } from "../tensor/weights.js";
import { floats, ints, type NdArray } from "./nd-array.js";
import { REFERENCE } from "./ops.js";

type Values = Readonly<Record<string, TypedArray>>;
/** What the reference needs of a graph. */
export interface GraphLike {
  readonly inputs: Readonly<Record<string, Tensor>>;
  readonly outputs: Readonly<Record<string, Tensor>>;
}

export interface ReferenceOptions {
  /** Seed of the weights that `weights` does not hold, and of dropout. Default 1. */
  readonly seed?: number;
  /** Training step, of which dropout's mask depends. Without it dropout is left out, as in `program.run`. */
  readonly step?: number;
}

/** How nodes are evaluated by themselves: with dropout, at step 0, but for `inference`. */
interface EvaluateOptions extends ReferenceOptions {
  readonly inference?: boolean;
}

/**
 * Runs a graph on the CPU in float64. Parameters come from `weights`; one that is missing there is an error. Dropout is left out unless `step` says
 * which step of a training it is.
 * Returns every output: Float64Array, or Int32Array for integer outputs. Throws InputError and WeightsError as a program would.
 */
export function runReference<G extends GraphLike>(
  graph: G,
  weights: Weights,
  inputs: { readonly [K in keyof G["inputs"]]: TypedArray },
  options: ReferenceOptions = {},
): { readonly [K in keyof G["outputs"]]: Float64Array | Int32Array } {
  const leaves = new Map<Tensor, NdArray>();
  for (const [name, tensor] of Object.entries(graph.inputs))
    leaves.set(tensor, inputValue(name, tensor, (inputs as Values)[name]));
  for (const name of Object.keys(inputs))
    if (!(name in graph.inputs))
      throw new InputError(`runReference: there is no input ${name}: the inputs are ${Object.keys(graph.inputs).join(", ")}`);
  const results = evaluate(Object.values(graph.outputs), leaves, weights, {
    ...options,
    inference: options.step === undefined,
  });
  return Object.fromEntries(Object.entries(graph.outputs).map(([name, t]) => [name, results.get(t)!.data])) as never;
}

/** Values of `outputs` and of everything they depend on. `leaves` holds the graph inputs. */
export function evaluate(
  outputs: readonly Tensor[],
  leaves: ReadonlyMap<Tensor, NdArray>,
  weights: Weights = new Map(),
  options: EvaluateOptions = {},
): Map<Tensor, NdArray> {
  const values = new Map<Tensor, NdArray>(leaves);
  for (const node of topological(outputs)) {
    if (values.has(node)) continue;
    if (options.inference && node.op === "dropout") {
      values.set(node, values.get(node.inputs[0]!)!);
      continue;
    }
    values.set(
      node,
      node.inputs.length === 0 && !(node.op in REFERENCE) ? leafValue(node, weights, options) : apply(node, values),
    );
  }
  return values;
}

function apply(node: Tensor, values: ReadonlyMap<Tensor, NdArray>): NdArray {
  const fn = (REFERENCE as unknown as Record<string, ((i: readonly NdArray[], a: object, o: Tensor) => NdArray) | undefined>)[
    node.op
  ];
  if (!fn) throw new Error(`the reference has no op ${node.op}`);
  const inputs = node.inputs.map((x) => values.get(x)!);
  const result = computed(() => fn(inputs, node.attrs, node), node);
  if (!sameShape(result.shape, node.shape))
    throw new Error(`the reference of ${node.op} gives ${formatShape(result.shape)}, inferred ${formatShape(node.shape)}`);
  return result;
}

/** A size that no array of this machine can have is the caller's mistake. */
function computed(compute: () => NdArray, node: Tensor): NdArray {
  try {
    return compute();
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new ShapeError(
      `runReference: ${node.name || node.op} ${formatShape(node.shape)} has ${numel(node.shape)} values, more than this machine holds in an array (${cause.message}): take a smaller image or batch`,
      { cause },
    );
  }
}

function leafValue(node: Tensor, weights: Weights, options: ReferenceOptions): NdArray {
  if (node.op === "rng") return ints([2], Int32Array.of((options.seed ?? 1) | 0, (options.step ?? 0) | 0));
  if (isParam(node)) {
    const weight = weights.get(node.name);
    if (!weight)
      throw new WeightsError(
        `runReference: no weights for ${node.name} ${formatShape(node.shape)}: load them, or make them with initialWeights(graph)`,
      );
    if (!sameShape(weight.shape, node.shape))
      throw new WeightsError(
        `runReference: ${node.name} has shape ${formatShape(weight.shape)} but the graph expects ${formatShape(node.shape)}`,
      );
    return floats(node.shape, Float64Array.from(weight.data));
  }
  throw new InputError(`runReference: no value for ${node.name || node.op} ${formatShape(node.shape)}`);
}

function inputValue(name: string, tensor: Tensor, data: TypedArray | undefined): NdArray {
  if (!data) throw new InputError(`runReference: input ${name} ${formatShape(tensor.shape)} is missing`);
  if (data.length !== numel(tensor.shape)) {
    throw new InputError(
      `runReference: input ${name} has ${data.length} values but ${formatShape(tensor.shape)} takes ${numel(tensor.shape)}`,
    );
  }
  return tensor.dtype === "f32" ? floats(tensor.shape, Float64Array.from(data)) : ints(tensor.shape, Int32Array.from(data));
}
