/** The arithmetic of profiles and of the stopwatch behind them, on a device that is made up. */
import { expect } from "chai";
import type { GpuContext } from "../../src/gpu/context.js";
import { createStopwatch } from "../../src/gpu/stopwatch.js";
import { bottleneck } from "../../src/graph/profile.js";

/** A device on which a pass takes `passNs` and each record in it `recordNs`, with a clock that goes in steps of `quantumNs`. */
function fakeGpu({ passNs, recordNs, quantumNs }: { passNs: number; recordNs: number; quantumNs: number }) {
  let records = 0;
  let now = 1e9;
  const passes: number[] = [];
  const stamps = new BigUint64Array(2);
  const step = (ns: number): bigint => BigInt(Math.floor(ns / quantumNs) * quantumNs);
  const buffer = { getMappedRange: () => stamps.slice().buffer, unmap: () => undefined, destroy: () => undefined };
  const device = {
    features: new Set(["timestamp-query"]),
    createQuerySet: () => ({ destroy: () => undefined }),
    createBuffer: () => buffer,
    createCommandEncoder: () => ({
      beginComputePass: () => ((records = 0), { end: () => undefined }),
      resolveQuerySet: () => undefined,
      copyBufferToBuffer: () => undefined,
      finish: () => undefined,
    }),
    queue: {
      submit() {
        now += 12_345;
        stamps[0] = step(now);
        now += passNs + records * recordNs;
        stamps[1] = step(now);
        passes.push(records);
      },
    },
  };
  const scoped = <T>(_: string, work: () => T): Promise<T> => Promise.resolve(work());
  const gpu = { device, limits: { maxBufferSize: 16 }, mapped: () => Promise.resolve(), scoped } as unknown as GpuContext;
  return { gpu, passes, record: () => void records++ };
}

describe("stopwatch", () => {
  const globals = globalThis as { GPUBufferUsage?: unknown };
  let before: unknown;
  beforeEach(() => {
    before = globals.GPUBufferUsage;
    globals.GPUBufferUsage ??= {};
  });
  afterEach(() => {
    globals.GPUBufferUsage = before;
  });

  it("repeats a short kernel until a coarse clock can tell its time, and says that the clock is coarse", async () => {
    const { gpu, passes, record } = fakeGpu({ passNs: 0, recordNs: 7_000, quantumNs: 65_536 });
    using stopwatch = await createStopwatch(gpu);
    const { ms, repeats } = await stopwatch.time(record, { samples: 5 });
    expect(stopwatch.quantumNs).to.equal(65_536);
    expect(repeats * 7_000).to.be.above(4.9e6);
    expect(ms).to.be.closeTo(0.007, 0.007 * 0.02);
    expect(passes.slice(-5)).to.deep.equal(Array(5).fill(repeats));
  });

  it("does not repeat a long one, nor call a fine clock coarse", async () => {
    const { gpu, passes, record } = fakeGpu({ passNs: 1_000, recordNs: 8_000_001, quantumNs: 1 });
    using stopwatch = await createStopwatch(gpu);
    expect((await stopwatch.time(record, { samples: 3 })).ms).to.be.closeTo(8.001001, 1e-9);
    expect(passes).to.deep.equal([1, 1, 1]);
    expect(stopwatch.quantumNs).to.equal(0);
  });

  it("reads once at least, and no more once the time is up", async () => {
    const { gpu, passes, record } = fakeGpu({ passNs: 0, recordNs: 1_000, quantumNs: 1 });
    using stopwatch = await createStopwatch(gpu);
    await stopwatch.time(record, { samples: 3, until: 0 });
    expect(passes).to.deep.equal([1]);
  });
});

describe("what bounds a kernel", () => {
  // 1 GFLOP a ms, 0.1 GB a ms.
  const device = { peakGflops: 1000, copyGbps: 100, launchMs: 0.01 };
  const of = (gpuMs: number, flops: number, bytes: number, dispatches = 1) =>
    bottleneck({ gpuMs, flops, bytes, dispatches }, device);

  it("is arithmetic or memory, on either side of the roofline's ridge, or launches", () => {
    expect(of(5, 1e9, 0.99e8)).to.equal("compute");
    expect(of(5, 1e9, 1.01e8)).to.equal("memory");
    expect(of(0.03, 1e6, 1e5)).to.equal("compute");
    expect(of(0.02, 1e6, 1e5)).to.equal("launch");
    expect(of(0.05, 1e6, 1e5, 3)).to.equal("launch");
  });
});
