/** TensorFlow.js, on WebGPU and on WebAssembly. Its native layout is NHWC: inputs and weights are converted before anything is timed. */
import * as tf from "@tensorflow/tfjs";
import "@tensorflow/tfjs-backend-webgpu";
import { getThreadsCount, setThreadsCount, setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import { isConv, type WorkloadData } from "../data.js";
import type { Engine, EngineHost, Prepared } from "../engine.js";
import type { ConvLayer, ImageShape, Net } from "../net.js";
import { serveEngine } from "../session.js";
import type { Workload } from "../workloads.js";
import { fromHwio, fromNhwc, nhwcShape, toHwio, toNhwc } from "./layout.js";

interface LayerTensors {
  readonly weight: tf.Tensor;
  readonly bias: tf.Tensor | undefined;
}
type Weights = ReadonlyMap<string, LayerTensors>;

const THREADS = 2;

export const main = serveEngine({ "tfjs-webgpu": tfjs("webgpu"), "tfjs-wasm": tfjs("wasm") });

function tfjs(backend: "webgpu" | "wasm"): Engine {
  let host: EngineHost;
  const done = async (): Promise<void> => {
    if (backend !== "webgpu") return; // WebAssembly kernels have run when they return
    flush(tf.backend());
    await host.finished();
  };
  return {
    webgpu: backend === "webgpu",
    cannot: () => null,
    async open(opened) {
      host = opened;
      setWasmPaths(`${host.packages}@tensorflow/tfjs-backend-wasm/dist/`);
      setThreadsCount(THREADS);
      if (!(await tf.setBackend(backend))) throw new Error(`tf.setBackend("${backend}") returned false`);
      await tf.ready();
      tf.env().set("PROD", true);
      const threads = backend === "wasm" ? `, ${getThreadsCount()} threads` : "";
      return `@tensorflow/tfjs ${tf.version_core}, ${tf.getBackend()}${threads}`;
    },
    prepare: async (workload, data) => {
      const kept: tf.Tensor[] = [];
      const keep = (tensor: tf.Tensor): tf.Tensor => (kept.push(tensor), tensor);
      const image = (values: Float32Array, shape: ImageShape): tf.Tensor =>
        keep(tf.tensor(toNhwc(values, shape), nhwcShape(shape), "float32"));
      const x = image(data.x, workload.net.input);
      const weights = upload(data, keep, workload.kind === "training");
      const release = (): void => kept.forEach((tensor) => tensor.dispose());
      if (workload.kind === "training") return trainer(workload, data, { x, weights, keep, done, release });
      let compute = (): tf.Tensor => tf.tidy(() => forward(workload.net, weights, x));
      let canonical = (values: Float32Array): Float32Array => fromNhwc(values, data.outputShape);
      if (workload.kind === "gradient") {
        const dy = image(data.dy, data.outputShape);
        compute = gradient(workload, weights, x, dy, keep);
        if (workload.of === "input") canonical = (values) => fromNhwc(values, workload.net.input);
        else canonical = (values) => fromHwio(values, [...data.weights.values()][0]!.shape);
      }
      await x.data(); // what was uploaded is there
      return {
        async run() {
          const output = compute();
          await done();
          return { read: async () => canonical(await output.data()), release: () => output.dispose() };
        },
        release,
      };
    },
  };
}

function upload(data: WorkloadData, keep: (tensor: tf.Tensor) => tf.Tensor, variables: boolean): Weights {
  const own = (tensor: tf.Tensor): tf.Tensor => (variables ? keep(tf.variable(keep(tensor))) : keep(tensor));
  return new Map(
    [...data.weights].map(([name, { weight, shape, bias }]) => {
      const [o, i, kh, kw] = shape;
      const tensors = {
        weight: own(tf.tensor(toHwio(weight, shape), [kh, kw, i, o], "float32")),
        bias: bias ? own(tf.tensor(bias, [bias.length], "float32")) : undefined,
      };
      return [name, tensors];
    }),
  );
}

/** tfjs encodes until somebody reads: this submits what is encoded. Both methods are its WebGPU backend's own. */
function flush(backend: unknown): void {
  const webgpu = backend as { endComputePassEncoder(): void; commandEncoder: unknown; submitQueue(): void };
  webgpu.endComputePassEncoder();
  if (webgpu.commandEncoder) webgpu.submitQueue();
}

/** By name where tfjs has one: its kernels for numbers are other ones. */
function padOf({ op, kernel, stride, padding }: ConvLayer): "valid" | "same" | number {
  if (padding === 0) return "valid";
  const same = op === "deconv" ? 2 * padding === kernel - stride : stride === 1 && 2 * padding === kernel - 1;
  return same ? "same" : padding;
}

function forward(net: Net, weights: Weights, x: tf.Tensor): tf.Tensor {
  const values = new Map([["x", x]]);
  for (const layer of net.layers) {
    const [first, second] = layer.inputs.map((name) => values.get(name)!);
    const { weight, bias } = weights.get(layer.name) ?? {};
    let y: tf.Tensor;
    if (layer.op === "add") y = tf.add(first!, second!);
    else if (layer.op === "pool") y = tf.maxPool(first!, layer.kernel, layer.stride, "valid");
    else if (layer.op === "deconv")
      y = tf.conv2dTranspose(first!, weight!, nhwcShape(net.shapes[layer.name]!), layer.stride, padOf(layer));
    else
      y = tf.fused.conv2d({
        x: first!,
        filter: weight!,
        strides: layer.stride,
        pad: padOf(layer),
        dimRoundingMode: roundingOf(layer),
        bias,
        activation: layer.relu ? "relu" : "linear",
      });
    values.set(layer.name, y);
  }
  return values.get(net.output)!;
}

/** Must be named where the padding is a number. */
const roundingOf = (layer: ConvLayer): "floor" | undefined => (typeof padOf(layer) === "number" ? "floor" : undefined);

/** The kernels that its own gradients call, without the forward pass that tf.grad would add. */
function gradient(
  workload: Extract<Workload, { kind: "gradient" }>,
  weights: Weights,
  x: tf.Tensor,
  dy: tf.Tensor,
  keep: (tensor: tf.Tensor) => tf.Tensor,
): () => tf.Tensor {
  const layer = workload.net.layers[0]!;
  const engine = tf.engine();
  if (!isConv(layer)) {
    if (layer.op !== "pool") throw new Error(`tfjs: no gradient of ${layer.op} is timed`);
    const { kernel, stride } = layer;
    const output = keep(tf.maxPool(x, kernel, stride, "valid"));
    const attrs = { filterSize: [kernel, kernel], strides: [stride, stride], pad: "valid" };
    return () => engine.runKernel("MaxPoolGrad", { dy, input: x, output }, attrs);
  }
  const { weight } = weights.get(layer.name)!;
  const attrs = {
    strides: [layer.stride, layer.stride],
    pad: padOf(layer),
    dataFormat: "NHWC",
    dimRoundingMode: roundingOf(layer),
  };
  if (workload.of === "filter") {
    // A transposed convolution's is that of the convolution that goes back.
    const inputs = layer.op === "conv" ? { x, dy } : { x: dy, dy: x };
    return () => engine.runKernel("Conv2DBackpropFilter", inputs, { ...attrs, filterShape: weight.shape });
  }
  if (layer.op === "deconv") return () => tf.conv2d(dy, weight, layer.stride, padOf(layer));
  return () => engine.runKernel("Conv2DBackpropInput", { dy, filter: weight }, { ...attrs, inputShape: x.shape });
}

interface TrainerParts {
  readonly x: tf.Tensor;
  readonly weights: Weights;
  readonly keep: (tensor: tf.Tensor) => tf.Tensor;
  readonly done: () => Promise<void>;
  readonly release: () => void;
}

/** Each run is a step. */
function trainer(
  workload: Extract<Workload, { kind: "training" }>,
  { labels, outputShape }: WorkloadData,
  { x, weights, keep, done, release }: TrainerParts,
): Prepared {
  const [classes] = outputShape;
  const onehot = new Float32Array(labels.length * classes);
  labels.forEach((label, pixel) => (onehot[pixel * classes + label] = 1));
  const targets = keep(tf.tensor(onehot, [labels.length, classes], "float32"));
  const optimizer = tf.train.momentum(workload.learningRate, workload.momentum);
  const loss = (): tf.Tensor =>
    tf.losses.softmaxCrossEntropy(targets, tf.reshape(forward(workload.net, weights, x), [labels.length, classes]));
  return {
    async run() {
      const value = optimizer.minimize(loss, true);
      await done();
      return { read: async () => Float32Array.from(await value.data()), release: () => value.dispose() };
    },
    release() {
      optimizer.dispose();
      release();
    },
  };
}
