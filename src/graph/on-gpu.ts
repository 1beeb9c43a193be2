/** Results that stay on the GPU: what a caller is handed, and where. */
import { InputError } from "../tensor/errors.js";
import { formatShape } from "../tensor/shape.js";
import type { Executable } from "./executable.js";
import type { Pieces } from "./pieces.js";

export interface OnGpuOptions<K extends PropertyKey> {
  /** What is computed, and only the inputs that it needs. */
  readonly outputs: readonly K[];
  /**
   * Told once, synchronously. The ranges hold numbers as the outputs' types say, row by row, but those of rank 4, which lie as [N, H, W, C] with C padded to a
   * multiple of 4; they are storage and may be copied from, and hold these values until the program runs again.
   */
  readonly record: (encoder: GPUCommandEncoder, results: { readonly [N in K]: GPUBufferBinding }) => void;
}

/** Throws InputError where the output is in pieces. */
export function oneRange(name: string, { parts, shape }: Pieces, executable: Pick<Executable, "rangeOf">): GPUBufferBinding {
  if (parts.length > 1)
    throw new InputError(
      `runOnGpu: output ${name} ${formatShape(shape)} lies in ${parts.length} buffers, being more than the device binds at once: use a smaller image or batch, or openGpu({ limits: "adapter" })`,
    );
  return executable.rangeOf(parts[0]!);
}
