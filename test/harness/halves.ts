/** f16 in tests: which buffers may hold it, and a device that has it. */
import { openContext, type GpuContext } from "../../src/gpu/context.js";
import { createPipelineCache, type PipelineCache } from "../../src/gpu/pipelines.js";
import { GpuUnavailableError, openGpu, type Gpu } from "../../src/index.js";
import { SHADERS } from "../../src/shaders.gen.js";

/** Buffers of a shader whose elements are f32, or words that it moves as they are. */
export function halvableBuffers(name: string): string[] {
  const { code, buffers } = SHADERS[name as keyof typeof SHADERS];
  const type = (buffer: string): string | undefined => new RegExp(`> ${buffer}: array<(\\w+)>;`).exec(code)?.[1];
  const movesBits = /^(gather|pad-border|reshape)\./.test(name);
  const wanted = movesBits ? ["u32", "vec4u"] : ["f32", "vec4f", "Value"];
  return buffers.map((b) => b.name).filter((buffer) => wanted.includes(type(buffer) ?? ""));
}

let opened: Promise<{ gpu: GpuContext; pipelines: PipelineCache } | undefined> | undefined;

/** A device with shader-f16, shared by a run; undefined where the adapter has none, which openGpu says in its error. */
export function halfContext(): Promise<{ gpu: GpuContext; pipelines: PipelineCache } | undefined> {
  opened ??= orUndefined(openContext({ checked: true, f16: true })).then(
    (gpu) => gpu && { gpu, pipelines: createPipelineCache(gpu) },
  );
  return opened;
}

let gpu: Promise<Gpu | undefined> | undefined;

/** The same through the public API. */
export function halfGpu(): Promise<Gpu | undefined> {
  gpu ??= orUndefined(openGpu({ checked: true, f16: true }));
  return gpu;
}

function orUndefined<T>(opening: Promise<T>): Promise<T | undefined> {
  return opening.catch((error: unknown) => {
    if (error instanceof GpuUnavailableError && /lacks shader-f16/.test(error.message)) return undefined;
    throw error;
  });
}
