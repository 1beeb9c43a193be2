/** The second pass of a weight gradient whose pixels were cut into strips. */
import { physicalSize } from "../tensor/layout.js";
import type { Shape } from "../tensor/shape.js";
import { dispatch, grid, scratchRef, type DeviceTraits, type Dispatch } from "./op.js";

/** Partial sums may take this much scratch memory, where the device binds as much; one strip always may. */
const STRIPS_BYTES = 16 * 2 ** 20;

/** How many strips of `bytes` each fit; at least 1. */
export function mostStrips(bytes: number, { maxBindingBytes }: DeviceTraits): number {
  return Math.max(1, Math.floor(Math.min(STRIPS_BYTES, maxBindingBytes) / bytes));
}

/** Adds the partial sums of the strips, which lie in the n-th scratch buffer, in fixed order. At most 256 strips. */
export function sumStrips(weight: Shape, strips: number, scratch: number): Dispatch {
  const count = physicalSize(weight) / 4;
  return dispatch("conv2d-weight-grad.sum", {
    params: { count, strips },
    buffers: { parts: scratchRef(scratch), dw: "output" },
    workgroups: grid(count),
  });
}
