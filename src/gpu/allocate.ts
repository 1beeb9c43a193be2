/** GPU memory, all that is asked for or none of it: where there is no room, what was made of it is destroyed, and the error says what it was for. */
import type { GpuContext } from "./context.js";
import { OutOfMemoryError } from "./errors.js";

export interface Need {
  /** The call that needs it: "compile", "train", ... */
  readonly by: string;
  /** What it is for, in words. */
  readonly what: string;
  /** What its caller may do. */
  readonly remedy: string;
}

export interface Maker {
  buffer(label: string, size: number, usage: GPUBufferUsageFlags): GPUBuffer;
  /** Of another kind: destroyed with the buffers. */
  keep<D extends { destroy(): void }>(made: D): D;
  /** Destroys all of it; for when it is not needed any more. */
  readonly dispose: () => void;
}

/**
 * Runs `work`, which is synchronous, with makers whose failure is an OutOfMemoryError: `by: the device has no room for what (so many bytes)`. Whatever `work`
 * throws, nothing of what it made is left.
 */
export async function allocate<T>(
  gpu: Pick<GpuContext, "device" | "limits" | "scoped">,
  { by, what, remedy }: Need,
  work: (make: Maker) => T,
): Promise<T> {
  const made: { destroy(): void }[] = [];
  let [bytes, buffers] = [0, 0];
  const keep: Maker["keep"] = (one) => {
    made.push(one);
    return one;
  };
  const dispose = (): void => made.forEach((one) => one.destroy());
  const make: Maker = {
    keep,
    dispose,
    buffer(label, size, usage) {
      const most = gpu.limits.maxBufferSize;
      if (size > most) {
        throw new OutOfMemoryError(
          `${by}: ${what} takes a buffer of ${size} bytes (${label}) but the device's have at most ${most}: openGpu({ limits: "adapter" }) asks for more, or ${remedy}`,
        );
      }
      bytes += size;
      buffers++;
      return keep(gpu.device.createBuffer({ label, size, usage }));
    },
  };
  const shortage = (message: string): string =>
    `${by}: the device has no room for ${what}, ${bytes} bytes in ${buffers} ${buffers === 1 ? "buffer" : "buffers"} (${message}): ${remedy}`;
  try {
    return await gpu.scoped(by, () => work(make), shortage);
  } catch (error) {
    dispose();
    throw error;
  }
}
