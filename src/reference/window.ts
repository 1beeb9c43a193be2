/** Pooling windows of the reference: which taps of a window lie where. */
import type { PoolWindow } from "../kernels/window.js";

/** Rows h of window i (or columns of window j) that lie in [low, high), in order. `axis`: 0 for rows, 1 for columns. */
export function taps(window: PoolWindow, axis: 0 | 1, index: number, low: number, high: number): number[] {
  const start = index * window.stride[axis] - window.padding[axis];
  return Array.from({ length: window.kernel[axis] }, (_, u) => start + u * window.dilation[axis]).filter(
    (h) => h >= low && h < high,
  );
}
