/**
 * Average pooling: y[n, c, i, j] = sum over u, v of x[n, c, i s - pt + u d, j s - pl + v d] / places, taps outside the image
 * counting as zeros.
 *
 * x [N, C, H, W] -> y [N, C, OH, OW], both NHWC4 in memory; size rule in window.ts. `places` counts the window's taps inside the
 * image with its padding (Caffe, PyTorch; the overhang of a ceil window does not count), or, without countIncludePad, inside the
 * image alone (ONNX's default). A window without a pixel of the image gives 0. Windows are summed row by row and the row sums
 * then added, so that rounding stays that of a two-level tree.
 */
import { ShapeError } from "../tensor/errors.js";
import { physicalSize } from "../tensor/layout.js";
import { formatShape, numel, sameShape, type Shape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { scale } from "./elementwise.js";
import { apply, dispatch, grid, inputRef, type Op } from "./op.js";
import { reduceSum } from "./reduce.js";
import { pooledShape, poolWindow, windowParams, type PoolAttrs, type PoolWindow } from "./window.js";

export interface AveragePoolAttrs extends PoolWindow {
  readonly countIncludePad: boolean;
}

export interface AveragePoolGradAttrs extends AveragePoolAttrs {
  /** Height and width of x. */
  readonly size: readonly [h: number, w: number];
}

/**
 * Mean of each window. x: f32 [N, C, H, W]; returns f32 [N, C, OH, OW]. The stride is the kernel unless given; `ceil` is Caffe's
 * rounding; `countIncludePad` (default true, as in Caffe and PyTorch) counts padding as zeros. Throws ShapeError for other ranks
 * and dtypes, attributes that are no integers in range, or when no window fits.
 */
export function averagePool2d(x: Tensor, attrs: PoolAttrs & { readonly countIncludePad?: boolean }): Tensor {
  return apply(averagePool2dOp, [x], { ...poolWindow("averagePool2d", attrs), countIncludePad: attrs.countIncludePad ?? true });
}

/** Mean of each plane: f32 [N, C, H, W] -> [N, C, 1, 1]. Throws ShapeError for another rank or dtype. */
export function globalAveragePool(x: Tensor): Tensor {
  if (x.shape.length !== 4 || x.dtype !== "f32") {
    throw new ShapeError(`globalAveragePool: x is ${x.dtype} ${formatShape(x.shape)}: pooling takes f32 images [N, C, H, W]`);
  }
  return scale(reduceSum(x, [2, 3], { keepDims: true }), 1 / (x.shape[2]! * x.shape[3]!));
}

export const averagePool2dOp: Op<AveragePoolAttrs> = {
  name: "averagePool2d",
  infer: ([x], attrs) => ({ shape: pooledShape("averagePool2d", x!, attrs), dtype: "f32" }),
  variants([x], y, attrs) {
    const count = physicalSize(y.shape) / 4;
    const params = { count, ...averageParams(x!.shape, y.shape, attrs) };
    return [
      {
        name: "direct",
        dispatches: [
          dispatch("average-pool2d.direct", { params, buffers: { x: inputRef(0), y: "output" }, workgroups: grid(count) }),
        ],
      },
    ];
  },
  flops: (_inputs, y, { kernel }) => numel(y.shape) * kernel[0] * kernel[1],
  grad: (dy, [x], _y, attrs) => [apply(averagePool2dGradOp, [dy], { ...attrs, size: [x!.shape[2]!, x!.shape[3]!] })],
};

/**
 * Input dy; each pixel gathers dy / places of the windows that cover it. The adjoint of averagePool2d, and the other way round.
 */
export const averagePool2dGradOp: Op<AveragePoolGradAttrs> = {
  name: "averagePool2dGrad",
  infer([dy], attrs) {
    const [n = 0, c = 0] = dy!.shape;
    const shape = [n, c, ...attrs.size];
    const pooled = pooledShape("averagePool2dGrad", { shape, dtype: "f32" }, attrs);
    if (!sameShape(dy!.shape, pooled)) {
      throw new ShapeError(
        `averagePool2dGrad: dy is ${formatShape(dy!.shape)} but pooling ${formatShape(shape)} gives ${formatShape(pooled)}: they must be equal`,
      );
    }
    return { shape, dtype: "f32" };
  },
  variants([dy], dx, attrs) {
    const count = physicalSize(dx.shape) / 4;
    const params = { count, ...averageParams(dx.shape, dy!.shape, attrs) };
    return [
      {
        name: "direct",
        dispatches: [
          dispatch("average-pool2d-grad.direct", { params, buffers: { dy: inputRef(0), dx: "output" }, workgroups: grid(count) }),
        ],
      },
    ];
  },
  flops: ([dy], _dx, { kernel }) => numel(dy!.shape) * kernel[0] * kernel[1],
  grad: (ddx, _inputs, _dx, { size: _size, ...attrs }) => [apply(averagePool2dOp, [ddx], attrs)],
};

/** The window, and the places that the divisor counts: rows from count_top up to count_bottom, columns likewise. */
function averageParams(x: Shape, y: Shape, attrs: AveragePoolAttrs) {
  const [top, left, bottom, right] = attrs.countIncludePad ? attrs.padding : [0, 0, 0, 0];
  return {
    ...windowParams(x, y, attrs),
    count_top: -top,
    count_left: -left,
    count_bottom: x[2]! + bottom,
    count_right: x[3]! + right,
  };
}
