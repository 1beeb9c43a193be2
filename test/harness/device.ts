/** The device that all tests of a run share. */
import { openContext, type GpuContext } from "../../src/gpu/context.js";
import { createPipelineCache, type PipelineCache } from "../../src/gpu/pipelines.js";

import { openGpu, type Gpu, type GpuOptions } from "../../src/index.js";
import { countingDevice, type CountingDevice } from "./counting-device.js";

let context: Promise<{ gpu: GpuContext; pipelines: PipelineCache }> | undefined;

/** The device below the public API, for tests of single kernels. */
export function testContext(): Promise<{ gpu: GpuContext; pipelines: PipelineCache }> {
  context ??= openContext({ checked: true }).then((gpu) => ({ gpu, pipelines: createPipelineCache(gpu) }));
  return context;
}

let gpu: Promise<Gpu> | undefined;

/** The device through the public API, with error scopes round every submit. */
export function testGpu(): Promise<Gpu> {
  gpu ??= openGpu({ checked: true });
  return gpu;
}

/** A Gpu of its own whose device counts what is made on it. Dispose `gpu`, then `host`. */
export async function countingGpu(
  options: Omit<GpuOptions, "device"> = {},
): Promise<{ readonly gpu: Gpu; readonly host: Gpu; readonly counting: CountingDevice }> {
  const host = await openGpu();
  const counting = countingDevice(host.device);
  return { gpu: await openGpu({ ...options, device: counting.device }), host, counting };
}
