/** From logical values to the bytes of a GPU buffer and back: the order of layout.ts in the tensor's element type. */
import { fromHalf, toHalf } from "./half.js";
import { pack, physicalSize, unpack, type Numbers } from "./layout.js";
import type { TensorSpec } from "./shape.js";

/** Logical (row-major) values as they are uploaded; f32 for a tensor stored as f16. */
export function toMemory({ shape, dtype }: TensorSpec, data: Numbers): ArrayBufferView<ArrayBuffer> {
  const packed = pack(shape, data);
  return (dtype === "f16" ? toHalf(packed as Float32Array) : packed) as ArrayBufferView<ArrayBuffer>;
}

/** Logical values out of the bytes of a buffer; f32 for a tensor stored as f16. */
export function fromMemory(spec: TensorSpec, bytes: ArrayBuffer): Numbers {
  return unpack(spec.shape, numbersIn(spec, bytes));
}

/** The values in memory order, padding lanes included. */
export function numbersIn({ shape, dtype }: TensorSpec, bytes: ArrayBuffer): Numbers {
  const size = physicalSize(shape);
  switch (dtype) {
    case "f16":
      return fromHalf(new Uint16Array(bytes, 0, size));
    case "f32":
      return new Float32Array(bytes, 0, size);
    case "i32":
      return new Int32Array(bytes, 0, size);
    case "u32":
      return new Uint32Array(bytes, 0, size);
  }
}
