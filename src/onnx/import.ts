/** ONNX files as graphs of this engine: classifiers and FCNs of other libraries, and what exportOnnx has written. */
import { graph, type Graph, type Names } from "../graph/graph.js";
import { ShapeError } from "../tensor/errors.js";
import type { DType, Shape } from "../tensor/shape.js";
import { input, type Tensor } from "../tensor/tensor.js";
import type { Weights } from "../tensor/weights.js";
import { decodeModel, type DecodedModel, type DecodedNode, type DecodedValue } from "./decode.js";
import { OnnxError } from "./errors.js";
import { operatorOf } from "./import-operators.js";
import { describeNode, ImportSite } from "./import-site.js";
import { computed, constantOf, Parameters, type Constant, type Value } from "./values.js";

export interface ImportOnnxOptions {
  /** Sizes of open dimensions by their names in the file: `{ batch: 1, height: 500, width: 375 }`. */
  readonly dimensions?: Readonly<Record<string, number>>;
  /** Whole shapes by input, instead. */
  readonly shapes?: Readonly<Record<string, Shape>>;
  /** Values of the file to make the graph's outputs, also inner ones. Default: the file's outputs. Only what they need is imported. */
  readonly outputs?: readonly string[];
}

export interface ImportedOnnx {
  /** Inputs, outputs and parameters by their names in the file. `graph.resize` takes the net to other sizes, where it can go there. */
  readonly graph: Graph<Names, Names>;
  /** What the parameters hold: `program.load(weights)`. */
  readonly weights: Weights;
  readonly opset: number;
  /** Who wrote the file. */
  readonly producer: string;
}

/** Before it, broadcasting was an attribute. */
const OLDEST_OPSET = 7;

/**
 * The graph and the weights of an ONNX file. Open dimensions take the sizes given; int64 outputs (ArgMax) come as i32, half and double weights as f32;
 * statistics of BatchNormalization are parameters that are not learned. Throws OnnxError for damaged files, for open dimensions without a size, and naming the first
 * node that has no form here, with its op, opset and a remedy; ShapeError where the net does not take the sizes.
 *
 * @example
 * const { graph, weights } = importOnnx(new Uint8Array(await (await fetch("net.onnx")).arrayBuffer()), { dimensions: { batch: 1 } });
 * using program = await gpu.compile(graph);
 * await program.load(weights);
 */
export function importOnnx(bytes: Uint8Array, options: ImportOnnxOptions = {}): ImportedOnnx {
  const model = decodeModel(bytes);
  if (model.opset < OLDEST_OPSET)
    throw new OnnxError(
      `importOnnx: the file is of opset ${model.opset}, older than ${OLDEST_OPSET}: convert it with onnx.version_converter in Python`,
    );
  const outputs = outputsOf(model, options.outputs);
  const { nodes, values } = neededBy(model, outputs);
  const weights = new Map(model.initializers.map((tensor) => [tensor.name, tensor]));
  const constants = new Map<string, Constant>();
  const constant = (name: string): Constant | undefined => {
    const tensor = weights.get(name);
    const known = constants.get(name) ?? (tensor && constantOf(tensor));
    if (known) constants.set(name, known);
    return known;
  };
  const inputs = model.inputs.filter(({ name }) => values.has(name) && !weights.has(name));
  if (inputs.length === 0)
    throw new OnnxError(`importOnnx: ${outputs.join(", ")} depend on no input: there is nothing to compute`);
  let used: Weights = new Map();
  const built = graph(inputsOf(inputs, options), (leaves) => {
    const params = new Parameters();
    const results = run(nodes, model.opset, leaves, constant, params);
    used = params.used;
    return Object.fromEntries(outputs.map((name) => [name, outputOf(name, results(name))]));
  });
  // Not every weight that was touched is behind an output.
  const names = new Set(built.params.map(({ name }) => name));
  return {
    graph: built,
    weights: new Map([...used].filter(([name]) => names.has(name))),
    opset: model.opset,
    producer: model.producer,
  };
}

/** Runs the nodes in the order of the file; returns what has been made of each value. */
function run(
  nodes: readonly DecodedNode[],
  opset: number,
  leaves: Names,
  constant: (name: string) => Constant | undefined,
  params: Parameters,
): (name: string) => Value | undefined {
  const values = new Map<string, Value>(Object.entries(leaves).map(([name, tensor]) => [name, computed(tensor)]));
  const valueOf = (name: string): Value | undefined => values.get(name) ?? constant(name);
  for (const node of nodes) {
    const inputs = node.inputs.map((name) => {
      if (name === "") return null;
      const value = valueOf(name);
      if (!value)
        throw new OnnxError(
          `importOnnx: ${describeNode(node, opset)} reads ${name}, which nothing in front of it makes: the file is damaged`,
        );
      return value;
    });
    const site = new ImportSite(node, opset, inputs, params);
    const made = [named(site)].flat();
    node.outputs.forEach((name, i) => {
      const value = made[i];
      if (name !== "" && value) values.set(name, value);
    });
  }
  return valueOf;
}

/** What a node makes; where shapes do not fit, the error names the node too. */
function named(site: ImportSite): Value | readonly Value[] {
  const operator = operatorOf(site);
  try {
    return operator(site);
  } catch (cause) {
    if (cause instanceof ShapeError)
      throw new ShapeError(`importOnnx: ${describeNode(site.node, site.opset)}: ${cause.message}`, { cause });
    throw cause;
  }
}

function outputOf(name: string, value: Value | undefined): Tensor {
  if (value?.kind === "tensor") return value.tensor;
  throw new OnnxError(
    `importOnnx: the output ${name} is ${value ? "known without running the net" : "not made by any node"}: leave it out, with { outputs: [...] }`,
  );
}

function outputsOf(model: DecodedModel, asked: readonly string[] | undefined): readonly string[] {
  const names = asked ?? model.outputs.map(({ name }) => name);
  const made = new Set(model.nodes.flatMap(({ outputs }) => outputs));
  const unknown = names.find((name) => !made.has(name));
  if (names.length === 0 || unknown !== undefined)
    throw new OnnxError(
      `importOnnx: ${unknown === undefined ? "there are no outputs" : `no node makes an output ${unknown}`}: the file's are ${model.outputs.map(({ name }) => name).join(", ") || "none"}`,
    );
  return names;
}

/** The nodes behind the outputs, in order, and every value that they read. */
function neededBy(model: DecodedModel, outputs: readonly string[]): { nodes: DecodedNode[]; values: ReadonlySet<string> } {
  const values = new Set(outputs);
  const nodes = model.nodes.toReversed().filter((node) => {
    const isNeeded = node.outputs.some((name) => values.has(name));
    if (isNeeded) node.inputs.forEach((name) => values.add(name));
    return isNeeded;
  });
  return { nodes: nodes.reverse(), values };
}

/** Data types of inputs: float, float16, int32, int64, uint32. */
const DTYPES: ReadonlyMap<number, DType> = new Map([
  [1, "f32"],
  [10, "f32"],
  [6, "i32"],
  [7, "i32"],
  [12, "u32"],
]);

function inputsOf(inputs: readonly DecodedValue[], { dimensions = {}, shapes = {} }: ImportOnnxOptions): Names {
  const all = [...Object.keys(shapes)].find((name) => !inputs.some((i) => i.name === name));
  if (all !== undefined)
    throw new OnnxError(`importOnnx: shapes names ${all}: the inputs are ${inputs.map(({ name }) => name).join(", ")}`);
  const entries = inputs.map(({ name, type, dims }): [string, Tensor] => {
    const dtype = DTYPES.get(type);
    if (!dtype)
      throw new OnnxError(`importOnnx: input ${name} has data type ${type}: only float, int32, int64 and uint32 are taken`);
    const given = shapes[name];
    if (given) {
      const differs = given.length !== dims.length || dims.some((d, axis) => typeof d === "number" && d !== given[axis]);
      if (differs && dims.length > 0)
        throw new OnnxError(`importOnnx: ${name} is given as [${given.join(", ")}] but is [${dims.join(", ")}] in the file`);
      return [name, input(given, dtype)];
    }
    const shape = dims.map((dim) => (typeof dim === "number" ? dim : Object.hasOwn(dimensions, dim) ? dimensions[dim]! : dim));
    const open = shape.filter((dim) => typeof dim === "string");
    if (open.length > 0)
      throw new OnnxError(
        `importOnnx: ${name} is [${dims.join(", ")}], and nothing says how large ${open.join(", ")} is: pass { dimensions: { ${open.map((d) => `${JSON.stringify(d)}: 1`).join(", ")} } }, or { shapes: { ${JSON.stringify(name)}: [...] } }`,
      );
    return [name, input(shape as number[], dtype)];
  });
  return Object.fromEntries(entries);
}
