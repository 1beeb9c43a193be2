/** What an adapter can do at most: multiply-adds and copying. A fraction of peak anywhere in the benchmark is a fraction of these. */
import type { AdapterPeak } from "./report.js";

const INVOCATIONS = 64 * 256;
const FMAS_PER_INVOCATION = 8192;
const COPY_BYTES = 32 * 2 ** 20;
const WORKGROUP = 64;

interface Probe {
  /** Of one run. */
  readonly work: number;
  run(): Promise<void>;
}

/** Compiles the probes; the returned function measures: the best of `repeats` runs of each, by wall time. */
export async function preparePeak(device: GPUDevice): Promise<(repeats?: number) => Promise<AdapterPeak>> {
  const fma = [4, 8, 16].flatMap((chains) => [fmaProbe(device, "f32", 1, chains), fmaProbe(device, "vec4f", 4, chains)]);
  const copy = copyProbe(device);
  for (const probe of [...fma, copy]) await probe.run(); // some drivers compile at the first dispatch
  const best = async (probes: readonly Probe[], repeats: number): Promise<number> => {
    let perMs = 0;
    for (const { work, run } of probes) {
      for (let i = 0; i < repeats; i++) {
        const started = performance.now();
        await run();
        perMs = Math.max(perMs, work / (performance.now() - started));
      }
    }
    return perMs / 1e6;
  };
  return async (repeats = 3) => ({ gflops: await best(fma, repeats), gbps: await best([copy], repeats) });
}

/** Independent chains of fma in registers: nothing but arithmetic. */
function fmaProbe(device: GPUDevice, type: "f32" | "vec4f", lanes: number, chains: number): Probe {
  const each = (text: (i: number) => string, separator = "\n  "): string =>
    Array.from({ length: chains }, (_, i) => text(i)).join(separator);
  const code = `@group(0) @binding(0) var<storage, read_write> result: array<${type}>;
@compute @workgroup_size(${WORKGROUP}) fn main(@builtin(global_invocation_id) id: vec3u) {
  let x = ${type}(f32(id.x) * 1e-6);
  let y = ${type}(0.999);
  ${each((i) => `var a${i} = x + ${i}.0;`)}
  for (var step = 0u; step < ${FMAS_PER_INVOCATION / lanes / chains}u; step++) {
  ${each((i) => `a${i} = fma(a${i}, y, x);`)}
  }
  result[id.x] = ${each((i) => `a${i}`, " + ")};
}`;
  const buffer = device.createBuffer({ size: INVOCATIONS * 4 * lanes, usage: GPUBufferUsage.STORAGE });
  return probe(device, code, [buffer], INVOCATIONS / WORKGROUP, 2 * INVOCATIONS * FMAS_PER_INVOCATION);
}

/** Bytes read and bytes written both count. */
function copyProbe(device: GPUDevice): Probe {
  const code = `@group(0) @binding(0) var<storage, read_write> to: array<vec4f>;
@group(0) @binding(1) var<storage, read> source: array<vec4f>;
@compute @workgroup_size(${WORKGROUP}) fn main(@builtin(global_invocation_id) id: vec3u) { to[id.x] = source[id.x]; }`;
  const buffers = [0, 1].map(() => device.createBuffer({ size: COPY_BYTES, usage: GPUBufferUsage.STORAGE }));
  return probe(device, code, buffers, COPY_BYTES / 16 / WORKGROUP, 2 * COPY_BYTES);
}

function probe(device: GPUDevice, code: string, buffers: readonly GPUBuffer[], workgroups: number, work: number): Probe {
  const module = device.createShaderModule({ code });
  const pipeline = device.createComputePipeline({ layout: "auto", compute: { module, entryPoint: "main" } });
  const entries = buffers.map((buffer, binding) => ({ binding, resource: { buffer } }));
  const group = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
  return {
    work,
    async run() {
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      pass.dispatchWorkgroups(workgroups);
      pass.end();
      device.queue.submit([encoder.finish()]);
      await device.queue.onSubmittedWorkDone();
    },
  };
}
