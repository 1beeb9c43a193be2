/**
 * Collects the nodes and constants of an ONNX graph. Numbers that depend on the sizes of the inputs become references: the size of an axis of
 * some other value, read by a Shape node, that equals the number at every size at which the graph was built.
 */
import { isParam, layerOf, topological, type Tensor } from "../tensor/tensor.js";
import { OnnxError } from "./errors.js";
import type { Attributes, DataType, NodeMessage, TensorMessage } from "./messages.js";
import { describe, type Samples } from "./samples.js";

/** A number, or the size of an axis and so many more. */
export type Extent = number | { readonly of: Tensor; readonly axis: number; readonly plus: number };

/** A node of the graph on its way to ONNX. */
export interface Site<A> {
  readonly attrs: A;
  readonly node: Tensor;
  /** The names of its inputs' values. */
  readonly inputs: readonly string[];
  /** The node at every size at which the graph was built. */
  readonly instances: readonly Tensor[];
  /** Adds a node and returns the name of its value; of several outputs the last. */
  add(op: string, inputs: readonly string[], attributes?: Attributes, outputs?: number): string;
  constant(type: DataType, dims: readonly number[], values: readonly number[]): string;
  /** The name of another tensor's value. */
  valueOf(tensor: Tensor): string;
  /** int64 [n]: where none of them depends on the size a constant. */
  vector(extents: readonly Extent[]): string;
  /** What a number of the node is at any size, or null where nothing in the graph has that size. */
  find(pick: (instance: Tensor) => number): Extent | null;
  /** The same; throws OnnxError for null. `what` names the number in the message. */
  extent(what: string, pick: (instance: Tensor) => number): Extent;
}

/** Writes one node of a graph: returns the name of its value. */
export type Write = (site: Site<object>) => string;

export interface EmittedGraph {
  readonly nodes: readonly NodeMessage[];
  readonly constants: readonly TensorMessage[];
}

/** The nodes behind the outputs of `samples`. Leaves are called by their own names, outputs by their keys. */
export function emitGraph(samples: Samples, writerOf: (node: Tensor) => Write): EmittedGraph {
  const nodes: NodeMessage[] = [];
  const constants = new Map<string, TensorMessage>();
  const values = new Map<Tensor, string>();
  /** Values that have another name in the file than while it is made. */
  const labels = new Map<string, string>();
  const shapes = new Map<string, string>();
  /** Nodes being written: a number of theirs must not refer to what depends on them. */
  const open = new Set<Tensor>();
  const axes = axesByGrowth(samples);
  const all = topological(Object.values(samples.outputs));
  const taken = new Set([...Object.keys(samples.outputs), ...all.filter(isLeaf).map(({ name }) => name)]);

  const unique = (base: string): string => {
    let name = base;
    for (let n = 2; taken.has(name); n++) name = `${base}_${n}`;
    taken.add(name);
    return name;
  };

  const add = (layer: string, op: string, inputs: readonly string[], attributes: Attributes = {}, outputCount = 1): string => {
    const name = unique(`${layer}/${op}`);
    const outputs = Array.from({ length: outputCount }, (_, i) => unique(`${name}:${i}`));
    nodes.push({ op, name, inputs, outputs, attributes });
    return outputs.at(-1)!;
  };

  const constant = (type: DataType, dims: readonly number[], numbers: readonly number[]): string => {
    const key = JSON.stringify([type, dims, numbers]);
    const known = constants.get(key) ?? { name: unique("constant"), type, dims, bytes: bytesOf(type, numbers) };
    constants.set(key, known);
    return known.name;
  };

  const sizeOf = (layer: string, tensor: Tensor, axis: number): string => {
    const value = valueOf(tensor);
    const key = `${axis} ${value}`;
    const known = shapes.get(key) ?? add(layer, "Shape", [value], { start: axis, end: axis + 1 });
    shapes.set(key, known);
    return known;
  };

  const vector = (layer: string, extents: readonly Extent[]): string => {
    if (extents.every((e) => typeof e === "number")) return constant("i64", [extents.length], extents);
    const parts = extents.map((e) => {
      if (typeof e === "number") return constant("i64", [1], [e]);
      const size = sizeOf(layer, e.of, e.axis);
      return e.plus === 0 ? size : add(layer, "Add", [size, constant("i64", [1], [e.plus])]);
    });
    return parts.length === 1 ? parts[0]! : add(layer, "Concat", parts, { axis: 0 });
  };

  const find = (node: Tensor, pick: (instance: Tensor) => number): Extent | null => {
    const numbers = samples.instancesOf(node).map(pick);
    if (isConstant(numbers)) return numbers[0]!;
    const found = (axes.get(growthOf(numbers)) ?? []).filter(({ of }) => !topological([of]).some((t) => open.has(t)));
    // An axis of that very size before one that is always so much larger.
    const best = found.find(({ first }) => first === numbers[0]) ?? found[0];
    return best ? { of: best.of, axis: best.axis, plus: numbers[0]! - best.first } : null;
  };

  const extent = (node: Tensor, what: string, pick: (instance: Tensor) => number): Extent => {
    const found = find(node, pick);
    if (found !== null) return found;
    const met = [...new Set(samples.instancesOf(node).map(pick))].slice(0, 4).join(", ");
    throw new OnnxError(
      `exportOnnx: ${what} of ${describe(node)} depends on the size of the inputs (${met}, ...) in a way that no tensor's shape shows: leave the axis that it depends on out of dynamic`,
    );
  };

  const write = (node: Tensor): string => {
    const layer = calledAfter(node);
    open.add(node);
    const before = nodes.length;
    const value = writerOf(node)({
      attrs: node.attrs,
      node,
      inputs: node.inputs.map(valueOf),
      instances: samples.instancesOf(node),
      add: (...args) => add(layer, ...args),
      constant,
      valueOf,
      vector: (extents) => vector(layer, extents),
      find: (pick) => find(node, pick),
      extent: (what, pick) => extent(node, what, pick),
    });
    open.delete(node);
    // A node that adds none, as dropout, is its input.
    if (nodes.slice(before).some(({ outputs }) => outputs.includes(value))) labels.set(value, unique(layer));
    return value;
  };

  const valueOf = (tensor: Tensor): string => {
    // In order, so that a deep graph does not overflow the stack.
    for (const node of values.has(tensor) ? [] : topological([tensor]))
      if (!values.has(node)) values.set(node, isLeaf(node) ? node.name : write(node));
    return values.get(tensor)!;
  };

  const outputs = new Set<string>();
  for (const [key, tensor] of Object.entries(samples.outputs)) {
    const value = valueOf(tensor);
    const isFree = nodes.some((n) => n.outputs.includes(value)) && !outputs.has(value);
    const output = isFree ? value : add(key, "Identity", [value]);
    labels.set(output, key);
    outputs.add(output);
  }
  const named = (value: string): string => labels.get(value) ?? value;
  const needed = neededBy(nodes, outputs);
  return {
    nodes: needed.map((n) => ({ ...n, inputs: n.inputs.map(named), outputs: n.outputs.map(named) })),
    constants: [...constants.values()].filter(({ name }) => needed.some((n) => n.inputs.includes(name))),
  };
}

/** Nodes that the outputs depend on; in order, as they are. */
function neededBy(nodes: readonly NodeMessage[], outputs: ReadonlySet<string>): NodeMessage[] {
  const values = new Set(outputs);
  const needed = [...nodes].reverse().filter((node) => {
    const isNeeded = node.outputs.some((output) => values.has(output));
    if (isNeeded) node.inputs.forEach((value) => values.add(value));
    return isNeeded;
  });
  return needed.reverse();
}

function isLeaf({ op }: Tensor): boolean {
  return op === "input" || op === "param" || op === "rng";
}

/** What a node is called after: its own name, its parameters' ("conv1.weight" -> "conv1") or its op. */
function calledAfter({ name, op, inputs }: Tensor): string {
  const parameter = inputs.find(isParam);
  return name || (parameter ? layerOf(parameter.name) : op);
}

export function isConstant(numbers: readonly number[]): boolean {
  return numbers.every((n) => n === numbers[0]);
}

/** Equal for numbers that grow alike from sample to sample. */
function growthOf(numbers: readonly number[]): string {
  return numbers.map((n) => n - numbers[0]!).join();
}

interface Axis {
  readonly of: Tensor;
  readonly axis: number;
  /** Its size in the first sample. */
  readonly first: number;
}

/** Every axis whose size depends on the inputs', by how it grows; the graph's inputs first. */
function axesByGrowth(samples: Samples): ReadonlyMap<string, readonly Axis[]> {
  const found = new Map<string, Axis[]>();
  const nodes = topological(Object.values(samples.outputs));
  for (const of of [...nodes.filter((t) => t.op === "input"), ...nodes.filter((t) => !isLeaf(t))]) {
    const instances = samples.instancesOf(of);
    of.shape.forEach((_, axis) => {
      const sizes = instances.map(({ shape }) => shape[axis]!);
      if (isConstant(sizes)) return;
      const key = growthOf(sizes);
      found.set(key, [...(found.get(key) ?? []), { of, axis, first: sizes[0]! }]);
    });
  }
  return found;
}

function bytesOf(type: DataType, numbers: readonly number[]): Uint8Array {
  const values = {
    f32: () => Float32Array.from(numbers),
    i32: () => Int32Array.from(numbers),
    u32: () => Uint32Array.from(numbers),
    i64: () => BigInt64Array.from(numbers, BigInt),
  }[type]();
  return new Uint8Array(values.buffer);
}
