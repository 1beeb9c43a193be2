/** The second pass of a weight gradient whose pixels were cut into strips. */
import { physicalSize } from "../tensor/layout.js";
import type { Shape } from "../tensor/shape.js";
import { dispatch, grid, scratchRef, type Dispatch } from "./op.js";

/** Partial sums may take this much scratch memory, but one strip always may. */
export const STRIPS_BYTES = 16 * 2 ** 20;

/** Adds the partial sums of the strips, which lie in the n-th scratch buffer, in fixed order. At most 256 strips. */
export function sumStrips(weight: Shape, strips: number, scratch: number): Dispatch {
  const count = physicalSize(weight) / 4;
  return dispatch("conv2d-weight-grad.sum", {
    params: { count, strips },
    buffers: { parts: scratchRef(scratch), dw: "output" },
    workgroups: grid(count),
  });
}
