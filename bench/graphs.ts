/** Workloads as graphs of the engine: what both the engine and its CPU reference run. */
import {
  add,
  conv2d,
  convTranspose2d,
  gradients,
  graph,
  input,
  maxPool2d,
  param,
  relu,
  softmaxCrossEntropy,
  zeros,
  type Graph,
  type Param,
  type Tensor,
  type Weights,
} from "../src/index.js";
import { isConv, type WorkloadData } from "./data.js";
import type { Layer, Net } from "./net.js";
import type { Workload } from "./workloads.js";

type Output = { readonly output: Tensor };
export type TrainingWorkload = Extract<Workload, { kind: "training" }>;
export type TrainingInputs = { readonly x: Tensor; readonly labels: Tensor };

/**
 * Input and arriving gradient are parameters: they lie on the GPU before the run, as a net's own tensors do, and as the peers have them.
 * The gradient of a convolution needs no forward convolution; that of a pooling runs the pooling too.
 */
export function timedGraph(workload: Exclude<Workload, TrainingWorkload>): Graph<Record<never, Tensor>, Output> {
  const { net } = workload;
  return graph({}, (): Output => {
    const x = param("x", [1, ...net.input], zeros());
    const params = layerParams(net);
    if (workload.kind === "forward") return { output: forward(net, x, params) };
    const layer = net.layers[0]!;
    const linear = isConv(layer) ? { ...layer, bias: false, relu: false } : layer;
    const dy = param("dy", [1, ...net.shapes[net.output]!], zeros());
    const wrt = workload.of === "input" ? x : params.get(weightName(layer))!;
    const [output] = gradients(applyLayer(linear, [x], params), [wrt], dy);
    return { output: output! };
  });
}

/** The loss of a training step. Image and labels come from the CPU each time, as batches do. */
export function lossGraph({ net }: TrainingWorkload): Graph<TrainingInputs, Output> {
  return graph(trainingInputs(net), ({ x, labels }): Output => ({ output: lossOf(net, x, labels, layerParams(net)) }));
}

/** The loss, and the gradient of each parameter by its name. */
export function lossAndGradients({ net }: TrainingWorkload): Graph<TrainingInputs, Readonly<Record<string, Tensor>>> {
  return graph(trainingInputs(net), ({ x, labels }): Readonly<Record<string, Tensor>> => {
    const params = layerParams(net);
    const loss = lossOf(net, x, labels, params);
    const slopes = gradients(loss, [...params.values()]);
    return { loss, ...Object.fromEntries([...params.keys()].map((name, i) => [name, slopes[i]!])) };
  });
}

/** A workload's values for the parameters of its graph. */
export function graphWeights(params: readonly Param[], data: WorkloadData): Weights {
  const values = new Map<string, Float32Array>([
    ["x", data.x],
    ["dy", data.dy],
  ]);
  for (const [layer, { weight, bias }] of data.weights) {
    values.set(weightName({ name: layer }), weight);
    if (bias) values.set(biasName({ name: layer }), bias);
  }
  return new Map(params.map(({ name, shape }) => [name, { shape, data: values.get(name)! }]));
}

const weightName = ({ name }: { readonly name: string }): string => `${name}.weight`;
const biasName = ({ name }: { readonly name: string }): string => `${name}.bias`;

function trainingInputs(net: Net): TrainingInputs {
  const [, height, width] = net.shapes[net.output]!;
  return { x: input([1, ...net.input]), labels: input([1, height, width], "i32") };
}

function layerParams(net: Net): Map<string, Param> {
  const params = new Map<string, Param>();
  for (const layer of net.layers.filter(isConv)) {
    const { op, channelsIn, channelsOut, kernel } = layer;
    const shape = [...(op === "conv" ? [channelsOut, channelsIn] : [channelsIn, channelsOut]), kernel, kernel];
    params.set(weightName(layer), param(weightName(layer), shape, zeros()));
    if (layer.bias) params.set(biasName(layer), param(biasName(layer), [channelsOut], zeros()));
  }
  return params;
}

function forward(net: Net, x: Tensor, params: ReadonlyMap<string, Tensor>): Tensor {
  const values = new Map<string, Tensor>([["x", x]]);
  for (const layer of net.layers)
    values.set(
      layer.name,
      applyLayer(
        layer,
        layer.inputs.map((name) => values.get(name)!),
        params,
      ),
    );
  return values.get(net.output)!;
}

function lossOf(net: Net, x: Tensor, labels: Tensor, params: ReadonlyMap<string, Tensor>): Tensor {
  return softmaxCrossEntropy(forward(net, x, params), labels);
}

function applyLayer(layer: Layer, inputs: readonly Tensor[], params: ReadonlyMap<string, Tensor>): Tensor {
  const [x] = inputs;
  if (layer.op === "add") return add(x!, inputs[1]!);
  const { kernel, stride } = layer;
  if (layer.op === "pool") return maxPool2d(x!, { kernel, stride });
  const weight = params.get(weightName(layer))!;
  const bias = layer.bias ? params.get(biasName(layer))! : null;
  const convolve = layer.op === "conv" ? conv2d : convTranspose2d;
  const y = convolve(x!, weight, bias, { stride, padding: layer.padding });
  return layer.relu ? relu(y) : y;
}
