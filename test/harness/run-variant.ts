/**
 * Runs one variant of one op on a device, outside any program: outputs, scratch and prepared buffers pre-filled with NaN, guard elements behind the
 * output, error scopes round everything. What the op-case harness stands on.
 */
import { wholeBuffer } from "../../src/gpu/buffer-range.js";
import type { GpuContext } from "../../src/gpu/context.js";
import type { PipelineCache } from "../../src/gpu/pipelines.js";
import { bindDispatch, encode, kernelFor, paramsBytes, writeParams } from "../../src/graph/bind.js";
import { SHADERS } from "../../src/shaders.gen.js";
import type { Dispatch, Ref, Variant } from "../../src/kernels/op.js";
import { byteLength, type Numbers } from "../../src/tensor/layout.js";
import { fromMemory, toMemory } from "../../src/tensor/memory.js";
import type { TensorSpec } from "../../src/tensor/shape.js";

/** NaN as an f32, and as two f16. */
const NAN_BITS = 0x7fc07e00;
const GUARD_ELEMENTS = 64;

export interface RunResult {
  /** Logical row-major values. */
  readonly values: Numbers;
  /** The bits of the output buffer's elements as they lie in memory, without the guard. */
  readonly memory: Uint32Array | Uint16Array;
  /** Index of the first guard element that was overwritten, or -1. */
  readonly guardBroken: number;
  /** Of the second output, where the op has one. */
  readonly second?: Omit<RunResult, "second">;
}

export async function runVariant(
  gpu: GpuContext,
  pipelines: PipelineCache,
  variant: Variant,
  inputs: readonly { readonly spec: TensorSpec; readonly data: Float32Array | Int32Array | Uint32Array }[],
  output: TensorSpec,
  second?: TensorSpec,
): Promise<RunResult> {
  checkPreparation(variant);
  const { device } = gpu;
  const made: GPUBuffer[] = [];
  const create = (bytes: number, usage: number): GPUBuffer => {
    const buffer = device.createBuffer({ size: Math.max(16, bytes), usage });
    made.push(buffer);
    return buffer;
  };
  try {
    return await gpu.scoped(variant.name, async () => {
      const storage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
      const inputBuffers = inputs.map(({ spec, data }) => {
        const buffer = create(byteLength(spec.shape, spec.dtype), storage);
        device.queue.writeBuffer(buffer, 0, toMemory(spec, data));
        return buffer;
      });
      const poisoned = (bytes: number): GPUBuffer => {
        const buffer = create(bytes, storage);
        device.queue.writeBuffer(buffer, 0, new Uint32Array(Math.max(16, bytes) / 4).fill(NAN_BITS));
        return buffer;
      };
      const outputs = [output, ...(second ? [second] : [])].map((spec) => {
        const bytes = byteLength(spec.shape, spec.dtype);
        return { spec, bytes, buffer: poisoned(bytes + 4 * GUARD_ELEMENTS) };
      });
      const scratch = (variant.scratchBytes ?? []).map((bytes) => poisoned(Math.ceil(bytes / 16) * 16));
      const prepared = (variant.prepared?.bytes ?? []).map((bytes) => poisoned(Math.ceil(bytes / 16) * 16));
      const absent = create(16, storage);
      const resolve = (ref: Ref): GPUBuffer => {
        if (ref === "output") return outputs[0]!.buffer;
        if (ref === "second") return outputs[1]!.buffer;
        if (ref === "absent") return absent;
        if ("prepared" in ref) return prepared[ref.prepared]!;
        return "input" in ref ? inputBuffers[ref.input]! : scratch[ref.scratch]!;
      };
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      for (const d of [...(variant.prepared?.dispatches ?? []), ...variant.dispatches]) {
        const kernel = await kernelFor(pipelines, d);
        const bytes = new ArrayBuffer(paramsBytes(d));
        writeParams(d, new DataView(bytes), 0);
        const uniform = create(bytes.byteLength, GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST);
        device.queue.writeBuffer(uniform, 0, bytes);
        encode(pass, [
          bindDispatch(gpu, kernel, d, d.shader, { buffer: uniform, offset: 0 }, (name) =>
            wholeBuffer(resolve(d.buffers[name]!)),
          ),
        ]);
      }
      pass.end();
      const staging = outputs.map(({ bytes, buffer }) => {
        const copy = create(bytes + 4 * GUARD_ELEMENTS, GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST);
        encoder.copyBufferToBuffer(buffer, 0, copy, 0, bytes + 4 * GUARD_ELEMENTS);
        return copy;
      });
      device.queue.submit([encoder.finish()]);
      const results: RunResult[] = [];
      for (const [i, { spec, bytes }] of outputs.entries()) {
        await gpu.orLost(staging[i]!.mapAsync(GPUMapMode.READ));
        const all = new Uint32Array(staging[i]!.getMappedRange().slice(0));
        const words = all.slice(0, bytes / 4);
        const guardBroken = all.subarray(bytes / 4).findIndex((bits) => bits !== NAN_BITS);
        const memory = spec.dtype === "f16" ? new Uint16Array(words.buffer) : words;
        results.push({ values: fromMemory(spec, words.buffer), memory, guardBroken });
      }
      return { ...results[0]!, ...(second ? { second: results[1]! } : {}) };
    });
  } finally {
    made.forEach((b) => b.destroy());
  }
}

/** What op.ts promises of a preparation: it writes prepared buffers alone, made of inputs alone, and nothing else writes them. */
function checkPreparation({ name, dispatches, prepared }: Variant): void {
  const refuse = ({ shader }: Dispatch, binding: string): never => {
    throw new Error(`${name}: ${shader} must not bind ${binding} so: see Preparing in op.ts`);
  };
  const each = (of: readonly Dispatch[], allowed: (ref: Ref, written: boolean) => boolean): void => {
    for (const d of of) {
      for (const { name: binding, access } of SHADERS[d.shader].buffers)
        if (!allowed(d.buffers[binding]!, access === "read_write")) refuse(d, binding);
    }
  };
  const has = (ref: Ref, key: "input" | "prepared"): boolean => typeof ref === "object" && key in ref;
  each(prepared?.dispatches ?? [], (ref, written) => has(ref, "prepared") || (has(ref, "input") && !written));
  each(dispatches, (ref, written) => !(has(ref, "prepared") && written));
}
