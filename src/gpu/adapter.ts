/** Where a GPUAdapter comes from: the browser's (or Deno's) navigator.gpu, else Dawn in Node through the optional package `webgpu`. */
import { GpuUnavailableError } from "./errors.js";

export interface FoundAdapter {
  readonly adapter: GPUAdapter;
  /** Dawn in Node polls on the main thread while a promise is pending: it takes a core that a software adapter needs. */
  readonly busyWaits: boolean;
  /** Must stay referenced as long as its devices are used: Dawn in Node goes down with the object that made them. */
  readonly instance: GPU;
}

/** Throws GpuUnavailableError: "no-webgpu" where there is no entry point, "no-adapter" where it finds no driver. */
export async function adapterFromEnvironment(options: GPURequestAdapterOptions): Promise<FoundAdapter> {
  const platform = (globalThis.navigator as Navigator | undefined)?.gpu;
  const gpu = platform ?? (await dawnInNode());
  const adapter = await gpu.requestAdapter(options);
  if (!adapter) {
    throw new GpuUnavailableError(
      "no-adapter",
      "WebGPU found no adapter: install a GPU driver (on Linux a Vulkan one), or a software one (mesa-vulkan-drivers 25 or newer); `npm run doctor` in the engine's repository shows what is there",
    );
  }
  return { adapter, busyWaits: platform === undefined, instance: gpu };
}

async function dawnInNode(): Promise<GPU> {
  const { process } = globalThis as { process?: { versions?: { node?: string } } };
  if (process?.versions?.node === undefined) {
    throw new GpuUnavailableError(
      "no-webgpu",
      "this browser has no WebGPU (navigator.gpu is missing): use a current Chrome, Edge, Firefox or Safari, on https or localhost",
    );
  }
  // The name is kept from bundlers: browsers never get here, and the package is an optional peer.
  const packageName = "webgpu";
  let dawn: { create(flags: string[]): GPU; globals: object };
  try {
    dawn = (await import(/* @vite-ignore */ packageName)) as typeof dawn;
  } catch {
    throw new GpuUnavailableError("no-webgpu", "Node has no WebGPU of its own: add the optional peer with `npm install webgpu`");
  }
  Object.assign(globalThis, dawn.globals);
  return dawn.create([]);
}
