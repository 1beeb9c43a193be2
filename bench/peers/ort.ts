/** ONNX Runtime Web, on WebGPU and on WebAssembly. Forward only. Its bundles are loaded as they are: they start workers from their own address. */
import type { Engine, EngineHost, Prepared } from "../engine.js";
import { serveEngine } from "../session.js";
import { onnxModel } from "./onnx.js";

/** Of onnxruntime-web, what is used here. */
interface Ort {
  readonly env: {
    readonly versions: { readonly web?: string; readonly common?: string };
    readonly wasm: { wasmPaths: string; numThreads: number };
    readonly webgpu: { readonly device: Promise<GPUDevice> };
  };
  readonly InferenceSession: { create(model: Uint8Array, options: object): Promise<OrtSession> };
  readonly Tensor: {
    new (type: "float32", values: Float32Array, shape: readonly number[]): OrtTensor;
    fromGpuBuffer(buffer: GPUBuffer, options: { readonly dataType: "float32"; readonly dims: readonly number[] }): OrtTensor;
  };
}
interface OrtSession {
  run(feeds: Readonly<Record<string, OrtTensor>>): Promise<Readonly<Record<string, OrtTensor>>>;
  release(): Promise<void>;
}
interface OrtTensor {
  getData(): Promise<Float32Array>;
  dispose(): void;
}

/** A page that is not cross-origin isolated has no shared memory. */
const THREADS = globalThis.crossOriginIsolated ? 2 : 1;
const FOLDER = "onnxruntime-web/dist/";

export const main = serveEngine({ "ort-webgpu": ortWeb("webgpu"), "ort-wasm": ortWeb("wasm") });

function ortWeb(provider: "webgpu" | "wasm"): Engine {
  let host: EngineHost;
  let ort: Ort;
  return {
    webgpu: provider === "webgpu",
    cannot: ({ kind }) => (kind === "forward" ? null : "the package has no gradients and no training"),
    async open(opened) {
      host = opened;
      const bundle = `${host.packages}${FOLDER}ort.${provider}.bundle.min.mjs`;
      ort = (await import(bundle)) as Ort;
      ort.env.wasm.wasmPaths = host.packages + FOLDER;
      ort.env.wasm.numThreads = THREADS;
      const { web, common } = ort.env.versions;
      return `onnxruntime-web ${web ?? common}, ${provider}${provider === "wasm" ? `, ${THREADS} ${THREADS === 1 ? "thread" : "threads"}` : ""}`;
    },
    async prepare({ net }, data): Promise<Prepared> {
      const notes: string[] = [];
      const session = await createSession(ort, onnxModel(net, data.weights), provider, notes);
      const shape = [1, ...net.input];
      const resident = provider === "webgpu" ? bufferOf(await ort.env.webgpu.device, data.x) : null;
      const x = resident
        ? ort.Tensor.fromGpuBuffer(resident, { dataType: "float32", dims: shape })
        : new ort.Tensor("float32", data.x, shape);
      return {
        notes,
        async run() {
          const { [net.output]: output } = await session.run({ x });
          await host.finished();
          return { read: async () => Float32Array.from(await output!.getData()), release: () => output!.dispose() };
        },
        async release() {
          await session.release();
          resident?.destroy();
        },
      };
    },
  };
}

/** On WebGPU first without leave to fall back to the CPU: where it does, the report says so. */
async function createSession(ort: Ort, model: Uint8Array, provider: string, notes: string[]): Promise<OrtSession> {
  const options = { executionProviders: [provider], graphOptimizationLevel: "all" };
  if (provider !== "webgpu") return await ort.InferenceSession.create(model, options);
  const onGpu = { ...options, preferredOutputLocation: "gpu-buffer" };
  try {
    const extra = { session: { disable_cpu_ep_fallback: "1" } };
    return await ort.InferenceSession.create(model, { ...onGpu, extra });
  } catch (error) {
    notes.push(`part of the net runs on the CPU: ${String(error).slice(0, 300)}`);
    return await ort.InferenceSession.create(model, onGpu);
  }
}

function bufferOf(device: GPUDevice, values: Float32Array): GPUBuffer {
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
  const buffer = device.createBuffer({ size: values.byteLength, usage });
  device.queue.writeBuffer(buffer, 0, values as Float32Array<ArrayBuffer>);
  return buffer;
}
