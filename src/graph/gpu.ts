/** The engine on one device: what openGpu gives. */
import { openContext, type GpuContext, type GpuInfo, type GpuOptions } from "../gpu/context.js";
import type { DeviceLostError } from "../gpu/errors.js";
import { createPipelineCache } from "../gpu/pipelines.js";
import type { Graph, Names } from "./graph.js";
import type { CompileOptions } from "./compile-options.js";
import { measureDevice, type DeviceSpeed } from "./device-speed.js";
import { createProgram } from "./program.js";
import type { Program } from "./program-interface.js";

export interface Gpu extends Disposable {
  readonly device: GPUDevice;
  readonly info: GpuInfo;
  /** Resolves when the device is gone by other causes than dispose: open a new one and resume from a checkpoint. */
  readonly lost: Promise<DeviceLostError>;
  /** Makes a graph ready to run: kernels are compiled in parallel, memory is planned, new weights drawn. Throws KernelCompileError, OutOfMemoryError. */
  compile<I extends Names, O extends Names>(graph: Graph<I, O>, options?: CompileOptions): Promise<Program<I, O>>;
  /** What the device can do at most, for `profile`: FMA peak, copy bandwidth, cost of a dispatch. Takes a second or more, in which nothing else should run. */
  measure(): Promise<DeviceSpeed>;
}

/**
 * Opens a GPU: the browser's or Deno's WebGPU, or Dawn in Node (optional peer package `webgpu`).
 * Throws GpuUnavailableError with a reason ("no-webgpu", "no-adapter", "limit") and the remedy.
 *
 * @example
 * using gpu = await openGpu({ powerPreference: "high-performance" });
 */
export async function openGpu(options: GpuOptions = {}): Promise<Gpu> {
  const context = await openContext(options);
  return gpuOn(context);
}

function gpuOn(context: GpuContext): Gpu {
  const pipelines = createPipelineCache(context);
  const programs = new Set<Disposable>();
  return {
    device: context.device,
    info: context.info,
    lost: context.lost,
    async compile(graph, options = {}) {
      let made: Disposable | undefined;
      const program = await createProgram(context, pipelines, graph, options, () => made && programs.delete(made));
      made = program;
      programs.add(program);
      return program;
    },
    async measure() {
      context.assertUsable();
      return measureDevice(context, pipelines);
    },
    [Symbol.dispose]() {
      for (const program of [...programs]) program[Symbol.dispose]();
      context.dispose();
    },
  };
}
