/** Work that fits into the epilogue of the kernel that makes its input. */
import type { Tensor } from "../../tensor/tensor.js";

export function fuse(outputs: readonly Tensor[]): readonly Tensor[] {
  return outputs;
}
