/** A case as one graph: its nodes built with the public API, its outputs, and the gradients that it asks for. */
import { gradients, graph, input, type Graph, type Names, type Tensor, type TypedArray } from "../../src/index.js";
import { Attributes } from "./attributes.js";
import { decode, type CaseTensor, type ConformanceCase } from "./format.js";
import { Operands, OPERATIONS, type Operation } from "./operations.js";

interface CaseNode {
  readonly op: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** Role -> tensor. */
  readonly operands: ReadonlyMap<string, string>;
  /** The name that its first output gets for later nodes. */
  readonly output: string;
}

export interface CaseGraph {
  readonly net: Graph<Names, Names>;
  readonly inputs: Readonly<Record<string, TypedArray>>;
}

const SEED = "gradOutput";

/** Outputs go by their names, the gradient of an input `x` as `gradient of x`. Throws where the case holds an unknown operation, or what the engine refuses to build. */
export function caseGraph(given: ConformanceCase): CaseGraph {
  const nodes = nodesOf(given);
  const fed = given.inputs.filter(({ name }) => nodes.some((node) => takesValue(node, name)));
  const leaves: Record<string, CaseTensor> = Object.fromEntries(fed.map((tensor) => [tensor.name, tensor]));
  if (given.gradOutput) leaves[SEED] = given.gradOutput;
  const net = graph(mapValues(leaves, symbol) as Names, (symbols) => build(given, nodes, symbols));
  return { net, inputs: mapValues(leaves, decode) };
}

function build(given: ConformanceCase, nodes: readonly CaseNode[], leaves: Names): Record<string, Tensor> {
  const tensors = new Map(given.inputs.map((tensor) => [tensor.name, leaves[tensor.name] ?? symbol(tensor)]));
  let last: Readonly<Record<string, Tensor>> = {};
  for (const node of nodes) {
    const operands = [...node.operands].map(([role, name]): [string, Tensor] => [role, known(tensors, name, node.op)]);
    last = operation(node.op).build(new Operands(node.op, new Map(operands)), new Attributes(node.op, node.attributes));
    tensors.set(node.output, Object.values(last)[0]!);
  }
  const first = Object.values(last)[0]!;
  // A graph of several nodes names its output itself.
  const named = given.op === "graph" ? { [given.outputs[0]!.name]: first } : last;
  const outputs = Object.fromEntries(
    given.outputs.map(({ name }) => [name, known(new Map(Object.entries(named)), name, given.op)]),
  );
  if (given.gradOutput === null) return outputs;
  const wrt = given.gradients.map(({ name }) => known(tensors, name, given.op));
  const found = gradients(first, wrt, leaves[SEED]);
  return { ...outputs, ...Object.fromEntries(given.gradients.map(({ name }, i) => [`gradient of ${name}`, found[i]!])) };
}

/** A case of one operation is a graph of one node, whose operands are the inputs in their order. */
function nodesOf(given: ConformanceCase): readonly CaseNode[] {
  if (given.op !== "graph") {
    return [
      {
        op: given.op,
        attributes: given.attributes,
        operands: new Map(given.inputs.map(({ name }) => [name, name])),
        output: given.outputs[0]!.name,
      },
    ];
  }
  const nodes = new Attributes("graph", given.attributes).list("nodes") as readonly Record<string, unknown>[];
  return nodes.map((values) => {
    const node = new Attributes("graph node", values);
    return {
      op: node.string("op"),
      attributes: node.record("attributes"),
      operands: new Map(Object.entries(node.record("inputs") as Record<string, string>)),
      output: node.string("output"),
    };
  });
}

function takesValue(node: CaseNode, tensor: string): boolean {
  const shapeOnly = operation(node.op).shapeOnly ?? [];
  return [...node.operands].some(([role, name]) => name === tensor && !shapeOnly.includes(role));
}

function operation(op: string): Operation {
  if (!Object.hasOwn(OPERATIONS, op)) throw new Error(`there is no operation ${op} here`);
  return OPERATIONS[op]!;
}

function known(tensors: ReadonlyMap<string, Tensor>, name: string, op: string): Tensor {
  const tensor = tensors.get(name);
  if (!tensor) throw new Error(`${op}: there is no tensor ${name}: known are ${[...tensors.keys()].join(", ")}`);
  return tensor;
}

function symbol(tensor: CaseTensor): Tensor {
  return input(tensor.shape, tensor.dtype === "float32" ? "f32" : "i32");
}

function mapValues<T, R>(record: Readonly<Record<string, T>>, map: (value: T) => R): Record<string, R> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
}
