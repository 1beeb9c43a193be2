/** Failures of the environment, and of our own shaders. */

/** No WebGPU, no adapter, or an adapter that cannot give what was asked for. `reason` says which; the message says what to do. */
export class GpuUnavailableError extends Error {
  override readonly name = "GpuUnavailableError";
  constructor(
    readonly reason: "no-webgpu" | "no-adapter" | "limit",
    message: string,
  ) {
    super(message);
  }
}

/** The device has no room for something, or a plan needs more than it may hold. What it was for and how many bytes is said; nothing of it is left behind, and the same call may work later. */
export class OutOfMemoryError extends Error {
  override readonly name = "OutOfMemoryError";
}

/** The device is gone: reset by the driver, or destroyed. Open a new one and load the last checkpoint. */
export class DeviceLostError extends Error {
  override readonly name = "DeviceLostError";
}

/** One of our shaders does not compile here: a bug of ours, or of the driver. Quotes file:line of the .wgsl. */
export class KernelCompileError extends Error {
  override readonly name = "KernelCompileError";
}

/** Use of a Gpu, Program or Segmenter after it was disposed. */
export class DisposedError extends Error {
  override readonly name = "DisposedError";
}

/** The device rejected a command: a bug of ours that validation caught. */
export class GpuValidationError extends Error {
  override readonly name = "GpuValidationError";
}
