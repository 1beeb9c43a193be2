/** Error scopes: what a device finds wrong with some work, as an exception at the work's caller. */
import { GpuValidationError, OutOfMemoryError } from "./errors.js";

/** The remedy of what grows with images and batches. */
export const SMALLER = "use a smaller batch, image or net";

/** An OutOfMemoryError's message, of what the device says. */
export type Shortage = (device: string) => string;

/**
 * Runs `work` inside validation and out-of-memory error scopes; throws what they caught. Scopes are a stack: work that is not synchronous must be all that
 * happens on the device meanwhile. `popped` waits for the scopes, and ends where the device is lost.
 */
export async function inScopes<T>(
  device: GPUDevice,
  what: string,
  work: () => T | Promise<T>,
  {
    shortage = (message) => `${what}: the device is out of memory (${message}): ${SMALLER}`,
    popped = (scopes) => untilLost(device, scopes),
  }: {
    readonly shortage?: Shortage | undefined;
    readonly popped?: (scopes: Promise<Popped>) => Promise<Popped | null>;
  } = {},
): Promise<T> {
  device.pushErrorScope("out-of-memory");
  device.pushErrorScope("validation");
  let result: T;
  try {
    // Work that is done is not awaited: nobody else's scopes may come between this push and its pop.
    const started = work();
    result = started instanceof Promise ? await started : started;
  } finally {
    const [invalid, memory] = (await popped(Promise.all([device.popErrorScope(), device.popErrorScope()]))) ?? [null, null];
    // What a buffer without memory is used for afterwards is invalid, too.
    if (memory) throw new OutOfMemoryError(shortage(memory.message));
    if (invalid) throw new GpuValidationError(`${what}: ${invalid.message}`);
  }
  return result;
}

type Popped = [invalid: GPUError | null, memory: GPUError | null];

async function untilLost(device: GPUDevice, scopes: Promise<Popped>): Promise<Popped | null> {
  return Promise.race([scopes, device.lost.then(() => null)]);
}
