/** Reference of src/kernels/dropout.ts. */
import { dropThreshold, type DropoutAttrs } from "../kernels/dropout.js";
import { floats, type NdArray } from "./nd-array.js";

export function dropout([x, rng]: readonly NdArray[], { p, seed, offset }: DropoutAttrs): NdArray {
  const threshold = dropThreshold(p);
  const [programSeed, step] = rng!.data as Int32Array;
  return floats(
    x!.shape,
    Float64Array.from(x!.data, (v, index) =>
      randomBits(index + offset, seed, programSeed!, step!) >= threshold ? v / (1 - p) : 0,
    ),
  );
}

/** First word of PCG4D of four 32-bit counters: Jarzynski and Olano, Hash Functions for GPU Rendering, JCGT 9(3), 2020. */
function randomBits(...counter: readonly [number, number, number, number]): number {
  let [x, y, z, w] = counter.map((v) => Math.imul(v, 1664525) + 1013904223) as [number, number, number, number];
  const mix = (): void => {
    x += Math.imul(y, w);
    y += Math.imul(z, x);
    z += Math.imul(x, y);
    w += Math.imul(y, z);
  };
  mix();
  [x, y, z, w] = [x, y, z, w].map((v) => v ^ (v >>> 16)) as [number, number, number, number];
  mix();
  return x >>> 0;
}
