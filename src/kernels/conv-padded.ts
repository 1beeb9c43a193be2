/** The input of a register-tiled convolution: x itself where every load falls inside it, else a copy with zeros around in scratch memory. */
import { ceilTo } from "../tensor/layout.js";
import type { Pair2 } from "./conv-geometry.js";
import { dispatch, grid, inputRef, scratchRef, type Dispatch, type Ref } from "./op.js";

export interface PaddedInput {
  readonly ref: Ref;
  /** The pad kernel, and the bytes of its output, which is the first scratch buffer; empty where x is read itself. */
  readonly dispatches: readonly Dispatch[];
  readonly scratchBytes: readonly number[];
  /** See Variant.copies. */
  readonly copies: readonly number[];
  /** vec4s of a pixel, a row, an image. */
  readonly pixel: number;
  readonly row: number;
  readonly image: number;
}

/**
 * x: the op's input `index`, [batch, channels, ...size]; the kernel reads rows -before[0] to needed[0] - before[0] - 1, and columns alike.
 * A negative `before` skips rows. Guards round each load are no alternative: SwiftShader does not finish compiling them.
 */
export function paddedInput(
  index: number,
  batch: number,
  channels: number,
  size: Pair2,
  before: Pair2,
  needed: Pair2,
): PaddedInput {
  const pixel = ceilTo(channels, 4) / 4;
  if (before[0] === 0 && before[1] === 0 && needed[0] <= size[0] && needed[1] <= size[1]) {
    return {
      ref: inputRef(index),
      dispatches: [],
      scratchBytes: [],
      copies: [],
      pixel,
      row: pixel * size[1],
      image: pixel * size[1] * size[0],
    };
  }
  const count = batch * needed[0] * needed[1] * pixel;
  const pad = dispatch("conv2d.pad", {
    params: { count, vec4s: pixel, in_size: size, out_size: needed, before },
    buffers: { x: inputRef(index), padded: scratchRef(0) },
    workgroups: grid(count),
  });
  return {
    ref: scratchRef(0),
    dispatches: [pad],
    scratchBytes: [16 * count],
    copies: [index],
    pixel,
    row: pixel * needed[1],
    image: pixel * needed[1] * needed[0],
  };
}
