/** Pipelines and bind group layouts, built once per specialised shader and shared by every plan on the device. */
import type { GpuContext } from "./context.js";
import { KernelCompileError } from "./errors.js";
import { sourceLine } from "./source-line.js";
import { specialize, type ShaderSource } from "./specialize.js";

export interface ShaderModule extends ShaderSource {
  readonly buffers: readonly {
    readonly name: string;
    readonly binding: number;
    readonly access: "read" | "read_write";
    readonly elementBytes: number;
  }[];
  readonly paramsBytes: number;
}

export interface Kernel {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

export interface PipelineCache {
  /** `halves`: buffers that hold f16. Throws KernelCompileError. The same shader, constants and halves give the same promise. */
  kernel(
    name: string,
    shader: ShaderModule,
    constants: Readonly<Record<string, number | boolean>>,
    halves?: readonly string[],
  ): Promise<Kernel>;
}

export function createPipelineCache(gpu: GpuContext): PipelineCache {
  const kernels = new Map<string, Promise<Kernel>>();
  const layouts = new Map<string, GPUBindGroupLayout>();

  function layoutFor(shader: ShaderModule, halves: readonly string[]): GPUBindGroupLayout {
    const leastBytes = (b: ShaderModule["buffers"][number]): number => b.elementBytes / (halves.includes(b.name) ? 2 : 1);
    const key = JSON.stringify([shader.paramsBytes, shader.buffers.map((b) => [b.access, leastBytes(b)])]);
    let layout = layouts.get(key);
    if (!layout) {
      layout = gpu.device.createBindGroupLayout({
        entries: [
          { binding: 0, visibility: 4, buffer: { type: "uniform", minBindingSize: shader.paramsBytes } },
          ...shader.buffers.map((b) => ({
            binding: b.binding,
            visibility: 4, // GPUShaderStage.COMPUTE, which Node lacks as a global until Dawn is loaded
            buffer: {
              type: b.access === "read" ? ("read-only-storage" as const) : ("storage" as const),
              minBindingSize: leastBytes(b),
            },
          })),
        ],
      });
      layouts.set(key, layout);
    }
    return layout;
  }

  async function build(
    name: string,
    shader: ShaderModule,
    constants: Readonly<Record<string, number | boolean>>,
    halves: readonly string[],
  ): Promise<Kernel> {
    const { code, overrides } = specialize(shader, constants, halves);
    const layout = layoutFor(shader, halves);
    gpu.device.pushErrorScope("validation"); // a shader that does not parse is reported below, with its source
    const module = gpu.device.createShaderModule({ label: name, code });
    void gpu.device.popErrorScope().catch(() => undefined);
    try {
      const pipeline = await gpu.device.createComputePipelineAsync({
        label: name,
        layout: gpu.device.createPipelineLayout({ bindGroupLayouts: [layout] }),
        compute: { module, entryPoint: "main", constants: { ...overrides } },
      });
      return { pipeline, layout };
    } catch (cause) {
      gpu.assertUsable();
      const { messages } = await module.getCompilationInfo();
      const found = messages.filter((m) => m.type === "error").map((m) => quote(name, code, m));
      throw new KernelCompileError(
        found.length > 0 ? found.join("\n") : `shaders/${name}.wgsl does not make a pipeline: ${String(cause)}`,
        { cause },
      );
    }
  }

  return {
    kernel(name, shader, constants, halves = []) {
      const key = `${name} ${JSON.stringify([Object.entries(constants).sort(), halves])}`;
      let kernel = kernels.get(key);
      if (!kernel) {
        kernel = gpu.orLost(build(name, shader, constants, halves));
        kernels.set(key, kernel);
        kernel.catch(() => kernels.delete(key));
      }
      return kernel;
    },
  };
}

function quote(name: string, code: string, message: GPUCompilationMessage): string {
  const lines = code.split("\n");
  const { file, line: lineOfFile } = sourceLine(name, code, message.lineNum);
  const from = Math.max(0, message.lineNum - 3);
  const context = lines
    .slice(from, message.lineNum + 1)
    .map(
      (line, i) => `  ${from + i + 1 === message.lineNum ? ">" : " "} ${from + i + 1 - message.lineNum + lineOfFile} | ${line}`,
    );
  const user = file === `shaders/${name}.wgsl` ? "" : ` (in ${name})`;
  return `${file}:${lineOfFile}:${message.linePos}: ${message.message}${user}\n${context.join("\n")}`;
}
