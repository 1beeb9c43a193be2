/**
 * FCN-8s on VGG16 in TensorFlow.js, float32 on the CPU, and Caffe's SGD step by hand: what the engine's training is compared with. Written from the paper and the
 * prototxts, layer by layer, without the engine's code. Padding "same": every layer keeps its size, the maps fit without crops where 32 divides the image.
 */
import { createRequire } from "node:module";
import type { Shape } from "../../src/index.js";
import type { Steps, Trained } from "../twenty-steps.js";

interface TfTensor {
  readonly shape: number[];
  data(): Promise<Float32Array>;
  dispose(): void;
}

/** What is used of it; the root package does not know it. */
interface TensorFlow {
  setBackend(name: string): Promise<boolean>;
  ready(): Promise<void>;
  tensor(values: Float32Array | readonly number[], shape: Shape, dtype: "float32"): TfTensor;
  variable(initial: TfTensor, trainable: boolean, name: string): TfTensor & { assign(value: TfTensor): void };
  tidy<T>(work: () => T): T;
  variableGrads(loss: () => TfTensor, variables: readonly TfTensor[]): { value: TfTensor; grads: Record<string, TfTensor> };
  conv2d(x: TfTensor, filter: TfTensor, stride: number, pad: "same"): TfTensor;
  conv2dTranspose(x: TfTensor, filter: TfTensor, shape: Shape, stride: number, pad: "same"): TfTensor;
  maxPool(x: TfTensor, kernel: number, stride: number, pad: "valid"): TfTensor;
  relu(x: TfTensor): TfTensor;
  add(a: TfTensor, b: TfTensor): TfTensor;
  sub(a: TfTensor, b: TfTensor): TfTensor;
  mul(a: TfTensor, b: TfTensor | number): TfTensor;
  sum(x: TfTensor): TfTensor;
  logSoftmax(x: TfTensor): TfTensor;
  transpose(x: TfTensor, permutation: readonly number[]): TfTensor;
}

function load(): TensorFlow {
  try {
    return createRequire(import.meta.url)("@tensorflow/tfjs") as TensorFlow;
  } catch (cause) {
    throw new Error("@tensorflow/tfjs is not installed: npm install --prefix tools/tfjs", { cause });
  }
}

/** Convolutions of each block. */
const BLOCKS = [2, 2, 3, 3, 3];

/** The paper's accumulated regime for VGG16 (section 4.3; fcn.md 2.1), an image a step. */
const [LEARNING_RATE, MOMENTUM, WEIGHT_DECAY] = [1e-4, 0.9, 5e-4];

/** Caffe's lr_mult and decay_mult: biases learn at twice the rate and do not decay; the last upsampling is bilinear and stays so. */
function multipliersOf(name: string): readonly [rate: number, decay: number] {
  if (name === "upscore8.weight") return [0, 0];
  return name.endsWith(".bias") ? [2, 0] : [1, 1];
}

/** A step for each example. */
export async function trainFcn8s(training: Steps): Promise<Trained> {
  const { start, size: side } = training;
  const tf = load();
  if (!(await tf.setBackend("cpu"))) throw new Error("tf.setBackend(cpu) returned false");
  await tf.ready();
  const variables = new Map([...start].map(([name, { shape, data }]) => [name, tf.variable(toTf(tf, data, shape), true, name)]));
  const of = (name: string): TfTensor => variables.get(name)!;
  const velocities = new Map(
    [...variables].map(([name, v]) => [name, tf.tensor(new Float32Array(elements(v.shape)), v.shape, "float32")]),
  );

  const conv = (x: TfTensor, name: string): TfTensor => tf.add(tf.conv2d(x, of(`${name}.weight`), 1, "same"), of(`${name}.bias`));
  const up = (x: TfTensor, name: string, stride: number): TfTensor => {
    const [n, h, w, c] = x.shape as [number, number, number, number];
    return tf.conv2dTranspose(x, of(`${name}.weight`), [n, h * stride, w * stride, c], stride, "same");
  };
  const scores = (image: TfTensor): TfTensor => {
    const pools: TfTensor[] = [];
    let x = image;
    BLOCKS.forEach((count, block) => {
      for (let i = 1; i <= count; i++) x = tf.relu(conv(x, `conv${block + 1}_${i}`));
      x = tf.maxPool(x, 2, 2, "valid");
      pools.push(x);
    });
    x = tf.relu(conv(x, "fc6"));
    x = tf.relu(conv(x, "fc7"));
    const at16 = tf.add(up(conv(x, "score_fr"), "upscore2", 2), conv(pools[3]!, "score_pool4"));
    const at8 = tf.add(up(at16, "upscore_pool4", 2), conv(pools[2]!, "score_pool3"));
    return up(at8, "upscore8", 8);
  };

  const losses: number[] = [];
  for (const { image, labels } of training.examples) {
    const trained = [...variables].filter(([name]) => multipliersOf(name)[0] !== 0);
    const { value, grads } = tf.variableGrads(
      () => {
        const x = tf.transpose(tf.tensor(image, [1, 3, side, side], "float32"), [0, 2, 3, 1]);
        const onehot = new Float32Array(side * side * training.classes);
        let valid = 0;
        for (let p = 0; p < side * side; p++) {
          if (labels[p] === training.ignore) continue;
          onehot[p * training.classes + labels[p]!] = 1;
          valid++;
        }
        const target = tf.tensor(onehot, [1, side, side, training.classes], "float32");
        return tf.mul(tf.sum(tf.mul(tf.logSoftmax(scores(x)), target)), -1 / Math.max(1, valid));
      },
      trained.map(([, variable]) => variable),
    );
    for (const [name, variable] of trained) {
      const [rate, decay] = multipliersOf(name);
      const velocity = tf.tidy(() => {
        const g = tf.add(grads[name]!, tf.mul(variable, WEIGHT_DECAY * decay));
        return tf.add(tf.mul(velocities.get(name)!, MOMENTUM), tf.mul(g, LEARNING_RATE * rate));
      });
      velocities.get(name)!.dispose();
      velocities.set(name, velocity);
      const next = tf.sub(variable, velocity);
      variable.assign(next);
      next.dispose();
    }
    losses.push((await value.data())[0]!);
    value.dispose();
    Object.values(grads).forEach((g) => g.dispose());
  }
  const weights = new Map<string, { shape: Shape; data: Float32Array }>();
  for (const [name, { shape }] of start) weights.set(name, { shape, data: await fromTf(tf, of(name), shape) });
  return { losses, weights };
}

const elements = (shape: Shape): number => shape.reduce((n, d) => n * d, 1);

/** [O, C, Kh, Kw] to [Kh, Kw, C, O]; a transposed convolution's [C, O, Kh, Kw] to [Kh, Kw, O, C]: the same axes. */
function toTf(tf: TensorFlow, data: Float32Array, shape: Shape): TfTensor {
  const x = tf.tensor(data, shape, "float32");
  return shape.length === 4 ? tf.transpose(x, [2, 3, 1, 0]) : x;
}

async function fromTf(tf: TensorFlow, x: TfTensor, shape: Shape): Promise<Float32Array> {
  return Float32Array.from(await (shape.length === 4 ? tf.transpose(x, [3, 2, 0, 1]) : x).data());
}
