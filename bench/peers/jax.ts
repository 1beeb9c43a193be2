/** jax-js on WebGPU. Everything goes through jit(); a function owns its arguments, so what is used again is passed as `.ref`. */
import type { WorkloadData } from "../data.js";
import type { Engine, EngineHost, Prepared } from "../engine.js";
import type { Layer, Net, PoolLayer } from "../net.js";
import { serveEngine } from "../session.js";
import type { Workload } from "../workloads.js";

/** Of @jax-js/jax, what is used here. */
interface Jax {
  init(device: string): Promise<readonly string[]>;
  defaultDevice(device: string): void;
  blockUntilReady(tree: unknown): Promise<unknown>;
  jit<A extends unknown[], R>(fn: (...args: A) => R): Jitted<A, R>;
  vjp(fn: (x: JaxArray) => JaxArray, args: readonly JaxArray[]): [JaxArray, Pullback];
  valueAndGrad(
    fn: (params: Params, x: JaxArray, y: JaxArray) => JaxArray,
  ): (params: Params, x: JaxArray, y: JaxArray) => [JaxArray, Params];
  readonly lax: {
    convGeneralDilated(x: JaxArray, w: JaxArray, strides: Two, padding: readonly Two[]): JaxArray;
    convTranspose(x: JaxArray, w: JaxArray, strides: Two, padding: readonly Two[], options: object): JaxArray;
    reduceWindow(x: JaxArray, reduce: (v: JaxArray) => JaxArray, kernel: Two, strides: Two): JaxArray;
  };
  readonly nn: { relu(x: JaxArray): JaxArray; logSoftmax(x: JaxArray, axis: number): JaxArray };
  readonly numpy: {
    array(values: Float32Array): JaxArray;
    max(x: JaxArray): JaxArray;
    sum(x: JaxArray): JaxArray;
    zerosLike(x: JaxArray): JaxArray;
  };
  readonly tree: {
    ref<T>(tree: T): T;
    dispose(tree: unknown): void;
    map(fn: (...leaves: JaxArray[]) => JaxArray, ...trees: Params[]): Params;
  };
}
type Two = readonly [number, number];
type Jitted<A extends unknown[], R> = ((...args: A) => R) & { dispose?(): void };
type Pullback = ((dy: JaxArray) => [JaxArray]) & { dispose?(): void };
interface JaxArray {
  readonly ref: JaxArray;
  add(other: JaxArray): JaxArray;
  sub(other: JaxArray): JaxArray;
  mul(other: JaxArray | number): JaxArray;
  reshape(shape: readonly number[]): JaxArray;
  data(): Promise<Float32Array>;
  blockUntilReady(): Promise<unknown>;
  dispose(): void;
}
type Params = Readonly<Record<string, JaxArray>>;

export const main = serveEngine({ "jax-webgpu": jaxWebGpu() });

function jaxWebGpu(): Engine {
  let host: EngineHost;
  let jax: Jax;
  return {
    webgpu: true,
    cannot: () => null,
    async open(opened) {
      host = opened;
      const entry = `${host.packages}@jax-js/jax/dist/index.js`;
      jax = (await import(entry)) as Jax;
      if (!(await jax.init("webgpu")).includes("webgpu")) throw new Error("jax-js has no device webgpu here");
      jax.defaultDevice("webgpu");
      return "@jax-js/jax, webgpu";
    },
    async prepare(workload, data) {
      const array = (values: Float32Array, shape: readonly number[]): JaxArray => jax.numpy.array(values).reshape(shape);
      const x = array(data.x, [1, ...workload.net.input]);
      const params: Record<string, JaxArray> = {};
      for (const [name, { weight, shape, bias }] of data.weights) {
        params[weightOf(name)] = array(weight, shape);
        if (bias) params[biasOf(name)] = array(bias, [bias.length]);
      }
      const dy = workload.kind === "gradient" ? array(data.dy, [1, ...data.outputShape]) : null;
      await jax.blockUntilReady(jax.tree.ref(dy ? [x, params, dy] : [x, params]));
      if (workload.kind === "training") return trainer(jax, host, workload, data, params, x, array);
      const [call, dispose] =
        workload.kind === "forward" ? forwardCall(jax, workload.net, params, x) : gradientCall(jax, workload, params, x, dy!);
      return {
        async run() {
          const output = call();
          await output.blockUntilReady();
          await host.finished();
          // data() gives the array up.
          return { read: async () => Float32Array.from(await output.ref.data()), release: () => output.dispose() };
        },
        release() {
          x.dispose();
          dy?.dispose();
          jax.tree.dispose(params);
          dispose();
        },
      };
    },
  };
}

const weightOf = (layer: string): string => `${layer}.weight`;
const biasOf = (layer: string): string => `${layer}.bias`;

type Call = readonly [call: () => JaxArray, dispose: () => void];

function forwardCall(jax: Jax, net: Net, params: Params, x: JaxArray): Call {
  const jitted = jax.jit((p: Params, image: JaxArray) => forward(jax, net, p, image));
  return [() => jitted(jax.tree.ref(params), x.ref), () => jitted.dispose?.()];
}

function gradientCall(
  jax: Jax,
  { net, of }: Extract<Workload, { kind: "gradient" }>,
  params: Params,
  x: JaxArray,
  dy: JaxArray,
): Call {
  const layer = net.layers[0]!;
  const weight = params[weightOf(layer.name)];
  const back = (fn: (value: JaxArray) => JaxArray, value: JaxArray, arriving: JaxArray): JaxArray => {
    const [y, pullback] = jax.vjp(fn, [value]);
    y.dispose();
    const [gradient] = pullback(arriving);
    pullback.dispose?.();
    return gradient;
  };
  if (layer.op === "pool") {
    const jitted = jax.jit((image: JaxArray, arriving: JaxArray) => back((v) => pool(jax, v, layer), image, arriving));
    return [() => jitted(x.ref, dy.ref), () => jitted.dispose?.()];
  }
  const jitted = jax.jit((image: JaxArray, filter: JaxArray, arriving: JaxArray) =>
    of === "input"
      ? back((v) => convolve(jax, v, filter, layer), image, arriving)
      : back((v) => convolve(jax, image, v, layer), filter, arriving),
  );
  return [() => jitted(x.ref, weight!.ref, dy.ref), () => jitted.dispose?.()];
}

function forward(jax: Jax, net: Net, params: Params, x: JaxArray): JaxArray {
  const uses = new Map<string, number>();
  for (const name of net.layers.flatMap(({ inputs }) => inputs)) uses.set(name, (uses.get(name) ?? 0) + 1);
  const values = new Map([["x", x]]);
  const take = (name: string): JaxArray => {
    const left = uses.get(name)! - 1;
    uses.set(name, left);
    const value = values.get(name)!;
    return left > 0 ? value.ref : value;
  };
  for (const layer of net.layers) {
    const [first, second] = layer.inputs.map(take);
    if (layer.op === "add") values.set(layer.name, first!.add(second!));
    else if (layer.op === "pool") values.set(layer.name, pool(jax, first!, layer));
    else {
      let y = convolve(jax, first!, params[weightOf(layer.name)]!, layer);
      if (layer.bias) y = y.add(params[biasOf(layer.name)]!.reshape([1, layer.channelsOut, 1, 1]));
      values.set(layer.name, layer.relu ? jax.nn.relu(y) : y);
    }
  }
  return values.get(net.output)!;
}

function convolve(jax: Jax, x: JaxArray, weight: JaxArray, layer: Layer): JaxArray {
  if (layer.op !== "conv" && layer.op !== "deconv") throw new Error(`jax: ${layer.op} is no convolution`);
  const { stride, padding } = layer;
  const pads: readonly Two[] = [
    [padding, padding],
    [padding, padding],
  ];
  if (layer.op === "conv") return jax.lax.convGeneralDilated(x, weight, [stride, stride], pads);
  return jax.lax.convTranspose(x, weight, [stride, stride], pads, { transposeKernel: true });
}

function pool(jax: Jax, x: JaxArray, { kernel, stride }: PoolLayer): JaxArray {
  return jax.lax.reduceWindow(x, (window) => jax.numpy.max(window), [kernel, kernel], [stride, stride]);
}

/** Each run is a step. */
function trainer(
  jax: Jax,
  host: EngineHost,
  { net, learningRate, momentum }: Extract<Workload, { kind: "training" }>,
  { labels, outputShape }: WorkloadData,
  initial: Params,
  x: JaxArray,
  array: (values: Float32Array, shape: readonly number[]) => JaxArray,
): Prepared {
  const onehot = new Float32Array(outputShape[0] * labels.length);
  labels.forEach((label, pixel) => (onehot[label * labels.length + pixel] = 1));
  const targets = array(onehot, [1, ...outputShape]);
  let params = initial;
  let velocities = jax.tree.map((p) => jax.numpy.zerosLike(p), jax.tree.ref(initial));
  const loss = (p: Params, image: JaxArray, y: JaxArray): JaxArray =>
    jax.numpy.sum(jax.nn.logSoftmax(forward(jax, net, p, image), 1).mul(y)).mul(-1 / labels.length);
  const step = jax.jit((p: Params, v: Params, image: JaxArray, y: JaxArray): [JaxArray, Params, Params] => {
    const [value, slopes] = jax.valueAndGrad(loss)(jax.tree.ref(p), image, y);
    const moved = jax.tree.map((velocity, slope) => velocity.mul(momentum).add(slope), v, slopes);
    return [value, jax.tree.map((weight, by) => weight.sub(by.mul(learningRate)), p, jax.tree.ref(moved)), moved];
  });
  return {
    async run() {
      const [value, nextParams, nextVelocities] = step(params, velocities, x.ref, targets.ref);
      [params, velocities] = [nextParams, nextVelocities];
      await jax.blockUntilReady([value, params, velocities]);
      await host.finished();
      return { read: async () => Float32Array.from(await value.ref.data()), release: () => value.dispose() };
    },
    release() {
      jax.tree.dispose([params, velocities, x, targets]);
      step.dispose?.();
    },
  };
}
