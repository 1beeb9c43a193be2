/** Weights on the host: by name, logical row-major values. */
import { WeightsError } from "./errors.js";
import { hashString, uniform } from "./random.js";
import { formatShape, numel, type Shape } from "./shape.js";
import type { Param } from "./tensor.js";

export type TypedArray = Float32Array | Int32Array | Uint32Array | Uint8Array;

export type Weights = ReadonlyMap<string, { readonly shape: Shape; readonly data: Float32Array }>;

/** The value a parameter starts from: its `init`, with numbers drawn from the seed and the parameter's name. */
export function initialValue(param: Param, seed: number): Float32Array {
  const data = param.init(param.shape, uniform((seed ^ hashString(param.name)) >>> 0));
  if (data.length !== numel(param.shape)) {
    throw new WeightsError(
      `param ${param.name}: its init made ${data.length} values but ${formatShape(param.shape)} takes ${numel(param.shape)}`,
    );
  }
  return data;
}

/** The weights a program of this graph starts from with the same seed (1 unless told), bit for bit. */
export function initialWeights(graph: { readonly params: readonly Param[] }, seed = 1): Weights {
  return new Map(graph.params.map((p) => [p.name, { shape: p.shape, data: initialValue(p, seed) }]));
}
