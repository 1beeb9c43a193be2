/** Errors of a device that no scope caught. Browsers and Dawn print them; here the engine's next wait throws them, since what it waits for may be wrong. */
import { GpuValidationError, OutOfMemoryError } from "./errors.js";

export interface Strays {
  /** Throws the first error since the last call, where there was one. */
  check(): void;
}

export function listenForStrays(device: GPUDevice): Strays {
  let first: GPUError | null = null;
  device.addEventListener("uncapturederror", ({ error }) => (first ??= error));
  return {
    check() {
      const error = first;
      first = null;
      if (!error) return;
      const text = `the GPU device reported an error that no error scope caught (${error.message}): results since then may be wrong; where commands of your own on gpu.device caused it, put them into an error scope`;
      // By name: Node has no global classes of errors.
      throw error.constructor.name === "GPUOutOfMemoryError" ? new OutOfMemoryError(text) : new GpuValidationError(text);
    },
  };
}
