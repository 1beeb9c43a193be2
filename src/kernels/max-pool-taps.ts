/**
 * Max pooling for training: the forward pass also keeps which tap of each window won, packed a byte a channel, so that the gradient reads
 * these and dy alone, a sixteenth and a quarter of x's floats under 2x2 windows. passes/pair.ts puts these ops in the place of maxPool2d and
 * maxPool2dGrad (max-pool.ts says what a maximum is; nothing differs).
 *
 * taps: i32 [N OH OW, ceil(C / 4)], channel 4k in the lowest byte; 255 where a window has no maximum, and behind C.
 */
import { ShapeError } from "../tensor/errors.js";
import { physicalSize } from "../tensor/layout.js";
import { formatShape, numel, sameShape, type Shape, type TensorSpec } from "../tensor/shape.js";
import { maxPool2dOp, cellsOf } from "./max-pool.js";
import { dispatch, grid, inputRef, type Op, type Variant } from "./op.js";
import { windowGeometry } from "./pool-window.js";
import { pooledShape, windowParams, type PoolWindow } from "./window.js";

/** Most taps of a window: 255 says that there is none. */
export const MOST_TAPS = 255;

export interface MaxPoolTapsGradAttrs extends PoolWindow {
  /** Of x, [N, C, H, W]. */
  readonly shape: Shape;
}

function tapsSpec([n, c, h, w]: readonly number[]): TensorSpec {
  return { shape: [n! * h! * w!, Math.ceil(c! / 4)], dtype: "i32" };
}

/** Input x; output y, the second output taps. */
export const maxPool2dTapsOp: Op<PoolWindow> = {
  name: "maxPool2dTaps",
  infer([x], attrs) {
    const [kh, kw] = attrs.kernel;
    if (kh * kw > MOST_TAPS)
      throw new ShapeError(`maxPool2dTaps: windows of ${kh}x${kw} have more than ${MOST_TAPS} taps: use maxPool2d`);
    return { shape: pooledShape("maxPool2dTaps", x!, attrs), dtype: "f32" };
  },
  second: ([x], attrs) => tapsSpec(pooledShape("maxPool2dTaps", x!, attrs)),
  variants([x], y, attrs) {
    const count = physicalSize(y.shape) / 4;
    const params = { count, ...windowParams(x!.shape, y.shape, attrs) };
    const buffers = { x: inputRef(0), y: "output", taps: "second" } as const;
    const direct: Variant = {
      name: "direct",
      dispatches: [dispatch("max-pool2d-taps.direct", { params, buffers, workgroups: grid(count) })],
    };
    const window = windowGeometry(x!.shape, y.shape, attrs);
    if (!window) return [direct];
    const inRows = dispatch("max-pool2d-taps.window", { ...window, buffers });
    return [direct, { name: "window", dispatches: [inRows] }];
  },
  flops: maxPool2dOp.flops,
  // Its taps are what a gradient goes by.
  decidedBy: () => [0],
  grad: () => {
    throw new Error("maxPool2dTaps has no gradient: it is made after gradients are");
  },
};

/** Inputs dy, taps; output dx: each pixel gathers dy of the windows whose tap it is. */
export const maxPool2dTapsGradOp: Op<MaxPoolTapsGradAttrs> = {
  name: "maxPool2dTapsGrad",
  infer([dy, taps], attrs) {
    const want = pooledShape("maxPool2dTapsGrad", { shape: attrs.shape, dtype: "f32" }, attrs);
    if (!sameShape(dy!.shape, want) || !sameShape(taps!.shape, tapsSpec(want).shape)) {
      throw new ShapeError(
        `maxPool2dTapsGrad: dy is ${formatShape(dy!.shape)} and taps are ${formatShape(taps!.shape)}: they must be ${formatShape(want)} and ${formatShape(tapsSpec(want).shape)}`,
      );
    }
    return { shape: attrs.shape, dtype: "f32" };
  },
  variants([dy], dx, attrs) {
    const count = physicalSize(dx.shape) / 4;
    const params = { count, ...windowParams(dx.shape, dy!.shape, attrs) };
    const buffers = { dy: inputRef(0), taps: inputRef(1), dx: "output" } as const;
    const direct: Variant = {
      name: "direct",
      dispatches: [dispatch("max-pool2d-taps-grad.direct", { params, buffers, workgroups: grid(count) })],
    };
    const cells = cellsOf(dy!.shape, dx.shape, attrs);
    if (!cells) return [direct];
    return [
      direct,
      {
        name: "cells",
        dispatches: [dispatch("max-pool2d-taps-grad.cells", { params: cells, buffers, workgroups: grid(cells.count) })],
      },
    ];
  },
  flops: ([dy], _dx, { kernel }) => numel(dy!.shape) * kernel[0] * kernel[1],
  grad: () => {
    throw new Error("maxPool2dTapsGrad has no gradient: it is made after gradients are");
  },
};
