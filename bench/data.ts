/** The numbers of a workload, from seeds: inputs, weights, the gradient that arrives, labels. */
import type { ConvLayer, ImageShape, Layer } from "./net.js";
import type { Workload } from "./workloads.js";

export interface LayerWeights {
  readonly weight: Float32Array;
  /** OIHW; [in, out, kh, kw] for a transposed convolution. */
  readonly shape: readonly [number, number, number, number];
  readonly bias: Float32Array | null;
}

export interface WorkloadData {
  readonly x: Float32Array;
  readonly weights: ReadonlyMap<string, LayerWeights>;
  /** What arrives at the output, for gradients. */
  readonly dy: Float32Array;
  /** A class for each pixel of the output, for training. */
  readonly labels: Int32Array;
  readonly outputShape: ImageShape;
}

const elements = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

export const isConv = (layer: Layer): layer is ConvLayer => layer.op === "conv" || layer.op === "deconv";

export function makeData({ net, kind }: Workload): WorkloadData {
  const weights = new Map<string, LayerWeights>();
  let seed = 11;
  for (const layer of net.layers) {
    if (!isConv(layer)) continue;
    const { op, channelsIn, channelsOut, kernel, stride, relu } = layer;
    const shape = [...(op === "conv" ? [channelsOut, channelsIn] : [channelsIn, channelsOut]), kernel, kernel] as const;
    // A pixel of a transposed convolution's output meets kernel^2 / stride^2 taps.
    const terms = (channelsIn * kernel ** 2) / (op === "conv" ? 1 : stride ** 2);
    const weight = uniform(elements(shape), Math.sqrt((relu ? 6 : 3) / terms), seed++);
    const bias = layer.bias ? uniform(channelsOut, 0.1, seed++) : null;
    weights.set(layer.name, { weight, shape: shape as LayerWeights["shape"], bias });
  }
  const outputShape = net.shapes[net.output]!;
  return {
    x: uniform(elements(net.input), 1, 7),
    weights,
    dy: kind === "gradient" ? uniform(elements(outputShape), 1, 5) : new Float32Array(0),
    labels: kind === "training" ? squares(outputShape) : new Int32Array(0),
    outputShape,
  };
}

/** Squares of 16 x 16 pixels, each of one class. */
function squares([classes, height, width]: ImageShape): Int32Array {
  const square = (pixel: number): number => (Math.floor(pixel / width) >> 4) * 8 + ((pixel % width) >> 4);
  return Int32Array.from({ length: height * width }, (_, pixel) => (square(pixel) * 7) % classes);
}

/** Uniform in (-bound, bound), by mulberry32. */
function uniform(length: number, bound: number, seed: number): Float32Array {
  let state = seed >>> 0;
  return Float32Array.from({ length }, () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (2 * (((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296) - 1) * bound;
  });
}
