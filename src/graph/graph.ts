/**
 * A graph: named inputs, named outputs, and the parameters between them, as pure data. Built once by a function of symbolic tensors;
 * the function is kept, so that the same net can be built again for another image size (shapes, crops and gradients derived anew).
 */
import { ShapeError } from "../tensor/errors.js";
import { formatShape, sameShape, type Shape } from "../tensor/shape.js";
import { input, isParam, named, topological, type Param, type Tensor } from "../tensor/tensor.js";

export type Names = Readonly<Record<string, Tensor>>;

export interface Graph<I extends Names, O extends Names> {
  readonly inputs: I;
  readonly outputs: O;
  /** In the order in which the outputs first need them. */
  readonly params: readonly Param[];
  /** The same graph for inputs of other shapes. Throws ShapeError where the net cannot take them. */
  resize(shapes: { readonly [K in keyof I]?: Shape }): Graph<I, O>;
}

/**
 * Builds a graph. `inputs` are made by `input(shape, dtype)` and named by their keys; `build` returns the named outputs.
 * Throws ShapeError from the line that puts tensors together that do not fit; also for an input that no output uses, for two parameters of
 * one name, and for tensors that come from outside the graph.
 *
 * @example
 * const net = graph({ image: input([1, 3, 64, 64]) }, ({ image }) => ({ scores: conv2d(image, param("w", [2, 3, 1, 1], zeros()), null) }));
 */
export function graph<I extends Names, O extends Names>(inputs: I, build: (inputs: I) => O): Graph<I, O> {
  for (const [key, tensor] of Object.entries(inputs)) {
    if (tensor.op !== "input")
      throw new ShapeError(`graph: inputs.${key} is made by ${tensor.op}: make it with input(shape, dtype)`);
  }
  const leaves = Object.fromEntries(Object.entries(inputs).map(([key, tensor]) => [key, named(tensor, key)])) as unknown as I;
  const outputs = build(leaves);
  if (Object.keys(outputs).length === 0)
    throw new ShapeError("graph: build returned no outputs: return an object of named tensors");
  const nodes = topological(Object.values(outputs));
  const known = new Set<Tensor>(Object.values(leaves));
  for (const node of nodes) {
    if (node.op === "input" && !known.has(node)) {
      throw new ShapeError(
        `graph: an input of shape ${formatShape(node.shape)} is used that is not among the graph's inputs: pass it in \`inputs\` and use the tensor that build receives`,
      );
    }
  }
  const used = new Set(nodes);
  for (const [key, leaf] of Object.entries(leaves)) {
    if (!used.has(leaf)) throw new ShapeError(`graph: no output depends on input ${key}: leave it out or use it`);
  }
  return {
    inputs: leaves,
    outputs,
    params: collectParams(nodes),
    resize(shapes) {
      for (const key of Object.keys(shapes))
        if (!(key in inputs))
          throw new ShapeError(`graph: there is no input ${key}: the inputs are ${Object.keys(inputs).join(", ")}`);
      const resized = Object.fromEntries(
        Object.entries(inputs).map(([key, t]) => [key, input((shapes as Record<string, Shape>)[key] ?? t.shape, t.dtype)]),
      );
      return graph(resized as unknown as I, build);
    },
  };
}

function collectParams(nodes: readonly Tensor[]): Param[] {
  const byName = new Map<string, Param>();
  for (const node of nodes) {
    if (!isParam(node)) continue;
    const other = byName.get(node.name);
    if (other && other !== node) {
      const differ = sameShape(other.shape, node.shape)
        ? ""
        : ` of shapes ${formatShape(other.shape)} and ${formatShape(node.shape)}`;
      throw new ShapeError(`graph: two parameters${differ} are called ${node.name}: rename one, or share the tensor itself`);
    }
    byName.set(node.name, node);
  }
  return [...byName.values()];
}
