/** A tensor that may lie in several buffers: cut along one axis where it is larger than the device binds at once. */
import type { BufferRange } from "../gpu/buffer-range.js";
import { pack, unpack } from "../tensor/layout.js";
import { cut, paste } from "../tensor/slices.js";
import { numel, type DType, type Shape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";

export interface Pieces {
  readonly shape: Shape;
  readonly axis: number;
  readonly parts: readonly Tensor[];
}

export function whole(tensor: Tensor): Pieces {
  return { shape: tensor.shape, axis: 0, parts: [tensor] };
}

type Numbers = Float32Array | Int32Array | Uint32Array;

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
    device.queue.writeBuffer(buffer, offset, pack(part.shape, values) as Float32Array<ArrayBuffer>);
    start += size;
  });
}

/** Logical row-major values from the mapped bytes of each piece. */
export function joinPieces(pieces: Pieces, dtype: DType, bytesOf: (index: number) => ArrayBuffer): Numbers {
  const view = (bytes: ArrayBuffer): Numbers =>
    dtype === "f32" ? new Float32Array(bytes) : dtype === "i32" ? new Int32Array(bytes) : new Uint32Array(bytes);
  if (pieces.parts.length === 1) return unpack(pieces.shape, view(bytesOf(0)));
  const out = view(new ArrayBuffer(4 * numel(pieces.shape)));
  let start = 0;
  pieces.parts.forEach((part, i) => {
    const size = part.shape[pieces.axis]!;
    paste(pieces.shape, out, pieces.axis, start, size, unpack(part.shape, view(bytesOf(i))));
    start += size;
  });
  return out;
}
