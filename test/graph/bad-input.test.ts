/** Bad input never corrupts, hangs or crashes: a typed error that says what to do, and the engine works on. */
import { expect } from "chai";
import { openContext } from "../../src/gpu/context.js";
import { createPipelineCache } from "../../src/gpu/pipelines.js";
import {
  DeviceLostError,
  DisposedError,
  GpuUnavailableError,
  InputError,
  KernelCompileError,
  OutOfMemoryError,
  ShapeError,
  WeightsError,
  add,
  conv2d,
  graph,
  heNormal,
  initialWeights,
  input,
  openGpu,
  param,
  sgd,
  softmax,
  zeros,
  type Program,
} from "../../src/index.js";
import { countingGpu, testGpu } from "../harness/device.js";
import { toyFcn, toyInputs } from "../harness/toy-nets.js";

type ErrorClass = abstract new (...args: never[]) => Error;

async function rejects(work: Promise<unknown>, type: ErrorClass, message: RegExp): Promise<void> {
  const error = await work.then(
    () => undefined,
    (e: unknown) => e,
  );
  expect(error, "the call should have been rejected").to.be.instanceOf(type);
  expect((error as Error).message).to.match(message);
}

/** All steps of a training loop, so that its errors surface. */
async function drain(loop: AsyncGenerator<unknown>): Promise<void> {
  while (!(await loop.next()).done);
}

const optimizer = sgd({ learningRate: 0.1 });
const net = toyFcn();
const good = toyInputs(net);

describe("bad input, when the graph is built", () => {
  const x = input([1, 3, 8, 8]);
  const cases: [string, () => unknown, RegExp][] = [
    [
      "channels that differ",
      () => conv2d(x, param("w", [16, 4, 3, 3], zeros()), null),
      /conv2d: input has 3 channels but weight expects 4 \(x is \[1, 3, 8, 8\], weight is \[16, 4, 3, 3\]\)/,
    ],
    ["shapes that do not broadcast", () => add(x, input([1, 3, 7, 8])), /add: .*\[1, 3, 8, 8\].*\[1, 3, 7, 8\]/],
    ["an empty shape", () => input([0, 3]), /input: shape \[0, 3\]/],
    ["an integer where floats belong", () => softmax(input([2, 3], "i32")), /softmax: .*i32/],
    ["a parameter without a name", () => param("", [1], zeros()), /param: the name is empty/],
    [
      "two parameters of one name",
      () => graph({ x }, ({ x: t }) => ({ y: add(add(t, param("b", [1], zeros())), param("b", [1], zeros())) })),
      /two parameters are called b/,
    ],
    [
      "a tensor from outside",
      () => graph({ a: input([1]) }, ({ a }) => ({ y: add(a, input([1])) })),
      /not among the graph's inputs/,
    ],
    [
      "an input that nothing uses",
      () => graph({ a: input([1]), b: input([1]) }, ({ a }) => ({ y: add(a, a) })),
      /no output depends on input b/,
    ],
  ];
  for (const [name, build, message] of cases) it(name, () => expect(build).to.throw(ShapeError, message));

  it("optimiser settings out of range", () => {
    expect(() => sgd({ learningRate: NaN })).to.throw(InputError, /learningRate is NaN/);
    expect(() => sgd({ learningRate: 1, momentum: 1 })).to.throw(InputError, /momentum is 1/);
    expect(() => sgd({ learningRate: 1, accumulate: 0 })).to.throw(InputError, /accumulate is 0/);
  });
});

describe("bad input, when a program is used", () => {
  let program: Program<typeof net.inputs, typeof net.outputs>;
  before(async () => {
    program = await (await testGpu()).compile(net);
  });
  after(() => program[Symbol.dispose]());
  // After every rejected call the same program still gives its result.
  let result: unknown;
  afterEach(async () => {
    const { logits } = await program.run(good);
    result ??= logits;
    expect(logits).to.deep.equal(result);
  });

  it("a missing input", () =>
    rejects(program.run({ image: good.image } as never), InputError, /input labels \[2, 13, 11\] is missing/));
  it("an extra input", () =>
    rejects(
      program.run({ ...good, mask: good.image } as never),
      InputError,
      /there is no input mask: the inputs are image, labels/,
    ));
  it("too few values", () =>
    rejects(
      program.run({ ...good, image: new Float32Array(3) }),
      InputError,
      /input image: 3 values were given but \[2, 3, 13, 11\] takes 858; for another size/,
    ));
  it("another dtype", () =>
    rejects(
      program.run({ ...good, labels: new Float32Array(286) }),
      InputError,
      /input labels is i32 but a Float32Array was given/,
    ));
  it("something that is no data", () =>
    rejects(program.run({ ...good, image: "cat.png" as never }), InputError, /input image: expected a typed array/));
  it("another rank", () =>
    rejects(
      program.run({ ...good, image: { data: good.image, shape: [858] } }),
      InputError,
      /rank 1 but the graph's \[2, 3, 13, 11\] has 4/,
    ));
  it("other channels", () =>
    rejects(
      program.run({ ...good, image: { data: new Float32Array(2 * 4 * 143), shape: [2, 4, 13, 11] } }),
      InputError,
      /4 channels but the graph's/,
    ));
  it("a size that the net cannot take", () =>
    rejects(
      program.run({
        image: { data: new Float32Array(6), shape: [2, 3, 1, 1] },
        labels: { data: new Int32Array(4), shape: [2, 1, 2] },
      }),
      Error,
      /./,
    ));
  it("a label out of range", () => {
    const labels = good.labels.slice();
    labels[17] = 9;
    return rejects(program.run({ ...good, labels }), InputError, /input labels: label 9 at index 17 .*4/);
  });
  it("an output that is not there", () =>
    rejects(program.run(good, { outputs: ["scores" as never] }), InputError, /no output scores: the outputs are logits, loss/));
  it("a loss that is not there, or not a scalar", async () => {
    await rejects(drain(program.train([good], { loss: "los" as never, optimizer })), InputError, /no output los/);
    await rejects(drain(program.train([good], { loss: "logits", optimizer })), InputError, /must be an f32 scalar/);
  });
  it("batches that do not fit, in the middle of training", async () => {
    using trained = await (await testGpu()).compile(net);
    const seen: number[] = [];
    const loop = trained.train([good, { image: good.image } as never], { loss: "loss", optimizer });
    await rejects(
      (async () => {
        for await (const { step } of loop) seen.push(step);
      })(),
      InputError,
      /input labels .* is missing/,
    );
    expect(seen).to.deep.equal([1]);
    expect((await trained.run(good)).loss[0]).to.be.a("number");
  });
  it("two training loops at once", async () => {
    using trained = await (await testGpu()).compile(net);
    const first = trained.train([good, good], { loss: "loss", optimizer });
    await first.next();
    await rejects(drain(trained.train([good], { loss: "loss", optimizer })), InputError, /training already/);
    await drain(first);
  });

  const weightsWith = (
    change: (data: Float32Array, shape: readonly number[]) => { data: Float32Array; shape: readonly number[] },
  ) => {
    const weights = new Map(initialWeights(net));
    const { data, shape } = weights.get("conv2.weight")!;
    weights.set("conv2.weight", change(data.slice(), shape));
    return weights;
  };
  it("weights that are NaN", () =>
    rejects(
      program.load(weightsWith((data, shape) => ({ data: data.fill(NaN, 5, 6), shape }))),
      WeightsError,
      /conv2.weight holds NaN at index 5/,
    ));
  it("weights of another shape", () =>
    rejects(
      program.load(weightsWith((data) => ({ data, shape: [data.length] }))),
      WeightsError,
      /conv2.weight has shape \[432\] but the graph expects \[8, 6, 3, 3\]/,
    ));
  it("missing weights", async () => {
    const weights = new Map(initialWeights(net));
    weights.delete("score.bias");
    weights.set("scores.bias", { shape: [5], data: new Float32Array(5) });
    await rejects(program.load(weights), WeightsError, /no weights for score.bias.*unused: scores.bias/);
    const report = await program.load(weights, { strict: false });
    expect([report.missing, report.unused]).to.deep.equal([["score.bias"], ["scores.bias"]]);
  });
  it("a damaged checkpoint, or one of another seed", async () => {
    const { bytes } = await program.checkpoint();
    await rejects(program.resume({ bytes: bytes.slice(0, 100) }), WeightsError, /safetensors: the header claims/);
    await rejects(program.resume({ bytes: new Uint8Array(3) }), WeightsError, /too few/);
    await rejects(program.resume({ bytes: bytes.slice(0, bytes.length - 8) }), WeightsError, /takes bytes/);
    using other = await (await testGpu()).compile(net, { seed: 2 });
    await rejects(other.resume({ bytes }), WeightsError, /made with seed 1 but this program has 2/);
  });
});

describe("a device that is not there, or no longer", () => {
  it("no adapter", async () => {
    const navigatorBefore = Object.getOwnPropertyDescriptor(globalThis, "navigator");
    Object.defineProperty(globalThis, "navigator", {
      value: { gpu: { requestAdapter: () => Promise.resolve(null) } },
      configurable: true,
    });
    try {
      await rejects(openGpu(), GpuUnavailableError, /no adapter/);
    } finally {
      if (navigatorBefore) Object.defineProperty(globalThis, "navigator", navigatorBefore);
      else delete (globalThis as { navigator?: unknown }).navigator;
    }
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
