/** Reference of src/kernels/max-pool.ts. */
import type { MaxPoolIndicesAttrs } from "../kernels/max-pool.js";
import type { MaxPoolTapsGradAttrs } from "../kernels/max-pool-taps.js";
import { pooledShape, type PoolWindow } from "../kernels/window.js";
import { numel, type TensorSpec } from "../tensor/shape.js";
import { floats, ints, type NdArray } from "./nd-array.js";
import { taps } from "./window.js";

/** What Caffe's scan starts from: the value of a window without a pixel. */
const LOWEST = -3.4028234663852886e38;

/** For each element of y: the offset in x of the window's first maximum, -1 for a window without a pixel. */
function firstMaxima(x: NdArray, window: PoolWindow, [n, c, outH, outW]: readonly number[]): Int32Array {
  const [h, w] = [x.shape[2]!, x.shape[3]!];
  const offsets = new Int32Array(n! * c! * outH! * outW!);
  let at = 0;
  for (let plane = 0; plane < n! * c!; plane++) {
    for (let i = 0; i < outH!; i++) {
      for (let j = 0; j < outW!; j++) {
        let best = LOWEST;
        let offset = -1;
        for (const row of taps(window, 0, i, 0, h)) {
          for (const column of taps(window, 1, j, 0, w)) {
            const here = (plane * h + row) * w + column;
            if (x.data[here]! > best) {
              best = x.data[here]!;
              offset = here;
            }
          }
        }
        offsets[at++] = offset;
      }
    }
  }
  return offsets;
}

export function maxPool2d([x]: readonly NdArray[], attrs: PoolWindow, y: TensorSpec): NdArray {
  return floats(
    y.shape,
    Float64Array.from(firstMaxima(x!, attrs, y.shape), (offset) => (offset < 0 ? LOWEST : x!.data[offset]!)),
  );
}

export function maxPool2dIndices([x]: readonly NdArray[], attrs: MaxPoolIndicesAttrs, y: TensorSpec): NdArray {
  const [h, w] = [x!.shape[2]!, x!.shape[3]!];
  const index = (offset: number): number => {
    if (offset < 0) return -1;
    const inPlane = offset % (h * w);
    const position = attrs.columnMajor ? (inPlane % w) * h + Math.floor(inPlane / w) : inPlane;
    return attrs.withinPlane ? position : offset - inPlane + position;
  };
  return ints(y.shape, firstMaxima(x!, attrs, y.shape).map(index));
}

export function maxPool2dGrad([dy, x]: readonly NdArray[], attrs: PoolWindow): NdArray {
  const dx = new Float64Array(numel(x!.shape));
  firstMaxima(x!, attrs, dy!.shape).forEach((offset, k) => {
    if (offset >= 0) dx[offset]! += dy!.data[k]!;
  });
  return floats(x!.shape, dx);
}

/** The second output of maxPool2dTaps: the tap of each window's first maximum, a byte a channel. */
export function maxPool2dTaps([x]: readonly NdArray[], attrs: PoolWindow, output: TensorSpec): NdArray {
  const [, c, h, w] = x!.shape as readonly [number, number, number, number];
  const [outH, outW] = pooledShape("maxPool2dTaps", { shape: x!.shape, dtype: "f32" }, attrs).slice(2) as [number, number];
  const packed = new Int32Array(numel(output.shape)).fill(-1);
  firstMaxima(x!, attrs, [x!.shape[0]!, c, outH, outW]).forEach((offset, k) => {
    if (offset < 0) return;
    const [j, i] = [k % outW, Math.floor(k / outW) % outH];
    const [channel, n] = [Math.floor(k / (outW * outH)) % c, Math.floor(k / (outW * outH * c))];
    const u = (Math.floor((offset % (h * w)) / w) - i * attrs.stride[0] + attrs.padding[0]) / attrs.dilation[0];
    const v = ((offset % w) - j * attrs.stride[1] + attrs.padding[1]) / attrs.dilation[1];
    const at = ((n * outH + i) * outW + j) * output.shape[1]! + Math.floor(channel / 4);
    const shift = 8 * (channel % 4);
    packed[at] = (packed[at]! & ~(255 << shift)) | ((u * attrs.kernel[1] + v) << shift);
  });
  return ints(output.shape, packed);
}

export function maxPool2dTapsGrad([dy, taps]: readonly NdArray[], attrs: MaxPoolTapsGradAttrs): NdArray {
  const [, c, h, w] = attrs.shape as readonly [number, number, number, number];
  const [outH, outW] = dy!.shape.slice(2) as [number, number];
  const dx = floats(attrs.shape);
  dy!.data.forEach((value: number, k: number) => {
    const [j, i] = [k % outW, Math.floor(k / outW) % outH];
    const plane = Math.floor(k / (outW * outH));
    const [channel, n] = [plane % c, Math.floor(plane / c)];
    const packed = taps!.data[((n * outH + i) * outW + j) * taps!.shape[1]! + Math.floor(channel / 4)]!;
    const tap = (packed >>> (8 * (channel % 4))) & 255;
    if (tap === 255) return;
    const row = i * attrs.stride[0] - attrs.padding[0] + Math.floor(tap / attrs.kernel[1]) * attrs.dilation[0];
    const column = j * attrs.stride[1] - attrs.padding[1] + (tap % attrs.kernel[1]) * attrs.dilation[1];
    dx.data[(plane * h + row) * w + column]! += value;
  });
  return dx;
}
