/** What a device can do at most, measured: what a profile's times are compared with. */
import { allocate } from "../gpu/allocate.js";
import { wholeBuffer } from "../gpu/buffer-range.js";
import type { GpuContext } from "../gpu/context.js";
import type { PipelineCache } from "../gpu/pipelines.js";
import { createStopwatch, type Stopwatch } from "../gpu/stopwatch.js";
import { copyProbe, fmaProbes, type Probe } from "../kernels/probe.js";
import { bindDispatch, encode, kernelFor, paramsBytes, writeParams } from "./bind.js";

export interface DeviceSpeed {
  /** Best rate of chains of f32 multiply-adds in registers, each counted as two. */
  readonly peakGflops: number;
  /** Bytes read and bytes written of a copy far larger than caches. */
  readonly copyGbps: number;
  /** Time of a dispatch that has next to nothing to do, behind another in the same pass. */
  readonly launchMs: number;
}

/** Workgroups of 64 that keep all units busy, and bytes that no cache holds: on some CPU cores, and on any GPU. */
const SOFTWARE = { workgroups: 256, copyBytes: 32 * 2 ** 20 };
const HARDWARE = { workgroups: 16_384, copyBytes: 128 * 2 ** 20 };
const LEAST_COPY_BYTES = 1024;

/** Takes a second or more. Nothing else should run on the device. Throws DeviceLostError, OutOfMemoryError. */
export async function measureDevice(gpu: GpuContext, pipelines: PipelineCache): Promise<DeviceSpeed> {
  using stopwatch = await createStopwatch(gpu);
  const leastMs = (probe: Probe): Promise<number> => timeProbe(gpu, pipelines, stopwatch, probe);
  const { workgroups, copyBytes } = gpu.info.software ? SOFTWARE : HARDWARE;
  let peakGflops = 0;
  for (const probe of fmaProbes(workgroups)) peakGflops = Math.max(peakGflops, probe.flops / (await leastMs(probe)) / 1e6);
  const bytes = Math.min(copyBytes, gpu.limits.maxStorageBufferBindingSize, gpu.limits.maxBufferSize);
  const copyGbps = (2 * bytes) / (await leastMs(copyProbe(bytes))) / 1e6;
  return { peakGflops, copyGbps, launchMs: await leastMs(copyProbe(LEAST_COPY_BYTES)) };
}

async function timeProbe(gpu: GpuContext, pipelines: PipelineCache, stopwatch: Stopwatch, probe: Probe): Promise<number> {
  const kernel = await kernelFor(pipelines, probe.dispatch);
  const need = { by: "measure", what: "the buffers of a copy", remedy: "dispose programs first" };
  const { bound, dispose } = await allocate(gpu, need, (make) => {
    const params = new ArrayBuffer(paramsBytes(probe.dispatch));
    writeParams(probe.dispatch, new DataView(params), 0);
    const uniforms = make.buffer("probe params", params.byteLength, GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST);
    gpu.device.queue.writeBuffer(uniforms, 0, params);
    const buffers = new Map(
      Object.entries(probe.buffers).map(([name, size]) => [name, make.buffer(name, size, GPUBufferUsage.STORAGE)]),
    );
    const bound = bindDispatch(gpu, kernel, probe.dispatch, probe.dispatch.shader, { buffer: uniforms, offset: 0 }, (name) =>
      wholeBuffer(buffers.get(name)!),
    );
    return { bound, dispose: make.dispose };
  });
  try {
    const record = (pass: GPUComputePassEncoder): void => encode(pass, [bound]);
    await stopwatch.time(record, { samples: 1 }); // some drivers compile at the first dispatch
    return (await stopwatch.time(record)).leastMs;
  } finally {
    dispose();
  }
}
