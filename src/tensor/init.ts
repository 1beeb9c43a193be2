/** Initial values of parameters. Each is an {@link Init}: a function of the shape and a uniform random source. */
import { ShapeError } from "./errors.js";
import { normal } from "./random.js";
import { formatShape, numel, type Shape } from "./shape.js";
import type { Init } from "./tensor.js";

export function zeros(): Init {
  return (shape) => new Float32Array(numel(shape));
}

export function constant(value: number): Init {
  return (shape) => new Float32Array(numel(shape)).fill(value);
}

/** Inputs that each output of a weight sums over: all but the first extent. */
function fanIn(shape: Shape): number {
  return numel(shape.slice(1));
}

/** Normal with variance 2 / fan-in (He et al. 2015), for layers in front of a ReLU. Fan-in: all extents but the first. */
export function heNormal(): Init {
  return (shape, random) => {
    const next = normal(random);
    const deviation = Math.sqrt(2 / fanIn(shape));
    return Float32Array.from({ length: numel(shape) }, () => deviation * next());
  };
}

/** Uniform within sqrt(3 / fan-in): Caffe's `xavier` filler (LeNet, fcn.md 1.1). */
export function xavierUniform(): Init {
  return (shape, random) => {
    const limit = Math.sqrt(3 / fanIn(shape));
    return Float32Array.from({ length: numel(shape) }, () => limit * (2 * random() - 1));
  };
}

/** Normal with the given standard deviation: Caffe's `gaussian` filler. */
export function gaussian(deviation: number): Init {
  return (shape, random) => {
    const next = normal(random);
    return Float32Array.from({ length: numel(shape) }, () => deviation * next());
  };
}

/** One row of the bilinear kernel of size k: 1 - |i - c| / f, f = floor((k + 1) / 2), c = f - 1 for odd k, f - 0.5 for even k (fcn.md 1.5). */
function bilinearRow(k: number): number[] {
  const f = Math.floor((k + 1) / 2);
  const c = k % 2 === 1 ? f - 1 : f - 0.5;
  return Array.from({ length: k }, (_, i) => 1 - Math.abs(i - c) / f);
}

/**
 * Bilinear upsampling for a convTranspose2d weight [C, O/groups, k, k]: the kernel on the diagonal (channel c to channel c), zeros elsewhere, as the
 * paper's surgery.py fills it; for O/groups = 1 (depthwise) every filter. Throws ShapeError for another rank.
 */
export function bilinear(): Init {
  return diagonalBilinear;
}

/** Whether a parameter starts as {@link bilinear}: what surgery knows upsampling layers by. */
export function isBilinear(init: Init): boolean {
  return init === diagonalBilinear;
}

const diagonalBilinear: Init = (shape) => {
  if (shape.length !== 4) throw new ShapeError(`bilinear: the weight is ${formatShape(shape)}: it must be [C, O/groups, Kh, Kw]`);
  const [c, o, kh, kw] = shape as [number, number, number, number];
  const rows = bilinearRow(kh);
  const columns = bilinearRow(kw);
  const data = new Float32Array(numel(shape));
  for (let i = 0; i < c; i++) {
    const to = o === 1 ? 0 : i;
    if (to >= o) continue;
    for (let u = 0; u < kh; u++) for (let v = 0; v < kw; v++) data[((i * o + to) * kh + u) * kw + v] = rows[u]! * columns[v]!;
  }
  return data;
};

/** Caffe's own `bilinear` filler: the kernel in EVERY in/out pair, which mixes classes unless groups = channels (fcn.md 1.5). */
export function bilinearEveryPair(): Init {
  return (shape) => {
    const [kh, kw] = shape.slice(-2) as [number, number];
    const rows = bilinearRow(kh);
    const columns = bilinearRow(kw);
    return Float32Array.from({ length: numel(shape) }, (_, i) => rows[Math.floor(i / kw) % kh]! * columns[i % kw]!);
  };
}
