/**
 * From pictures to tensors: y[n, c, h, w] = (byte - mean[c]) * scale[c] of packed RGBA bytes; alpha is dropped. Caffe's nets take
 * BGR with the training set's mean subtracted and no scale.
 */
import { InputError, ShapeError } from "../tensor/errors.js";
import { formatShape, numel } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { apply, dispatch, grid, inputRef, type Op } from "./op.js";

export interface ImageAttrs {
  /** By output channel. */
  readonly mean: readonly [number, number, number];
  readonly scale: readonly [number, number, number];
  readonly order: "rgb" | "bgr";
}

/**
 * f32 [N, 3, H, W] of values (byte - mean) * scale. rgba: u32 [N, H, W], one pixel an element, red in the lowest byte
 * ({@link packRgba}). `mean` (default 0) and `scale` (default 1, one number or three) are in the order of the output channels, which
 * `order` gives (default "rgb"). Not differentiable. Throws ShapeError for another dtype or rank.
 *
 * @example imageToTensor(rgba, { order: "bgr", mean: [104.00699, 116.66877, 122.67892] })   // the FCN reference nets
 */
export function imageToTensor(
  rgba: Tensor,
  options: {
    readonly mean?: readonly [number, number, number];
    readonly scale?: number | readonly [number, number, number];
    readonly order?: "rgb" | "bgr";
  } = {},
): Tensor {
  const { mean = [0, 0, 0], scale = 1, order = "rgb" } = options;
  return apply(imageToTensorOp, [rgba], { mean, scale: typeof scale === "number" ? [scale, scale, scale] : scale, order });
}

/**
 * Bytes R, G, B, A, ... of one or more pictures as the u32 pixels that {@link imageToTensor} takes; a view of the same memory where it
 * is aligned, else a copy. Takes an ImageData as it is. Throws InputError where the bytes are not whole pixels.
 */
export function packRgba(image: Uint8Array | Uint8ClampedArray | { readonly data: Uint8Array | Uint8ClampedArray }): Uint32Array {
  const bytes = "data" in image ? image.data : image;
  if (bytes.length % 4 !== 0)
    throw new InputError(`packRgba: ${bytes.length} bytes are not whole RGBA pixels: give 4 bytes for each pixel`);
  // Every platform with WebGPU is little-endian.
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  return new Uint32Array(aligned.buffer, aligned.byteOffset, bytes.length / 4);
}

export const imageToTensorOp: Op<ImageAttrs> = {
  name: "imageToTensor",
  infer([rgba], { mean, scale, order }) {
    const { shape, dtype } = rgba!;
    if (dtype !== "u32")
      throw new ShapeError(`imageToTensor: rgba is ${dtype} ${formatShape(shape)}: it must be u32, one packed pixel an element`);
    if (shape.length !== 3) throw new ShapeError(`imageToTensor: rgba is ${formatShape(shape)}: it must be [N, H, W]`);
    for (const [name, values] of Object.entries({ mean, scale })) {
      if (values.length !== 3 || !values.every(Number.isFinite))
        throw new ShapeError(`imageToTensor: ${name} is ${formatShape(values)}: give three finite numbers`);
    }
    if (!["rgb", "bgr"].includes(order)) throw new ShapeError(`imageToTensor: order is ${String(order)}: use "rgb" or "bgr"`);
    return { shape: [shape[0]!, 3, shape[1]!, shape[2]!], dtype: "f32" };
  },
  variants([rgba], _output, { mean, scale, order }) {
    const pixels = numel(rgba!.shape);
    return [
      {
        name: "direct",
        dispatches: [
          dispatch("image-to-tensor.direct", {
            params: { mean: [...mean, 0], scale: [...scale, 0], pixels },
            constants: { BGR: order === "bgr" },
            buffers: { rgba: inputRef(0), y: "output" },
            workgroups: grid(pixels),
          }),
        ],
      },
    ];
  },
  flops: (_inputs, output) => 2 * numel(output.shape),
  grad: () => [null],
};
