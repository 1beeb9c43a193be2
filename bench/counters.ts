/** What an engine does with WebGPU, counted by wrapping the prototypes of the API: made before any engine opens a device. */
import type { GpuCounts } from "./report.js";

export interface GpuCounters {
  readonly counts: Readonly<GpuCounts>;
  /** The first uncaught errors of any device. */
  readonly errors: readonly string[];
  /** That a device was lost, and why; null as long as none was. One that its engine destroyed is not. */
  lost(): string | null;
  /** Counts from zero; the peak of bytes from what is alive. */
  restart(): void;
  /** Bytes of buffers and textures that are alive. */
  liveBytes(): number;
  /** Resolves when every device has done what was submitted. */
  finished(): Promise<void>;
  /** Resolves when what is submitted next, in one go, is done: asked of the queue before a readback that comes behind it. */
  nextSubmitDone(): Promise<void>;
  /** Submits so far, whatever was restarted. */
  submits(): number;
}

interface MutableCounts {
  dispatches: number;
  passes: number;
  submits: number;
  pipelines: number;
  peakBytes: number;
}

/** Call once, before a device is opened. Without WebGPU everything stays zero. */
export function countGpuWork(): GpuCounters {
  const counts: MutableCounts = { dispatches: 0, passes: 0, submits: 0, pipelines: 0, peakBytes: 0 };
  const devices = new Set<GPUDevice>();
  const errors: string[] = [];
  const sizes = new WeakMap<object, number>();
  let live = 0;
  let lost: string | null = null;
  let submits = 0;
  let submitted: ((queue: GPUQueue) => void) | null = null;

  const allocated = <T extends object>(made: T, bytes: number): T => {
    sizes.set(made, bytes);
    live += bytes;
    counts.peakBytes = Math.max(counts.peakBytes, live);
    return made;
  };
  const freed = (gone: object): void => {
    live -= sizes.get(gone) ?? 0;
    sizes.delete(gone);
  };

  if (typeof GPUDevice !== "undefined") {
    before(GPUComputePassEncoder.prototype, "dispatchWorkgroups", () => counts.dispatches++);
    before(GPUComputePassEncoder.prototype, "dispatchWorkgroupsIndirect", () => counts.dispatches++);
    before(GPUCommandEncoder.prototype, "beginComputePass", () => counts.passes++);
    before(GPUDevice.prototype, "createComputePipeline", () => counts.pipelines++);
    before(GPUDevice.prototype, "createComputePipelineAsync", () => counts.pipelines++);
    before(GPUBuffer.prototype, "destroy", freed);
    before(GPUTexture.prototype, "destroy", freed);
    after(GPUQueue.prototype, "submit", (queue) => {
      counts.submits++;
      submits++;
      submitted?.(queue);
    });
    after(GPUDevice.prototype, "createBuffer", (_device, buffer) => allocated(buffer, buffer.size));
    after(GPUDevice.prototype, "createTexture", (_device, texture) =>
      allocated(texture, texture.width * texture.height * texture.depthOrArrayLayers * bytesPerTexel(texture.format)),
    );
    after(GPUAdapter.prototype, "requestDevice", (_adapter, opened) => {
      void opened.then(
        (device) => {
          devices.add(device);
          void device.lost.then(({ reason, message }) => {
            if (reason !== "destroyed") lost ??= `the device was lost${message === "" ? "" : `: ${message}`}`;
          });
          device.addEventListener("uncapturederror", ({ error }) => {
            if (errors.length < 5) errors.push(error.message.slice(0, 600));
          });
        },
        () => undefined, // the engine hears of it
      );
    });
  }

  return {
    counts,
    errors,
    lost: () => lost,
    restart() {
      Object.assign(counts, { dispatches: 0, passes: 0, submits: 0, pipelines: 0, peakBytes: live });
      errors.length = 0;
    },
    liveBytes: () => live,
    async finished() {
      await Promise.all([...devices].map((device) => device.queue.onSubmittedWorkDone()));
    },
    nextSubmitDone: () =>
      new Promise((resolve, reject) => {
        let done: Promise<void> | undefined;
        submitted = (queue) => {
          const first = done === undefined;
          done = queue.onSubmittedWorkDone();
          // The others of the same go follow before any microtask.
          if (first)
            queueMicrotask(() => {
              submitted = null;
              done!.then(resolve, reject);
            });
        };
      }),
    submits: () => submits,
  };
}

type Methods<T> = { [K in keyof T]: T[K] extends (...args: never[]) => unknown ? K : never }[keyof T];
type Method<T, K extends keyof T> = T[K] extends (...args: infer A) => infer R ? (this: T, ...args: A) => R : never;

function before<T extends object, K extends Methods<T>>(prototype: T, name: K, seen: (self: T) => void): void {
  const original = prototype[name] as (...args: unknown[]) => unknown;
  prototype[name] = function (this: T, ...args: unknown[]) {
    seen(this);
    return original.apply(this, args);
  } as T[K];
}

function after<T extends object, K extends Methods<T>>(
  prototype: T,
  name: K,
  seen: (self: T, result: ReturnType<Method<T, K>>) => void,
): void {
  const original = prototype[name] as (...args: unknown[]) => ReturnType<Method<T, K>>;
  prototype[name] = function (this: T, ...args: unknown[]) {
    const result = original.apply(this, args);
    seen(this, result);
    return result;
  } as T[K];
}

function bytesPerTexel(format: GPUTextureFormat): number {
  const channels = format.startsWith("rgba") ? 4 : format.startsWith("rg") ? 2 : 1;
  return channels * (format.includes("32") ? 4 : format.includes("16") ? 2 : 1);
}
