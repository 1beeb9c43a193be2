/**
 * What leaves the GPU of labels. packLabels: a byte a pixel, four in a word, to be read back; overlayLabels: the image under the colours of its labels, to be
 * looked at. Both take integers and give integers, exactly, and are not differentiable.
 */
import { ShapeError } from "../tensor/errors.js";
import { formatShape, numel, sameShape, type TensorSpec } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { apply, dispatch, grid, inputRef, type Op } from "./op.js";

/** Labels in one word. */
const LABELS_PER_WORD = 4;

/**
 * The lowest byte of each label, four in a word: u32 [ceil(n / 4)] of n labels, row by row, the first in the lowest byte, zeros behind the last. As bytes they
 * are the labels: `new Uint8Array(words.buffer, words.byteOffset, n)`. labels: i32 of 0 to 255, of any rank but 4 (whose memory is not row-major). Throws ShapeError.
 *
 * @example packLabels(argMax(scores))   // [1, 375, 500] -> [46875], a quarter of the bytes to read back
 */
export function packLabels(labels: Tensor): Tensor {
  return apply(packLabelsOp, [labels], {});
}

export const packLabelsOp: Op<object> = {
  name: "packLabels",
  infer([labels]) {
    checkLabels("packLabels", labels!);
    if (labels!.shape.length === 4)
      throw new ShapeError(
        `packLabels: labels are ${formatShape(labels!.shape)}, of rank 4: reshape them to [N, H, W], as argMax gives them without keepDims`,
      );
    return { shape: [Math.ceil(numel(labels!.shape) / LABELS_PER_WORD)], dtype: "u32" };
  },
  variants([labels], output) {
    const words = numel(output.shape);
    return [
      {
        name: "direct",
        dispatches: [
          dispatch("pack-labels.direct", {
            params: { count: numel(labels!.shape), words },
            buffers: { labels: inputRef(0), y: "output" },
            workgroups: grid(words),
          }),
        ],
      },
    ];
  },
  flops: () => 0,
  grad: () => [null],
};

/**
 * Packed RGBA, opaque, of an image under the colours of its labels: u32 [N, H, W], red in the lowest byte. rgba: u32 [N, H, W] ({@link packRgba}); labels: i32 of the
 * same shape; palette: u32 [K], a colour for each label, whose highest byte is its share: 255 hides the image, 0 leaves it. A label without a colour leaves
 * it too. Each channel is (image (255 - share) + colour share) / 255, to the nearest integer. Throws ShapeError where dtypes or shapes differ.
 *
 * @example overlayLabels(rgba, argMax(scores), input([21], "u32"))
 */
export function overlayLabels(rgba: Tensor, labels: Tensor, palette: Tensor): Tensor {
  return apply(overlayLabelsOp, [rgba, labels, palette], {});
}

export const overlayLabelsOp: Op<object> = {
  name: "overlayLabels",
  infer([rgba, labels, palette]) {
    checkLabels("overlayLabels", labels!);
    if (rgba!.dtype !== "u32" || rgba!.shape.length !== 3)
      throw new ShapeError(
        `overlayLabels: rgba is ${rgba!.dtype} ${formatShape(rgba!.shape)}: it must be u32 [N, H, W], one packed pixel an element`,
      );
    if (!sameShape(rgba!.shape, labels!.shape))
      throw new ShapeError(
        `overlayLabels: rgba is ${formatShape(rgba!.shape)} but labels are ${formatShape(labels!.shape)}: they must be equal`,
      );
    if (palette!.dtype !== "u32" || palette!.shape.length !== 1)
      throw new ShapeError(
        `overlayLabels: palette is ${palette!.dtype} ${formatShape(palette!.shape)}: it must be u32 [K], one packed colour an element`,
      );
    return { shape: rgba!.shape, dtype: "u32" };
  },
  variants([rgba, , palette]) {
    const pixels = numel(rgba!.shape);
    return [
      {
        name: "direct",
        dispatches: [
          dispatch("overlay-labels.direct", {
            params: { pixels, colours: palette!.shape[0]! },
            buffers: { rgba: inputRef(0), labels: inputRef(1), palette: inputRef(2), y: "output" },
            workgroups: grid(pixels),
          }),
        ],
      },
    ];
  },
  // Two products, a sum and a quotient for each of three channels.
  flops: ([rgba]) => 12 * numel(rgba!.shape),
  grad: () => [null, null, null],
};

function checkLabels(op: string, { shape, dtype }: TensorSpec): void {
  if (dtype !== "i32")
    throw new ShapeError(`${op}: labels are ${dtype} ${formatShape(shape)}: they must be i32 (argMax gives i32)`);
}
