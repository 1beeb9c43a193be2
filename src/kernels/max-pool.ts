/**
 * Max pooling: y[n, c, i, j] = max over u, v of x[n, c, i s - pt + u d, j s - pl + v d], taps outside the image left out, so
 * padding never wins.
 *
 * x [N, C, H, W] -> y [N, C, OH, OW], both NHWC4 in memory; size rule in window.ts. The scan is rows then columns with a strict
 * `>` from -FLT_MAX (Caffe's pooling_layer.cpp): the first maximum is kept and takes the gradient, NaN never wins, and a window
 * without a pixel of the image (padding as large as the kernel, or dilation across a small image) gives -FLT_MAX, index -1 and no
 * gradient.
 */
import { ShapeError } from "../tensor/errors.js";
import { physicalSize } from "../tensor/layout.js";
import { formatShape, numel, sameShape, type Shape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { apply, dispatch, grid, inputRef, type Op, type Variant } from "./op.js";
import { windowGeometry } from "./pool-window.js";
import { pooledShape, poolWindow, windowParams, type PoolAttrs, type PoolWindow } from "./window.js";

export interface MaxPoolIndicesAttrs extends PoolWindow {
  readonly withinPlane: boolean;
  readonly columnMajor: boolean;
}

/**
 * Largest value of each window. x: f32 [N, C, H, W]; returns f32 [N, C, OH, OW]. The stride is the kernel unless given; `ceil` is
 * Caffe's rounding. Throws ShapeError for other ranks and dtypes, attributes that are no integers in range, or when no window
 * fits.
 */
export function maxPool2d(x: Tensor, attrs: PoolAttrs): Tensor {
  return apply(maxPool2dOp, [x], poolWindow("maxPool2d", attrs));
}

/**
 * Where each window's first maximum lies: i32 [N, C, OH, OW], its row-major offset in the whole of x, or in its own plane with
 * `withinPlane` (Caffe's mask); `columnMajor` counts down the columns of a plane first (ONNX storage_order 1). -1 for a window
 * without a pixel. Throws as {@link maxPool2d}.
 */
export function maxPool2dIndices(
  x: Tensor,
  attrs: PoolAttrs & { readonly withinPlane?: boolean; readonly columnMajor?: boolean },
): Tensor {
  const window = poolWindow("maxPool2dIndices", attrs);
  return apply(maxPool2dIndicesOp, [x], {
    ...window,
    withinPlane: attrs.withinPlane ?? false,
    columnMajor: attrs.columnMajor ?? false,
  });
}

export const maxPool2dOp: Op<PoolWindow> = {
  name: "maxPool2d",
  infer: ([x], attrs) => ({ shape: pooledShape("maxPool2d", x!, attrs), dtype: "f32" }),
  variants([x], y, attrs) {
    const count = physicalSize(y.shape) / 4;
    const params = { count, ...windowParams(x!.shape, y.shape, attrs) };
    const direct: Variant = {
      name: "direct",
      dispatches: [dispatch("max-pool2d.direct", { params, buffers: { x: inputRef(0), y: "output" }, workgroups: grid(count) })],
    };
    const window = windowGeometry(x!.shape, y.shape, attrs);
    const inRows = window && dispatch("max-pool2d.window", { ...window, buffers: { x: inputRef(0), y: "output" } });
    return [
      direct,
      ...(inRows ? [{ name: "window", dispatches: [inRows] }] : []),
      ...(blockApplies(x!.shape, y.shape, attrs) ? [blockVariant(x!.shape, y.shape, attrs)] : []),
    ];
  },
  flops: (_inputs, y, { kernel }) => numel(y.shape) * kernel[0] * kernel[1],
  grad: (dy, [x], y, attrs) => [apply(maxPool2dGradOp, [dy, x!, y], attrs)],
};

export const maxPool2dIndicesOp: Op<MaxPoolIndicesAttrs> = {
  name: "maxPool2dIndices",
  infer([x], attrs) {
    const shape = pooledShape("maxPool2dIndices", x!, attrs);
    const most = attrs.withinPlane ? x!.shape[2]! * x!.shape[3]! : numel(x!.shape);
    if (most > 2 ** 31)
      throw new ShapeError(`maxPool2dIndices: offsets in x ${formatShape(x!.shape)} do not fit i32: use withinPlane`);
    return { shape, dtype: "i32" };
  },
  variants([x], y, attrs) {
    const count = physicalSize(y.shape) / 4;
    return [
      {
        name: "direct",
        dispatches: [
          dispatch("max-pool2d-indices.direct", {
            params: { count, ...windowParams(x!.shape, y.shape, attrs) },
            buffers: { x: inputRef(0), y: "output" },
            constants: { WITHIN_PLANE: attrs.withinPlane, COLUMN_MAJOR: attrs.columnMajor },
            workgroups: grid(count),
          }),
        ],
      },
    ];
  },
  flops: (_inputs, y, { kernel }) => numel(y.shape) * kernel[0] * kernel[1],
  grad: () => [null],
};

/** Inputs dy, x and y = maxPool2d(x): each pixel gathers dy of the windows whose first maximum it is. */
export const maxPool2dGradOp: Op<PoolWindow> = {
  name: "maxPool2dGrad",
  infer([dy, x, y], attrs) {
    const shape = pooledShape("maxPool2dGrad", x!, attrs);
    if (!sameShape(dy!.shape, shape) || !sameShape(y!.shape, shape)) {
      throw new ShapeError(
        `maxPool2dGrad: dy is ${formatShape(dy!.shape)} and y is ${formatShape(y!.shape)}: both must be ${formatShape(shape)} (x is ${formatShape(x!.shape)})`,
      );
    }
    return { shape: x!.shape, dtype: "f32" };
  },
  decidedBy: () => [1],
  variants([dy, x], _dx, attrs) {
    const count = physicalSize(x!.shape) / 4;
    const params = { count, ...windowParams(x!.shape, dy!.shape, attrs) };
    const buffers = { dy: inputRef(0), x: inputRef(1), y: inputRef(2), dx: "output" } as const;
    const direct: Variant = {
      name: "direct",
      dispatches: [dispatch("max-pool2d-grad.direct", { params, buffers, workgroups: grid(count) })],
    };
    const cells = cellsOf(dy!.shape, x!.shape, attrs);
    if (!cells) return [direct];
    const inCells = dispatch("max-pool2d-grad.cells", { params: cells, buffers, workgroups: grid(cells.count) });
    return [direct, { name: "cells", dispatches: [inCells] }];
  },
  flops: ([dy], _dx, { kernel }) => numel(dy!.shape) * kernel[0] * kernel[1],
  grad() {
    throw new Error("maxPool2dGrad has no gradient: second derivatives are not supported");
  },
};

/**
 * For windows that do not overlap (all of VGG's and LeNet's): the image is cut into cells of stride x stride pixels with a window
 * at most in each, and one invocation writes a whole cell, reading every value once. The params of such kernels, or null.
 */
export function cellsOf(dy: Shape, x: Shape, attrs: PoolWindow) {
  if ([0, 1].some((axis) => attrs.kernel[axis]! > attrs.stride[axis]! || attrs.dilation[axis] !== 1)) return null;
  const { channels: _channels, dilation_h: _h, dilation_w: _w, ...window } = windowParams(x, dy, attrs);
  const cells_h = Math.ceil((window.in_h + window.pad_top) / window.stride_h);
  const cells_w = Math.ceil((window.in_w + window.pad_left) / window.stride_w);
  return { count: x[0]! * cells_h * cells_w * window.channel_vec4s, cells_h, cells_w, ...window };
}

/** Software adapters compile the block's many loads for a second or more: less work than this is done sooner by `direct`. */
const BLOCK_FROM_FLOPS = 2 ** 21;

/** Windows of at most 3x3 that overlap and lie inside the image: neighbours share what they read. */
function blockApplies(x: Shape, y: Shape, { kernel, stride, padding, dilation }: PoolWindow): boolean {
  return (
    kernel[0] === kernel[1] &&
    stride[0] === stride[1] &&
    stride[0] < kernel[0] &&
    kernel[0] <= 3 &&
    dilation[0] === 1 &&
    dilation[1] === 1 &&
    padding[0] === 0 &&
    padding[1] === 0 &&
    [2, 3].every((axis) => (y[axis]! - 1) * stride[0] + kernel[0] <= x[axis]!)
  );
}

function blockVariant(x: Shape, y: Shape, attrs: PoolWindow): Variant {
  const { channels, channel_vec4s, in_h, in_w, out_h, out_w } = windowParams(x, y, attrs);
  const [blocks_h, blocks_w] = [Math.ceil(out_h / 2), Math.ceil(out_w / 2)];
  const count = x[0]! * blocks_h * blocks_w * channel_vec4s;
  const [kernel, stride] = [attrs.kernel[0], attrs.stride[0]];
  const block = dispatch("max-pool2d.block", {
    params: { count, channels, channel_vec4s, blocks_h, blocks_w, in_h, in_w, out_h, out_w },
    constants: { KERNEL: kernel, STRIDE: stride, PATCH: kernel + stride },
    buffers: { x: inputRef(0), y: "output" },
    workgroups: grid(count),
  });
  return { name: "block", fromFlops: BLOCK_FROM_FLOPS, dispatches: [block] };
}
