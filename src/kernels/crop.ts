/** Crops to the size of another tensor: Caffe's Crop layer (fcn.md 1.3), as slices. Size: the reference tensor's on cropped axes. */
import { ShapeError } from "../tensor/errors.js";
import { formatShape, normalizeAxis } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { slice } from "./slice.js";

/**
 * Caffe's Crop: axes before `axis` keep x's size, the others take `like`'s, from `offset` on. `axis` defaults to 2; `offset` absent is 0, one
 * value counts for every cropped axis, else there is one per cropped axis. x: any dtype; `like` has x's rank and gets no gradient.
 * Throws ShapeError where offset + size exceeds x.
 */
export function crop(
  x: Tensor,
  like: Tensor,
  attrs: { readonly axis?: number; readonly offset?: number | readonly number[] } = {},
): Tensor {
  const rank = x.shape.length;
  if (like.shape.length !== rank) {
    throw new ShapeError(
      `crop: x is ${formatShape(x.shape)} but the reference ${formatShape(like.shape)}: they must have one rank`,
    );
  }
  const first = normalizeAxis("crop", attrs.axis ?? 2, rank);
  const offsets = typeof attrs.offset === "number" ? [attrs.offset] : (attrs.offset ?? []);
  if (offsets.length > 1 && offsets.length !== rank - first) {
    throw new ShapeError(
      `crop: ${offsets.length} offsets for the ${rank - first} axes from ${first} on: give none, one, or one per axis`,
    );
  }
  const starts = x.shape.map((_, i) => (i < first ? 0 : ((offsets.length > 1 ? offsets[i - first] : offsets[0]) ?? 0)));
  const sizes = x.shape.map((extent, i) => (i < first ? extent : like.shape[i]!));
  x.shape.forEach((extent, i) => {
    const [offset, size] = [starts[i]!, sizes[i]!];
    if (!Number.isInteger(offset) || offset < 0)
      throw new ShapeError(`crop: the offset of axis ${i} is ${offset}: use an integer of at least 0`);
    if (offset + size > extent) {
      throw new ShapeError(
        `crop: offset ${offset} + size ${size} exceeds the ${extent} of axis ${i} (x is ${formatShape(x.shape)}, the reference ${formatShape(like.shape)}): use a smaller offset or reference`,
      );
    }
  });
  return slice(x, { starts, sizes });
}

/** x [N, C, H, W] cropped to the height and width of `like` [., ., h, w], from `offset` (rows, columns; one number for both) on. Throws ShapeError as {@link crop}. */
export function crop2d(x: Tensor, like: Tensor, attrs: { readonly offset: number | readonly [h: number, w: number] }): Tensor {
  if (x.shape.length !== 4) throw new ShapeError(`crop2d: x is ${formatShape(x.shape)}: it must have rank 4, [N, C, H, W]`);
  return crop(x, like, { axis: 2, offset: attrs.offset });
}
