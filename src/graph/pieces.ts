/** A tensor that may lie in several buffers: cut along one axis where it is larger than the device binds at once. */
import type { BufferRange } from "../gpu/buffer-range.js";
import type { Numbers } from "../tensor/layout.js";
import { fromMemory, toMemory } from "../tensor/memory.js";
import { cut, paste } from "../tensor/slices.js";
import { numel, type Shape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";

export interface Pieces {
  readonly shape: Shape;
  readonly axis: number;
  readonly parts: readonly Tensor[];
}

export function whole(tensor: Tensor): Pieces {
  return { shape: tensor.shape, axis: 0, parts: [tensor] };
}

/** Uploads logical row-major values. */
export function writePieces(
  device: GPUDevice,
  pieces: Pieces,
  data: Numbers,
  rangeOf: (part: Tensor, index: number) => BufferRange,
): void {
  let start = 0;
  pieces.parts.forEach((part, i) => {
    const size = part.shape[pieces.axis] ?? 1;
    const values = pieces.parts.length === 1 ? data : cut(pieces.shape, data, pieces.axis, start, size);
    const { buffer, offset } = rangeOf(part, i);
    device.queue.writeBuffer(buffer, offset, toMemory(part, values));
    start += size;
  });
}

/** Logical row-major values from the mapped bytes of each piece; of f16 as f32. */
export function joinPieces(pieces: Pieces, bytesOf: (index: number) => ArrayBuffer): Numbers {
  const values = pieces.parts.map((part, i) => fromMemory(part, bytesOf(i)));
  if (values.length === 1) return values[0]!;
  const out = new (values[0]!.constructor as new (length: number) => Numbers)(numel(pieces.shape));
  let start = 0;
  pieces.parts.forEach((part, i) => {
    const size = part.shape[pieces.axis]!;
    paste(pieces.shape, out, pieces.axis, start, size, values[i]!);
    start += size;
  });
  return out;
}
