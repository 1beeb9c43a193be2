/** Graphs of this engine as ONNX files. */
import type { Graph, Names } from "../graph/graph.js";
import type { OpName } from "../kernels/ops.js";
import { WeightsError } from "../tensor/errors.js";
import { formatShape, sameShape } from "../tensor/shape.js";
import { isParam, topological, type Param, type Tensor } from "../tensor/tensor.js";
import type { Weights } from "../tensor/weights.js";
import { emitGraph, isConstant, type Write } from "./emitter.js";
import { OnnxError } from "./errors.js";
import { encodeModel, type TensorMessage, type ValueMessage } from "./messages.js";
import { OPERATORS } from "./operators.js";
import { describe, sampleGraph, type DynamicAxes, type Samples } from "./samples.js";

export interface ExportOnnxOptions {
  /**
   * Axes of the inputs that are open in the file, by input and axis: `{ image: { 0: "batch", 2: "height", 3: "width" } }`. `true`: the batch of every
   * input, and height and width of those of rank 4, [N, C, H, W], and 3, [N, H, W]. Default: none, the file takes the graph's own shapes.
   */
  readonly dynamic?: true | DynamicAxes;
  /** The outputs to export. Default: all. Only the inputs that they need become inputs of the file. */
  readonly outputs?: readonly string[];
}

/** Version of the operators. 19 is the first with dilated average pooling; ONNX Runtime knows it since 1.15. */
const OPSET = 19;
const IR_VERSION = 9;

/**
 * The graph and its weights as the bytes of an ONNX file (opset 19). Inputs, outputs and parameters keep their names, shapes and dtypes; dropout is
 * left out. Open axes hold for any size that the net itself takes: crops and reshapes take their sizes from the tensors that they follow. The
 * weights are copied once, into the file. Throws OnnxError naming the first op that has no form in ONNX, what depends on the size in a way that
 * cannot be expressed, or a file beyond protobuf's 2 GB; WeightsError for weights that are missing or of another shape.
 *
 * @example exportOnnx(fcn({ trunk: "vgg16", variant: "8s", classes: 21, size: [500, 500] }), weights, { dynamic: true })
 */
export function exportOnnx<I extends Names, O extends Names>(
  graph: Graph<I, O>,
  weights: Weights,
  options: ExportOnnxOptions = {},
): Uint8Array {
  const samples = sampleGraph(graph, options);
  const nodesBehind = topological(Object.values(samples.outputs));
  const inputs = nodesBehind.filter(({ op }) => op === "input");
  const params = nodesBehind.filter(isParam);
  checkNames([...Object.keys(samples.outputs), ...[...inputs, ...params].map(({ name }) => name)]);
  const { nodes, constants } = emitGraph(samples, writerOf);
  return encodeModel({
    irVersion: IR_VERSION,
    opset: OPSET,
    producer: "fcn-webgpu",
    graphName: "net",
    nodes,
    initializers: [...constants, ...params.map((param) => initializer(param, weights))],
    inputs: inputs.map((input) => valueOf(input.name, input, samples)),
    outputs: Object.entries(samples.outputs).map(([key, output]) => valueOf(key, output, samples)),
  });
}

/** What writes a node, once its attributes are known to be the same at every size. */
function writerOf(node: Tensor): Write {
  const row = Object.hasOwn(OPERATORS, node.op) ? OPERATORS[node.op as OpName] : null;
  if (!row)
    throw new OnnxError(
      `exportOnnx: ${describe(node)}: ${node.op} has no form in ONNX: export outputs that do not need it, with { outputs: [...] }`,
    );
  const varies = new Set<string>(row.varies ?? []);
  return (site) => {
    for (const key of Object.keys(node.attrs).filter((k) => !varies.has(k))) {
      const values = new Set(site.instances.map(({ attrs }) => JSON.stringify((attrs as Record<string, unknown>)[key])));
      if (values.size > 1)
        throw new OnnxError(
          `exportOnnx: ${key} of ${describe(node)} depends on the size of the inputs (${[...values].slice(0, 4).join(", ")}), which ONNX has no form for: leave the axis that it depends on out of dynamic`,
        );
    }
    // Sound: a node's attributes were made by its own op.
    return (row.write as Write)(site);
  };
}

/** Inputs, parameters and outputs have names of their own in a graph, but share one space in a file. */
function checkNames(names: readonly string[]): void {
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined)
    throw new OnnxError(
      `exportOnnx: two of the inputs, outputs and parameters are called ${twice}: ONNX tells them apart by name, rename one`,
    );
}

function initializer({ name, shape }: Param, weights: Weights): TensorMessage {
  const weight = weights.get(name);
  if (!weight) throw new WeightsError(`exportOnnx: no weights for ${name} ${formatShape(shape)}: pass them`);
  const { data } = weight;
  if (!sameShape(weight.shape, shape))
    throw new WeightsError(
      `exportOnnx: ${name} has shape ${formatShape(weight.shape)} but the graph expects ${formatShape(shape)}: convert the weights`,
    );
  return { name, type: "f32", dims: shape, bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) };
}

/** A dimension that depends on the inputs has their name where it is theirs, else one of its own. */
function valueOf(name: string, tensor: Tensor, { instancesOf, dimensions }: Samples): ValueMessage {
  const instances = instancesOf(tensor);
  const dims = tensor.shape.map((extent, axis) => {
    const sizes = instances.map(({ shape }) => shape[axis]!);
    if (isConstant(sizes)) return extent;
    const own = [...dimensions].find(([, of]) => of.every((size, i) => size === sizes[i]));
    return own?.[0] ?? `${name}.${axis}`;
  });
  if (tensor.dtype === "f16") throw new OnnxError(`exportOnnx: ${describe(tensor)} is f16: export f32`);
  return { name, type: tensor.dtype, dims };
}
