/** A device that has no room for what a test says: it then behaves as real ones do, with an error in the innermost scope and a buffer that is invalid. */
import { openGpu, type Gpu } from "../../src/index.js";
import { countingDevice, type CountingDevice } from "./counting-device.js";

export interface ShortDevice extends Disposable {
  readonly gpu: Gpu;
  readonly counting: CountingDevice;
  /** Errors that no scope caught. */
  readonly uncaptured: readonly string[];
  /** What there is no room for: a buffer by label and bytes, what is live already being `live` bytes. */
  refuse: (label: string, size: number, live: number) => boolean;
  /** Of writeBuffer, by bytes. */
  refuseWrite: (size: number) => boolean;
}

const none = (): boolean => false;

/** Dispose it last. */
export async function shortDevice(): Promise<ShortDevice> {
  const host = await openGpu();
  const real = host.device;
  const counting = countingDevice(real);
  const scopes: { readonly filter: GPUErrorFilter; error: { readonly message: string } | null }[] = [];
  const uncaptured: string[] = [];
  const noRoom = (what: string): void => {
    const message = `no room for ${what}, the test says`;
    const scope = scopes.findLast(({ filter }) => filter === "out-of-memory");
    if (scope) scope.error ??= { message };
    else uncaptured.push(message);
  };
  const methods: Record<string, unknown> = {
    createBuffer(descriptor: GPUBufferDescriptor) {
      if (!short.refuse(descriptor.label ?? "", descriptor.size, counting.counts.liveBytes))
        return counting.device.createBuffer(descriptor);
      noRoom(`${descriptor.label} of ${descriptor.size} bytes`);
      real.pushErrorScope("validation");
      const invalid = real.createBuffer({ ...descriptor, size: 2 ** 50 });
      void real.popErrorScope();
      return invalid;
    },
    pushErrorScope(filter: GPUErrorFilter) {
      scopes.push({ filter, error: null });
      real.pushErrorScope(filter);
    },
    async popErrorScope() {
      const scope = scopes.pop();
      const error = await real.popErrorScope();
      return scope?.error ?? error;
    },
    queue: new Proxy(counting.device.queue, {
      get(target, key) {
        const value = Reflect.get(target, key, target) as unknown;
        if (key !== "writeBuffer") return value;
        return (...args: Parameters<GPUQueue["writeBuffer"]>) => {
          const { byteLength } = args[2];
          if (short.refuseWrite(byteLength)) noRoom(`a copy of ${byteLength} bytes`);
          else (value as GPUQueue["writeBuffer"])(...args);
        };
      },
    }),
  };
  const device = new Proxy(counting.device, {
    get: (target, key) =>
      typeof key === "string" && key in methods ? methods[key] : (Reflect.get(target, key, target) as unknown),
  });
  const gpu = await openGpu({ device });
  const short: ShortDevice = {
    gpu,
    counting,
    uncaptured,
    refuse: none,
    refuseWrite: none,
    [Symbol.dispose]() {
      gpu[Symbol.dispose]();
      host[Symbol.dispose]();
    },
  };
  return short;
}
