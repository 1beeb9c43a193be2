/** The layouts of the peers from and to the workloads': images [C, H, W], weights OIHW or [in, out, kh, kw]. */
import type { ImageShape } from "../net.js";

type FourAxes = readonly [number, number, number, number];

/** `values` of this shape with the axes in another order. */
export function permuted(values: Float32Array, shape: readonly number[], order: readonly number[]): Float32Array {
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1));
  const result = new Float32Array(values.length);
  let at = 0;
  const walk = (depth: number, offset: number): void => {
    const axis = order[depth]!;
    const [size, stride] = [shape[axis]!, strides[axis]!];
    if (depth === order.length - 1) for (let i = 0; i < size; i++) result[at++] = values[offset + i * stride]!;
    else for (let i = 0; i < size; i++) walk(depth + 1, offset + i * stride);
  };
  walk(0, 0);
  return result;
}

export const toNhwc = (values: Float32Array, shape: ImageShape): Float32Array => permuted(values, shape, [1, 2, 0]);

export const fromNhwc = (values: Float32Array, [c, h, w]: ImageShape): Float32Array => permuted(values, [h, w, c], [2, 0, 1]);

/** [1, H, W, C] */
export const nhwcShape = ([c, h, w]: ImageShape): [number, number, number, number] => [1, h, w, c];

/** OIHW to HWIO; [in, out, kh, kw] to [kh, kw, out, in]. */
export const toHwio = (values: Float32Array, shape: FourAxes): Float32Array => permuted(values, shape, [2, 3, 1, 0]);

export const fromHwio = (values: Float32Array, [o, i, kh, kw]: FourAxes): Float32Array =>
  permuted(values, [kh, kw, i, o], [3, 2, 0, 1]);
