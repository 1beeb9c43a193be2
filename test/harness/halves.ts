/** f16 in tests: which buffers may hold it, and a device that has it. */
import { openContext, type GpuContext } from "../../src/gpu/context.js";
import { createPipelineCache, type PipelineCache } from "../../src/gpu/pipelines.js";
import { GpuUnavailableError, openGpu, type Gpu } from "../../src/index.js";
import { mustHaveF16 } from "./platform.js";
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

/** A device with shader-f16, shared by a run; undefined where the adapter has none, which openGpu says in its error. An adapter that is known to have it, lavapipe, is a failure then. */
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

/** A test of a device with f16, skipped by name where the adapter has none: there "without f16" in test/graph/half.test.ts looks at what users are told. */
export function itWithF16(title: string, test: (gpu: Gpu) => Promise<void>): void {
  it(title, async function () {
    const device = await halfGpu();
    if (!device) this.skip();
    await test(device);
  });
}

function orUndefined<T>(opening: Promise<T>): Promise<T | undefined> {
  return opening.catch((error: unknown) => {
    if (error instanceof GpuUnavailableError && /lacks shader-f16/.test(error.message) && !mustHaveF16()) return undefined;
    throw error;
  });
}
