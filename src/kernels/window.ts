/**
 * Pooling windows: attributes as callers write them, their normal form on the node, and how many windows fit an image.
 *
 * Size rule, per axis of extent H with padding (pt, pb), kernel K, dilation d, stride s, eff = (K - 1) d + 1:
 *   floor: floor((H + pt + pb - eff) / s) + 1
 *   ceil:  ceil((H + pt + pb - eff) / s) + 1, less one when the last window would start at or beyond H + pt (in the far padding).
 * That drop is ONNX's and PyTorch's rule for every padding. Caffe has it only for padding > 0; without padding the two differ
 * only where s > K leaves a last window with nothing in it (Caffe then yields -FLT_MAX or 0/0), which none of Caffe's nets has.
 */
import { ShapeError } from "../tensor/errors.js";
import { formatShape, type Shape, type TensorSpec } from "../tensor/shape.js";
import { effectiveKernel, paddingOf, pairOf, type Padding, type Padding4, type Pair, type Pair2 } from "./conv-geometry.js";

export interface PoolAttrs {
  readonly kernel: Pair;
  /** Default: the kernel, so that windows tile the image. */
  readonly stride?: Pair;
  readonly padding?: Padding;
  readonly dilation?: Pair;
  /** Caffe's rounding: partial windows at the bottom and right count. Default false. */
  readonly ceil?: boolean;
}

/** PoolAttrs with everything spelled out, as it is on a node. */
export interface PoolWindow {
  readonly kernel: Pair2;
  readonly stride: Pair2;
  readonly padding: Padding4;
  readonly dilation: Pair2;
  readonly ceil: boolean;
}

/** Throws ShapeError for values that are not integers, or too small. */
export function poolWindow(op: string, attrs: PoolAttrs): PoolWindow {
  return {
    kernel: pairOf(op, "kernel", attrs.kernel, 1),
    stride: pairOf(op, "stride", attrs.stride ?? attrs.kernel, 1),
    padding: paddingOf(op, attrs.padding ?? 0),
    dilation: pairOf(op, "dilation", attrs.dilation ?? 1, 1),
    ceil: attrs.ceil ?? false,
  };
}

/** Windows along one axis of `extent` places (see the header); less than 1 where none fits. */
function windowCount(
  extent: number,
  before: number,
  after: number,
  kernel: number,
  dilation: number,
  stride: number,
  ceil: boolean,
): number {
  const steps = (extent + before + after - effectiveKernel(kernel, dilation)) / stride;
  const count = (ceil ? Math.ceil(steps) : Math.floor(steps)) + 1;
  return ceil && (count - 1) * stride >= extent + before ? count - 1 : count;
}

/** [N, C, OH, OW] of pooling [N, C, H, W]. Throws ShapeError for another rank or dtype, or where no window fits. */
export function pooledShape(op: string, x: TensorSpec, window: PoolWindow): [n: number, c: number, h: number, w: number] {
  if (x.shape.length !== 4 || x.dtype !== "f32") {
    throw new ShapeError(`${op}: x is ${x.dtype} ${formatShape(x.shape)}: pooling takes f32 images [N, C, H, W]`);
  }
  const [n, c, h, w] = x.shape as readonly [number, number, number, number];
  const { kernel, stride, padding, dilation, ceil } = window;
  const out: Shape = [
    windowCount(h, padding[0], padding[2], kernel[0], dilation[0], stride[0], ceil),
    windowCount(w, padding[1], padding[3], kernel[1], dilation[1], stride[1], ceil),
  ];
  if (out.some((size) => size < 1)) {
    throw new ShapeError(
      `${op}: no window of ${kernel.join("x")} (dilation ${dilation.join("x")}) fits x ${formatShape(x.shape)} with padding ${formatShape(padding)}: pad more or take a smaller kernel`,
    );
  }
  return [n, c, out[0]!, out[1]!];
}

/** Uniform fields that every pooling shader has: image and output extents, window geometry, vec4s per pixel. */
export function windowParams(x: Shape, y: Shape, window: PoolWindow) {
  return {
    channels: x[1]!,
    channel_vec4s: Math.ceil(x[1]! / 4),
    in_h: x[2]!,
    in_w: x[3]!,
    out_h: y[2]!,
    out_w: y[3]!,
    kernel_h: window.kernel[0],
    kernel_w: window.kernel[1],
    stride_h: window.stride[0],
    stride_w: window.stride[1],
    pad_top: window.padding[0],
    pad_left: window.padding[1],
    dilation_h: window.dilation[0],
    dilation_w: window.dilation[1],
  };
}
