/** A kernel's dispatch -> pipeline, bind group and uniform bytes: what a replay needs, made once. */
import type { BufferRange } from "../gpu/buffer-range.js";
import type { GpuContext } from "../gpu/context.js";
import type { Kernel, PipelineCache, ShaderModule } from "../gpu/pipelines.js";
import type { Dispatch, Ref } from "../kernels/op.js";
import { SHADERS } from "../shaders.gen.js";

/** A bound dispatch, ready to be encoded any number of times. */
export interface Bound {
  readonly label: string;
  readonly pipeline: GPUComputePipeline;
  readonly group: GPUBindGroup;
  readonly workgroups: readonly [number, number, number];
}

/** Alignment of uniform offsets at WebGPU's default limits. */
export const UNIFORM_ALIGNMENT = 256;

export function shaderOf(name: string): ShaderModule {
  return SHADERS[name as keyof typeof SHADERS];
}

export function kernelFor(
  pipelines: PipelineCache,
  { shader, constants, halves }: Pick<Dispatch, "shader" | "constants" | "halves">,
): Promise<Kernel> {
  return pipelines.kernel(shader, shaderOf(shader), constants, halves);
}

/** Writes the uniform struct of a dispatch at `offset` of `target`. Throws where a field is missing: our own bug. */
export function writeParams(dispatch: Pick<Dispatch, "shader" | "params">, target: DataView, offset: number): void {
  const fields = SHADERS[dispatch.shader].params as Readonly<Record<string, { type: string; offset: number }>>;
  for (const [name, field] of Object.entries(fields)) {
    const value = dispatch.params[name];
    if (value === undefined) throw new Error(`${dispatch.shader}: the dispatch has no value for params.${name}`);
    const write = scalarWriter(target, field.type);
    const values = typeof value === "number" ? [value] : value;
    values.forEach((v, i) => write(offset + field.offset + 4 * i, v));
  }
}

function scalarWriter(view: DataView, type: string): (at: number, value: number) => void {
  const scalar = /\b(?:vec[234])?([uif])(?:32)?\b/.exec(type.replace(/^array</, ""))?.[1];
  if (scalar === "u") return (at, v) => view.setUint32(at, v, true);
  if (scalar === "i") return (at, v) => view.setInt32(at, v, true);
  return (at, v) => view.setFloat32(at, v, true);
}

/** Bytes of the uniform struct of a dispatch. */
export function paramsBytes(dispatch: Pick<Dispatch, "shader">): number {
  return SHADERS[dispatch.shader].paramsBytes;
}

/** The uniform structs of dispatches side by side, as bytes, and where each begins. */
export function packUniforms(dispatches: readonly Dispatch[]): {
  readonly data: ArrayBuffer;
  readonly offsets: readonly number[];
} {
  let end = 0;
  const offsets = dispatches.map((d) => {
    const offset = end;
    end = offset + Math.ceil(paramsBytes(d) / UNIFORM_ALIGNMENT) * UNIFORM_ALIGNMENT;
    return offset;
  });
  const data = new ArrayBuffer(Math.max(16, end));
  const view = new DataView(data);
  dispatches.forEach((d, i) => writeParams(d, view, offsets[i]!));
  return { data, offsets };
}

/** Dispatches of the node `name`, with their kernels and the offsets of their uniforms; `resolve` gives the bytes behind what they refer to. */
export function bindAll(
  gpu: GpuContext,
  of: {
    readonly name: string;
    readonly dispatches: readonly Dispatch[];
    readonly kernels: readonly Kernel[];
    readonly uniforms: GPUBuffer;
    readonly offsets: readonly number[];
  },
  resolve: (ref: Ref) => BufferRange,
): Bound[] {
  return of.dispatches.map((d, i) =>
    bindDispatch(gpu, of.kernels[i]!, d, `${of.name}/${d.shader}`, { buffer: of.uniforms, offset: of.offsets[i]! }, (binding) => {
      const ref = d.buffers[binding];
      if (ref === undefined) throw new Error(`${d.shader}: the dispatch has no buffer ${binding}`);
      return resolve(ref);
    }),
  );
}

/** `rangeOf(name)` gives the bytes behind each of the shader's bindings. */
export function bindDispatch(
  gpu: GpuContext,
  kernel: Kernel,
  dispatch: Pick<Dispatch, "shader" | "workgroups">,
  label: string,
  uniforms: { readonly buffer: GPUBuffer; readonly offset: number },
  rangeOf: (name: string) => BufferRange,
): Bound {
  const shader = shaderOf(dispatch.shader);
  const group = gpu.device.createBindGroup({
    label,
    layout: kernel.layout,
    entries: [
      { binding: 0, resource: { buffer: uniforms.buffer, offset: uniforms.offset, size: shader.paramsBytes } },
      ...shader.buffers.map((b) => ({ binding: b.binding, resource: rangeOf(b.name) })),
    ],
  });
  return { label, pipeline: kernel.pipeline, group, workgroups: dispatch.workgroups };
}

/** Encodes bound dispatches into a pass. */
export function encode(pass: GPUComputePassEncoder, bound: readonly Bound[]): void {
  let pipeline: GPUComputePipeline | undefined;
  for (const b of bound) {
    if (b.pipeline !== pipeline) {
      pass.setPipeline(b.pipeline);
      pipeline = b.pipeline;
    }
    pass.setBindGroup(0, b.group);
    pass.dispatchWorkgroups(b.workgroups[0], b.workgroups[1], b.workgroups[2]);
  }
}
