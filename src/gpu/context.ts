/**
 * A GPUDevice with what the engine needs beside it: the limits it keeps to, the pipelines it has built, errors as exceptions.
 * Knows bytes, not tensors.
 */
import { DeviceLostError, DisposedError, GpuUnavailableError } from "./errors.js";
import { adapterFromEnvironment } from "./adapter.js";
import { createPatience } from "./patience.js";
import { inScopes, type Shortage } from "./scopes.js";
import { listenForStrays } from "./strays.js";

export interface Limits {
  maxStorageBufferBindingSize: number;
  maxBufferSize: number;
  maxStorageBuffersPerShaderStage: number;
  maxComputeWorkgroupStorageSize: number;
  maxComputeInvocationsPerWorkgroup: number;
}

export interface GpuOptions {
  /** The host page's own device; it is not destroyed on dispose. */
  readonly device?: GPUDevice;
  readonly powerPreference?: GPUPowerPreference;
  /** "default": WebGPU's defaults; "adapter": all there is; numbers may be below the defaults, the engine then keeps to them. */
  readonly limits?: "default" | "adapter" | Partial<Limits>;
  /** Ask for shader-f16; GpuUnavailableError where the adapter lacks it. */
  readonly f16?: boolean;
  /** Wait for the errors of every submit before going on, not only for its results: slower, for tests and debugging. */
  readonly checked?: boolean;
}

export interface GpuInfo {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  readonly description: string;
  /** A CPU pretending to be a GPU. */
  readonly software: boolean;
}

const LIMIT_NAMES = [
  "maxStorageBufferBindingSize",
  "maxBufferSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
] as const satisfies readonly (keyof Limits)[];

/** How long after a failed wait the device may still turn out to be lost. */
const LOSS_GRACE_MS = 200;

/** Features that kernels or the profiler use where the adapter has them; never required. */
const OPTIONAL_FEATURES: readonly GPUFeatureName[] = ["timestamp-query", "subgroups"];

export interface GpuContext {
  readonly device: GPUDevice;
  readonly limits: Limits;
  readonly info: GpuInfo;
  readonly checked: boolean;
  /** What made the device, kept while it is used: Dawn in Node goes down with it, and keeps the process alive as long as it is there. */
  instance: GPU | undefined;
  /** Resolves once the device is gone, by whatever cause but dispose. */
  readonly lost: Promise<DeviceLostError>;
  /** Throws DisposedError or DeviceLostError when the device cannot be used any more. */
  assertUsable(): void;
  /** Rejects with DeviceLostError when the device goes away before `work` settles. */
  orLost<T>(work: Promise<T>): Promise<T>;
  /** Resolves once the buffer is mapped for reading. Rejects with DeviceLostError, and with an error of the device that no scope caught. */
  mapped(buffer: GPUBuffer): Promise<void>;
  /** Resolves once all that was submitted is done. Rejects as `mapped` does. */
  finished(): Promise<void>;
  /**
   * Runs `work` inside validation and out-of-memory error scopes; throws what they caught. Synchronous work is done when this returns, so that one may wait for
   * its errors later. See {@link inScopes}, and `allocate` for what makes buffers.
   */
  scoped<T>(what: string, work: () => T | Promise<T>, shortage?: Shortage): Promise<T>;
  dispose(): void;
}

/** Throws GpuUnavailableError with the reason and the remedy. */
export async function openContext(options: GpuOptions = {}): Promise<GpuContext> {
  checkOptions(options);
  const opened = options.device
    ? { device: options.device, info: infoOf(options.device.adapterInfo), busyWaits: false, instance: undefined }
    : await requestDevice(options);
  return createContext(opened, options);
}

function checkOptions(options: GpuOptions): void {
  if (typeof options.limits !== "object") return;
  for (const [name, value] of Object.entries(options.limits)) {
    if (!(LIMIT_NAMES as readonly string[]).includes(name)) {
      throw new GpuUnavailableError(
        "limit",
        `openGpu: limits.${name} is not a limit of the engine: use ${LIMIT_NAMES.join(", ")}`,
      );
    }
    if (!Number.isInteger(value) || value < 1)
      throw new GpuUnavailableError("limit", `openGpu: limits.${name} is ${value}: use a positive integer`);
  }
}

interface OpenedDevice {
  readonly device: GPUDevice;
  readonly info: GpuInfo;
  readonly busyWaits: boolean;
  readonly instance: GPU | undefined;
}

async function requestDevice(options: GpuOptions): Promise<OpenedDevice> {
  const { adapter, busyWaits, instance } = await adapterFromEnvironment(
    options.powerPreference ? { powerPreference: options.powerPreference } : {},
  );
  const requiredLimits: Record<string, number> = {};
  for (const name of LIMIT_NAMES) {
    const available = adapter.limits[name];
    const asked =
      options.limits === "adapter" ? available : typeof options.limits === "object" ? options.limits[name] : undefined;
    if (asked === undefined) continue;
    if (asked > available) {
      throw new GpuUnavailableError(
        "limit",
        `openGpu: limits.${name} is ${asked} but the adapter gives at most ${available}: ask for less or use limits: "adapter"`,
      );
    }
    requiredLimits[name] = Math.max(asked, defaultLimit(name));
  }
  if (options.f16 && !adapter.features.has("shader-f16")) {
    throw new GpuUnavailableError("limit", "openGpu: f16 was asked for but the adapter lacks shader-f16: leave f16 out");
  }
  const features = OPTIONAL_FEATURES.filter((f) => adapter.features.has(f));
  const device = await adapter.requestDevice({
    requiredLimits,
    requiredFeatures: options.f16 ? [...features, "shader-f16"] : features,
  });
  return { device, info: infoOf(adapter.info), busyWaits, instance };
}

function defaultLimit(name: keyof Limits): number {
  const defaults: Limits = {
    maxStorageBufferBindingSize: 128 * 2 ** 20,
    maxBufferSize: 256 * 2 ** 20,
    maxStorageBuffersPerShaderStage: 8,
    maxComputeWorkgroupStorageSize: 16384,
    maxComputeInvocationsPerWorkgroup: 256,
  };
  return defaults[name];
}

function infoOf(info: GPUAdapterInfo): GpuInfo {
  const text = `${info.vendor} ${info.architecture} ${info.device} ${info.description}`;
  return {
    vendor: info.vendor,
    architecture: info.architecture,
    device: info.device,
    description: info.description || info.device,
    software: info.isFallbackAdapter === true || /swiftshader|llvmpipe|lavapipe|software|basic render/i.test(text),
  };
}

function createContext(opened: OpenedDevice, options: GpuOptions): GpuContext {
  const { device, info, busyWaits } = opened;
  let lostError: DeviceLostError | undefined;
  let disposed = false;
  const lost = new Promise<DeviceLostError>((resolve) => {
    void device.lost.then((detail) => {
      lostError = new DeviceLostError(
        `the GPU device was lost (${detail.reason}: ${detail.message}): open a new one and resume from a checkpoint`,
      );
      if (!disposed) resolve(lostError);
    });
  });
  // Every pending wait races against this: without it, a map on a lost device may never settle. A set, since a promise would keep each wait for ever.
  const waiting = new Set<(error: Error) => void>();
  const lossError = (): Error => (disposed ? new DisposedError("the Gpu was disposed while work was pending") : lostError!);
  void device.lost.then(() => waiting.forEach((reject) => reject(lossError())));
  const racingLoss = <T>(work: Promise<T>): Promise<T> => {
    if (lostError) return Promise.race([Promise.reject(lossError()), work]);
    return new Promise((resolve, reject) => {
      waiting.add(reject);
      work.finally(() => waiting.delete(reject)).then(resolve, reject);
    });
  };
  const orLost = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await racingLoss(work);
    } catch (error) {
      // Chrome aborts what was pending a moment before it says that the device is lost.
      await racingLoss(new Promise((resolve) => setTimeout(resolve, LOSS_GRACE_MS)));
      throw error;
    }
  };
  // A host's own device has commands of its own, whose errors are its business.
  const strays = options.device ? undefined : listenForStrays(device);
  const patience = busyWaits ? createPatience() : <T>(wait: () => Promise<T>): Promise<T> => wait();

  const limits = Object.fromEntries(
    LIMIT_NAMES.map((name) => [
      name,
      Math.min(device.limits[name], (typeof options.limits === "object" ? options.limits[name] : undefined) ?? Infinity),
    ]),
  ) as unknown as Limits;

  return {
    device,
    instance: opened.instance,
    limits,
    info,
    checked: options.checked ?? false,
    lost,
    assertUsable() {
      if (disposed) throw new DisposedError("this Gpu was disposed: open another with openGpu()");
      if (lostError) throw lostError;
    },
    orLost,
    async mapped(buffer) {
      await patience(() => orLost(buffer.mapAsync(GPUMapMode.READ)));
      try {
        strays?.check();
      } catch (error) {
        buffer.unmap();
        throw error;
      }
    },
    async finished() {
      await patience(() => orLost(device.queue.onSubmittedWorkDone()));
      strays?.check();
    },
    scoped: (what, work, shortage) =>
      inScopes(device, what, work, {
        shortage,
        popped: async (scopes) => {
          const popped = await orLost(scopes).catch((error: unknown) => {
            if (disposed) return null;
            throw error;
          });
          if (lostError && !disposed) throw lostError;
          return popped;
        },
      }),
    dispose() {
      if (disposed) return;
      disposed = true;
      if (!options.device) device.destroy();
      this.instance = undefined;
    },
  };
}
