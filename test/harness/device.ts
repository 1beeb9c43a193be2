/** The device that all tests of a run share. */
import { openContext, type GpuContext } from "../../src/gpu/context.js";
import { createPipelineCache, type PipelineCache } from "../../src/gpu/pipelines.js";

let context: Promise<{ gpu: GpuContext; pipelines: PipelineCache }> | undefined;

/** The device below the public API, for tests of single kernels. */
export function testContext(): Promise<{ gpu: GpuContext; pipelines: PipelineCache }> {
  context ??= openContext({ checked: true }).then((gpu) => ({ gpu, pipelines: createPipelineCache(gpu) }));
  return context;
}
