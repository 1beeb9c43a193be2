/**
 * What in a graph depends on the sizes of its inputs. A graph's build function is opaque, so it is asked: the graph is built at many sizes,
 * its nodes are laid side by side, and what differs between them is what depends on the size.
 */
import type { Graph, Names } from "../graph/graph.js";
import { ShapeError } from "../tensor/errors.js";
import { formatShape, sameShape, type Shape } from "../tensor/shape.js";
import { topological, type Tensor } from "../tensor/tensor.js";
import { OnnxError } from "./errors.js";

/** Input -> axis -> name of the dimension, as torch.onnx.export's dynamic_axes. Axes of one name have one size. */
export type DynamicAxes = Readonly<Record<string, Readonly<Record<number, string>>>>;

/** A graph at several sizes. */
export interface Samples {
  readonly outputs: Names;
  /** The same node at every size, in one order for all nodes. */
  instancesOf(node: Tensor): readonly Tensor[];
  /** Size of each named dimension, in that order. */
  readonly dimensions: ReadonlyMap<string, readonly number[]>;
}

type Sizes = ReadonlyMap<string, number>;
type AnyGraph = Graph<Names, Names>;

/**
 * Steps by which sizes are enlarged. Strides divide 64 in all of the paper's nets: 64 steps of one meet every remainder. Nets that take
 * multiples of their stride alone are built at those only.
 */
const ENLARGED = 64;
const MULTIPLES = 12;
/** Sizes of a dimension that must be met before anything is concluded from them. */
const LEAST = 3;

/** Throws OnnxError where the graph cannot be built at other sizes, or is made of other nodes there, and for names that it does not have. */
export function sampleGraph(
  graph: AnyGraph,
  options: { readonly dynamic?: true | DynamicAxes; readonly outputs?: readonly string[] },
): Samples {
  const keys = options.outputs ?? Object.keys(graph.outputs);
  if (keys.length === 0) throw new OnnxError("exportOnnx: outputs is empty: name at least one output, or leave it out for all");
  const unknown = keys.filter((key) => !Object.hasOwn(graph.outputs, key));
  if (unknown.length > 0)
    throw new OnnxError(
      `exportOnnx: there is no output ${unknown.join(", ")}: the outputs are ${Object.keys(graph.outputs).join(", ")}`,
    );
  const outputsOf = (g: AnyGraph): Names => Object.fromEntries(keys.map((key) => [key, g.outputs[key]!]));
  const dynamic = options.dynamic === true ? imageAxes(graph.inputs) : (options.dynamic ?? {});
  const base = dimensionsOf(graph, dynamic);
  const built = [{ sizes: base, outputs: outputsOf(graph) }];
  let refused: ShapeError | undefined;
  for (const sizes of base.size > 0 ? otherSizes(base) : []) {
    try {
      built.push({ sizes, outputs: outputsOf(graph.resize(shapesAt(graph, dynamic, sizes))) });
    } catch (error) {
      if (!(error instanceof ShapeError)) throw error;
      refused ??= error;
    }
  }
  const dimensions = new Map([...base.keys()].map((name) => [name, built.map(({ sizes }) => sizes.get(name)!)] as const));
  for (const [name, sizes] of dimensions) {
    if (new Set(sizes).size < LEAST)
      throw new OnnxError(
        `exportOnnx: the net cannot be built at other sizes of ${name}${refused ? ` (${refused.message})` : ""}: leave ${name} out of dynamic`,
      );
  }
  // Crops vanish where there is nothing to crop: the graph that has them all stands for the others.
  const graphs = built.map(({ outputs }) => outputs);
  const nodeCount = (outputs: Names): number => topological(Object.values(outputs)).length;
  const template = graphs.reduce((most, g) => (nodeCount(g) > nodeCount(most) ? g : most));
  const aligned = graphs.map((g) => align(template, g));
  return { outputs: template, dimensions, instancesOf: (node) => aligned.map((instances) => instances.get(node)!) };
}

function imageAxes(inputs: Names): DynamicAxes {
  const axesOf = ({ shape: { length: rank } }: Tensor): Record<number, string> => {
    if (rank === 0) return {};
    return { 0: "batch", ...(rank === 3 || rank === 4 ? { [rank - 2]: "height", [rank - 1]: "width" } : {}) };
  };
  return Object.fromEntries(Object.entries(inputs).map(([key, input]) => [key, axesOf(input)]));
}

function dimensionsOf(graph: AnyGraph, dynamic: DynamicAxes): Sizes {
  const sizes = new Map<string, number>();
  for (const [key, axes] of Object.entries(dynamic)) {
    const input = graph.inputs[key];
    if (!input)
      throw new OnnxError(`exportOnnx: dynamic names an input ${key}: the inputs are ${Object.keys(graph.inputs).join(", ")}`);
    for (const [axis, name] of Object.entries(axes)) {
      const extent = input.shape[Number(axis)];
      if (extent === undefined)
        throw new OnnxError(`exportOnnx: dynamic names axis ${axis} of ${key}, which is ${formatShape(input.shape)}`);
      const other = sizes.get(name);
      if (other !== undefined && other !== extent)
        throw new OnnxError(
          `exportOnnx: ${name} is ${other} in one place and ${extent} on axis ${axis} of ${key}: axes of one name have one size`,
        );
      sizes.set(name, extent);
    }
  }
  return sizes;
}

/** Dimensions grow at different paces, so that none is mistaken for another. */
function* otherSizes(base: Sizes): Generator<Sizes> {
  const grown = (to: (size: number, dimension: number) => number): Sizes =>
    new Map([...base].map(([name, size], dimension) => [name, to(size, dimension)]));
  const pace = (step: number, dimension: number, period: number): number => (step * (2 * dimension + 1)) % period;
  for (let step = 1; step < ENLARGED; step++) yield grown((size, d) => size + pace(step, d, ENLARGED));
  for (let step = 1; step < MULTIPLES; step++) yield grown((size, d) => size * (2 + pace(step, d, MULTIPLES)));
}

function shapesAt(graph: AnyGraph, dynamic: DynamicAxes, sizes: Sizes): Record<string, Shape> {
  return Object.fromEntries(
    Object.entries(dynamic).map(([key, axes]) => [
      key,
      graph.inputs[key]!.shape.map((extent, axis) => sizes.get(axes[axis] ?? "") ?? extent),
    ]),
  );
}

/** Each node of `template` -> what stands for it in `sample`. Throws OnnxError where the two are made of other nodes. */
function align(template: Names, sample: Names): ReadonlyMap<Tensor, Tensor> {
  const instances = new Map<Tensor, Tensor>();
  const paired = new Map<Tensor, Tensor>();
  const open = Object.entries(template).map(([key, output]): [Tensor, Tensor] => [output, sample[key]!]);
  for (let pair = open.pop(); pair; pair = open.pop()) {
    const [node, other] = pair;
    const known = paired.get(node);
    if (known === other) continue;
    const absent = matches(node, other) ? null : identity(node, other);
    const instance = absent ?? other;
    if (known || (!absent && !matches(node, other))) {
      throw new OnnxError(
        `exportOnnx: the net is made of other nodes at other sizes: ${describe(node)} at inputs ${sizesOf(template)}, ${describe(other)} at ${sizesOf(sample)}: leave the axis that this depends on out of dynamic`,
      );
    }
    paired.set(node, other);
    instances.set(node, instance);
    node.inputs.forEach((input, i) => open.push([input, instance.inputs[i]!]));
  }
  return instances;
}

function matches(node: Tensor, other: Tensor): boolean {
  const isNamed = node.op === "param" || node.op === "input";
  return (
    node.op === other.op &&
    node.inputs.length === other.inputs.length &&
    (!isNamed || node.name === other.name) &&
    (node.op !== "param" || sameShape(node.shape, other.shape))
  );
}

/** A crop or repetition that changes nothing is left out of a graph: the node as it would be, on top of `other`. Null for other nodes. */
function identity(node: Tensor, other: Tensor): Tensor | null {
  const { shape } = other;
  const attrs = {
    slice: { ...node.attrs, sizes: shape },
    broadcastTo: { ...node.attrs, shape },
  }[node.op];
  return attrs && shape.length === node.shape.length ? { ...node, shape, attrs, inputs: [other] } : null;
}

/** A tensor in an error message: its op, name and shape. */
export function describe({ name, op, shape }: Tensor): string {
  return `${op} ${name}${name && " "}${formatShape(shape)}`;
}

function sizesOf(outputs: Names): string {
  const inputs = topological(Object.values(outputs)).filter(({ op }) => op === "input");
  return inputs.map(({ shape }) => formatShape(shape)).join(", ");
}
