/** A GPU that is not there, too small, or lost in the middle: typed errors, nothing hangs, nothing is left behind. */
import { expect } from "chai";
import { openContext } from "../../src/gpu/context.js";
import { GpuValidationError } from "../../src/gpu/errors.js";
import { createPipelineCache } from "../../src/gpu/pipelines.js";
import {
  DeviceLostError,
  DisposedError,
  GpuUnavailableError,
  KernelCompileError,
  OutOfMemoryError,
  conv2d,
  graph,
  heNormal,
  input,
  openGpu,
  param,
  sgd,
  softmax,
  type Gpu,
} from "../../src/index.js";
import { countingDevice } from "../harness/counting-device.js";
import { countingGpu, testGpu } from "../harness/device.js";
import { drain, rejects } from "../harness/rejects.js";
import { toyFcn, toyInputs } from "../harness/toy-nets.js";

const optimizer = sgd({ learningRate: 0.1 });
const net = toyFcn();
const good = toyInputs(net);

/** Opens a Gpu where this is the adapter that there is. */
async function openOn(adapter: Partial<GPUAdapter> | null): Promise<Gpu> {
  const navigatorBefore = Object.getOwnPropertyDescriptor(globalThis, "navigator");
  Object.defineProperty(globalThis, "navigator", {
    value: { gpu: { requestAdapter: () => Promise.resolve(adapter) } },
    configurable: true,
  });
  try {
    return await openGpu();
  } finally {
    if (navigatorBefore) Object.defineProperty(globalThis, "navigator", navigatorBefore);
    else delete (globalThis as { navigator?: unknown }).navigator;
  }
}

describe("a device that is not there, or no longer", () => {
  it("no adapter", async () => {
    await rejects(openOn(null), GpuUnavailableError, /no adapter/);
  });
  it("an error that no scope caught ends what is waited for, and nothing after it", async () => {
    const host = await openGpu();
    const { features, limits, adapterInfo: info } = host.device;
    let emit: (event: { error: { message: string } }) => void = () => undefined;
    const device = new Proxy(countingDevice(host.device).device, {
      get(target, key) {
        if (key === "addEventListener")
          return (type: string, listener: typeof emit) => {
            if (type === "uncapturederror") emit = listener;
          };
        return Reflect.get(target, key, target) as unknown;
      },
    });
    const gpu = await openOn({ features, limits, info, requestDevice: () => Promise.resolve(device) });
    const program = await gpu.compile(net);
    const want = await program.run(good);
    class GPUOutOfMemoryError {
      readonly message = "no room for anything";
    }
    const text = (message: string) => new RegExp(`reported an error that no error scope caught \\(${message}\\): results`);
    for (const [error, type] of [
      [new GPUOutOfMemoryError(), OutOfMemoryError],
      [{ message: "no such buffer" }, GpuValidationError],
    ] as const) {
      const running = program.run(good);
      emit({ error });
      await rejects(running, type, text(error.message));
      expect((await program.run(good)).loss).to.deep.equal(want.loss);
    }
    gpu[Symbol.dispose]();
    host[Symbol.dispose]();
  });
  it("limits beyond the adapter's, or unknown", async () => {
    await rejects(
      openGpu({ limits: { maxBufferSize: 2 ** 45 } }),
      GpuUnavailableError,
      /limits.maxBufferSize is 35184372088832 but the adapter gives at most/,
    );
    await rejects(openGpu({ limits: { maxBuffers: 1 } as never }), GpuUnavailableError, /limits.maxBuffers is not a limit/);
    await rejects(openGpu({ limits: { maxBufferSize: 0 } }), GpuUnavailableError, /use a positive integer/);
  });
  it("a tensor that the device cannot bind, by name", async () => {
    const { gpu, host, counting } = await countingGpu({ limits: { maxStorageBufferBindingSize: 4096 } });
    const wide = graph({ scores: input([64, 64]) }, ({ scores }) => ({ p: softmax(scores, { axes: [0, 1] }) }));
    await rejects(gpu.compile(wide), OutOfMemoryError, /softmax \[64, 64\] takes 16384 bytes but the device binds at most 4096/);
    expect(counting.counts.liveBuffers, "buffers left behind").to.equal(0);
    gpu[Symbol.dispose]();
    host[Symbol.dispose]();
  });
  it("a kernel that does not compile", async () => {
    const context = await openContext();
    const broken = {
      code: "// broken\n@compute @workgroup_size(1)\nfn main() {\n  let x: u32 = 1.5;\n}\n",
      constants: {},
      buffers: [],
      paramsBytes: 16,
    };
    await rejects(
      createPipelineCache(context).kernel("broken.direct", broken, {}),
      KernelCompileError,
      /shaders\/broken\.direct\.wgsl:4:\d+: [^]*> 4 \| {3}let x: u32 = 1\.5;/,
    );
    const brokenPart = {
      ...broken,
      code: `// broken\n// @part shared:20\nfn f() {\n  let y: u32 = 2.5;\n}\n// @end\n${broken.code.replace("1.5", "1u")}`,
    };
    await rejects(
      createPipelineCache(context).kernel("broken.direct", brokenPart, {}),
      KernelCompileError,
      /shaders\/parts\/shared\.wgsl:21:\d+: [^]*\(in broken\.direct\)\n[^]*> 21 \| {3}let y: u32 = 2\.5;/,
    );
    context.dispose();
  });
  it("a device lost in the middle of a run and of training", async () => {
    const gpu = await openGpu();
    const program = await gpu.compile(net);
    await program.run(good);
    const running = program.run(good);
    gpu.device.destroy();
    await rejects(running, DeviceLostError, /was lost/);
    expect(await gpu.lost).to.be.instanceOf(DeviceLostError);
    await rejects(
      Promise.resolve().then(() => program.run(good)),
      DeviceLostError,
      /resume from a checkpoint/,
    );
    gpu[Symbol.dispose]();

    const second = await openGpu();
    const trained = await second.compile(net);
    const loop = trained.train([good, good, good], { loss: "loss", optimizer });
    await loop.next();
    second.device.destroy();
    await rejects(drain(loop), DeviceLostError, /was lost/);
    second[Symbol.dispose]();
  });
  it("use after dispose", async () => {
    const gpu = await openGpu();
    const program = await gpu.compile(net);
    program[Symbol.dispose]();
    program[Symbol.dispose]();
    await rejects(
      Promise.resolve().then(() => program.run(good)),
      DisposedError,
      /program was disposed/,
    );
    await rejects(
      Promise.resolve().then(() => program.save()),
      DisposedError,
      /program was disposed/,
    );
    expect(() => program.train([good], { loss: "loss", optimizer })).to.throw(DisposedError);
    gpu[Symbol.dispose]();
    await rejects(gpu.compile(net), DisposedError, /Gpu was disposed/);
  });
  it("an aborted compile leaves nothing behind", async () => {
    const { gpu, host, counting } = await countingGpu();
    const signal = AbortSignal.abort(new Error("stop"));
    await rejects(gpu.compile(net, { signal }), Error, /stop/);
    expect(counting.counts.liveBuffers).to.equal(0);
    gpu[Symbol.dispose]();
    host[Symbol.dispose]();
  });
  it("an aborted training loop ends after its step", async () => {
    using program = await (
      await testGpu()
    ).compile(graph({ x: input([1, 1, 2, 2]) }, ({ x }) => ({ y: conv2d(x, param("w", [1, 1, 2, 2], heNormal()), null) })));
    const controller = new AbortController();
    let steps = 0;
    for await (const { step } of program.train(Array(50).fill({ x: Float32Array.of(1, 2, 3, 4) }), {
      loss: "y",
      optimizer: sgd({ learningRate: 1e-3 }),
      signal: controller.signal,
    })) {
      steps = step;
      if (step === 3) controller.abort();
    }
    expect(steps).to.equal(3);
  });
});
