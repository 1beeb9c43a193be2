/** Which images a net takes: where a layer inside refuses a map, its user has to be told of the image. */
import { ShapeError } from "../tensor/errors.js";
import { input, type Tensor } from "../tensor/tensor.js";

/** Larger than any receptive field: a net that does not take such an image is refused for another reason. */
const LARGEST_TRIED = 2048;

/** What to do about an image that is too small, in words, and to whom. */
export interface Advice {
  /** "fcn 32s on googlenet" */
  readonly net: string;
  /** Behind "pad the image". */
  readonly remedy: string;
}

/**
 * What `build` makes of images. Where it throws ShapeError for these and builds larger ones, a ShapeError that names the smallest it takes, the
 * layer's own as its cause.
 */
export function orTooSmall<T>(images: readonly Tensor[], build: (images: readonly Tensor[]) => T, { net, remedy }: Advice): T {
  try {
    return build(images);
  } catch (cause) {
    if (!(cause instanceof ShapeError) || images.some(({ shape }) => shape.length !== 4)) throw cause;
    const [height, width] = images[0]!.shape.slice(2) as [number, number];
    const smallest = smallestSide((side) => {
      build(images.map(({ shape }) => input([shape[0]!, shape[1]!, side, side])));
    });
    if (smallest === null || smallest <= Math.min(height, width)) throw cause;
    throw new ShapeError(
      `${net}: an image of ${height}x${width} is too small: it takes ${smallest}x${smallest} and more; pad the image${remedy}`,
      { cause },
    );
  }
}

/** Of the square images that `build` takes; null where it takes none. What is larger than one that it takes, it takes too. */
function smallestSide(build: (side: number) => void): number | null {
  const takes = (side: number): boolean => {
    try {
      build(side);
      return true;
    } catch (error) {
      if (error instanceof ShapeError) return false;
      throw error;
    }
  };
  let most = 1;
  while (!takes(most)) if ((most *= 2) > LARGEST_TRIED) return null;
  let least = Math.floor(most / 2) + 1;
  while (least < most) {
    const middle = Math.floor((least + most) / 2);
    if (takes(middle)) most = middle;
    else least = middle + 1;
  }
  return most;
}
