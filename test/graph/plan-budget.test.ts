/** Training on photos of many sizes: which plans stay, and what happens where the device has no room for another. */
import { expect } from "chai";
import { openGpu, OutOfMemoryError, sgd, type Gpu } from "../../src/index.js";
import { countingDevice, type CountingDevice } from "../harness/counting-device.js";
import { toyFcn } from "../harness/toy-nets.js";

const net = toyFcn();
type Batch = {
  readonly image: { data: Float32Array; shape: readonly number[] };
  readonly labels: { data: Int32Array; shape: readonly number[] };
};

/** A device that counts, and says that it is out of memory when it is next asked, as often as `refusals` says. */
async function shortDevice(): Promise<{ gpu: Gpu; host: Gpu; counting: CountingDevice; refuse: (times: number) => void }> {
  const host = await openGpu();
  const counting = countingDevice(host.device);
  const scopes: GPUErrorFilter[] = [];
  let refusals = 0;
  const device = new Proxy(counting.device, {
    get(target, key) {
      if (key === "pushErrorScope")
        return (filter: GPUErrorFilter) => {
          scopes.push(filter);
          target.pushErrorScope(filter);
        };
      if (key === "popErrorScope")
        return async () => {
          const isRefused = scopes.pop() === "out-of-memory" && refusals > 0;
          if (isRefused) refusals--;
          const error = await target.popErrorScope();
          return isRefused ? { message: "no room, the test says" } : error;
        };
      return Reflect.get(target, key, target) as unknown;
    },
  });
  return { gpu: await openGpu({ device }), host, counting, refuse: (times) => void (refusals = times) };
}

function batchOf(height: number, width: number): Batch {
  const [, channels] = net.inputs.image.shape as readonly [number, number];
  const pixels = height * width;
  return {
    image: { data: Float32Array.from({ length: channels * pixels }, (_, i) => Math.sin(i)), shape: [1, channels, height, width] },
    labels: { data: Int32Array.from({ length: pixels }, (_, i) => i % 3), shape: [1, height, width] },
  };
}

const optimizer = sgd({ learningRate: 0.01, momentum: 0.9 });

describe("plans of many sizes", () => {
  it("keeps the size that comes most often within the budget, and no more bytes than that", async () => {
    const { gpu, host, counting } = await shortDevice();
    const heights = [24, 28, 24, 32, 24, 36, 24];
    const largest = async (): Promise<number> => {
      const program = await gpu.compile(net);
      const { transientBytes } = await program.trainingPlan("loss", { image: batchOf(36, 24).image.shape, labels: [1, 36, 24] });
      program[Symbol.dispose]();
      return transientBytes;
    };
    // Two plans of any size fit, three do not.
    const program = await gpu.compile(net, { planBudgetBytes: 2.2 * (await largest()) });
    const made: number[] = [];
    const before = (): number => counting.labels.filter((label) => label.startsWith("transient")).length;
    let at = before();
    for await (const _ of program.train(
      heights.map((h) => batchOf(h, 24)),
      { loss: "loss", optimizer },
    )) {
      made.push(before() - at);
      at = before();
    }
    expect(made.map((n) => n > 0)).to.deep.equal([true, true, false, true, false, true, false]);
    program[Symbol.dispose]();
    gpu[Symbol.dispose]();
    host[Symbol.dispose]();
  });

  it("drops the others and tries again where the device has no room, to the same losses; and leaves nothing behind where that fails", async () => {
    const { gpu, host, counting, refuse } = await shortDevice();
    const batches = [24, 28, 32, 36].map((height) => batchOf(height, 24));
    const train = async (onStep: (step: number) => void): Promise<number[]> => {
      using program = await gpu.compile(net, { seed: 3 });
      const losses: number[] = [];
      for await (const { step, loss } of program.train(batches, { loss: "loss", optimizer })) {
        losses.push(loss!);
        onStep(step);
      }
      return losses;
    };
    const want = await train(() => undefined);
    let [most, after] = [0, 0];
    const got = await train((step) => {
      if (step === 3) [most] = [counting.counts.liveBytes, refuse(1)];
      if (step === 4) after = counting.counts.liveBytes;
    });
    expect(got).to.deep.equal(want);
    expect(after, "three plans went, one came").to.be.below(most);

    let live = 0;
    let error: unknown;
    try {
      await train((step) => {
        if (step === 3) [live] = [counting.counts.liveBuffers, refuse(2)];
      });
    } catch (e) {
      error = e;
    }
    expect(error).to.be.instanceOf(OutOfMemoryError);
    expect((error as Error).message).to.include("no room, the test says");
    expect(counting.counts.liveBuffers).to.be.below(live);
    expect(counting.counts.liveBuffers, "the failed plans, and the program").to.equal(0);
    gpu[Symbol.dispose]();
    host[Symbol.dispose]();
  });
});
