/**
 * Variant `window` of the poolings: one invocation per vec4 of the output on a grid of rows, the taps unrolled, hence no division but one and no
 * branch. Taps beyond the image repeat the window's nearest pixel, so every window needs one.
 */
import type { Shape } from "../tensor/shape.js";
import { MAX_WORKGROUPS_PER_AXIS, WORKGROUP_SIZE } from "./op.js";
import { windowParams, type PoolWindow } from "./window.js";

/** Larger kernels are rare, and long unrolled. */
const MOST_TAPS = 9;

/** What such a kernel's dispatch is made of; null where it does not apply. */
export function windowGeometry(x: Shape, y: Shape, window: PoolWindow) {
  const { kernel, dilation } = window;
  const [images, , rows] = y as readonly [number, number, number, number];
  const fits =
    kernel[0] * kernel[1] <= MOST_TAPS &&
    dilation.every((d) => d === 1) &&
    ([0, 1] as const).every((axis) => everyWindowHasPixels(x, y, window, axis)) &&
    Math.max(images, rows) <= MAX_WORKGROUPS_PER_AXIS;
  if (!fits) return null;
  const { channels, channel_vec4s, in_h, in_w, out_h, out_w, stride_h, stride_w, pad_top, pad_left } = windowParams(x, y, window);
  const row_vec4s = out_w * channel_vec4s;
  const groups = Math.ceil(row_vec4s / WORKGROUP_SIZE);
  if (groups > MAX_WORKGROUPS_PER_AXIS) return null;
  return {
    params: { channels, row_vec4s, channel_vec4s, in_h, in_w, out_h, stride_h, stride_w, pad_top, pad_left },
    constants: { KERNEL_H: kernel[0], KERNEL_W: kernel[1] },
    workgroups: [groups, rows, images] as const,
  };
}

function everyWindowHasPixels(x: Shape, y: Shape, { kernel, stride, padding }: PoolWindow, axis: 0 | 1): boolean {
  return padding[axis] < kernel[axis] && (y[axis + 2]! - 1) * stride[axis] - padding[axis] < x[axis + 2]!;
}
