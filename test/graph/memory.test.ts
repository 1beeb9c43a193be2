/** Transient memory against the liveness bound, and training within tiny limits, on the nets of this repository. */
import { expect } from "chai";
import { fcn, fcnTraining, initialWeights, sgd, type Gpu, type Plan } from "../../src/index.js";
import { countingGpu, testGpu } from "../harness/device.js";

const optimizer = sgd({ learningRate: 0.01, momentum: 0.9 });

function near(plan: Plan, most: number, what: string): void {
  const ratio = plan.transientBytes / plan.transientLowerBoundBytes;
  expect(ratio, `${what}: transient bytes over the liveness bound`).to.be.within(1, most);
}

describe("memory of the nets", () => {
  const nets = [
    { trunk: "lenet", variant: "4s", classes: 11, size: [53, 61] },
    { trunk: "lenet", variant: "2s", classes: 11, size: [64, 64] },
    { trunk: "alexnet", variant: "32s", classes: 21, size: [97, 129], width: 1 / 8 },
    { trunk: "vgg16", variant: "32s", classes: 21, size: [64, 64], width: 1 / 16, padding: "same" },
    { trunk: "vgg16", variant: "16s", classes: 21, size: [64, 96], width: 1 / 16, padding: "same" },
    { trunk: "vgg16", variant: "8s", classes: 21, size: [120, 160], width: 1 / 16, padding: "same" },
  ] as const;
  for (const options of nets) {
    it(`${options.trunk} ${options.variant}: at most 1.15 of the bound in inference, 1.3 in training`, async () => {
      const gpu = await testGpu();
      using inference = await gpu.compile(fcn(options));
      near(inference.plan, 1.15, "inference");
      using training = await gpu.compile(fcnTraining(options));
      near(await training.trainingPlan("loss"), 1.3, "training");
    });
  }

  it("trains the LeNet FCN within bindings and buffers of 1 MiB, to the same losses", async () => {
    const net = fcnTraining({ trunk: "lenet", variant: "2s", classes: 11, size: [40, 44], batch: 4 });
    const image = Float32Array.from({ length: 4 * 40 * 44 }, (_, i) => Math.sin(i * 0.37));
    const labels = Int32Array.from({ length: 4 * 40 * 44 }, (_, i) => Math.floor(i / 97) % 11);
    const weights = initialWeights(net, 3);
    const losses = async (gpu: Gpu): Promise<number[]> => {
      using program = await gpu.compile(net);
      await program.load(weights);
      const out: number[] = [];
      for await (const { loss } of program.train(Array(3).fill({ image, labels }), { loss: "loss", optimizer })) out.push(loss!);
      return out;
    };
    const want = await losses(await testGpu());
    const { gpu, host, counting } = await countingGpu({
      limits: { maxStorageBufferBindingSize: 2 ** 20, maxBufferSize: 2 ** 20 },
    });
    const got = await losses(gpu);
    expect(counting.counts.largestBinding).to.be.at.most(2 ** 20);
    expect(counting.counts.largestBuffer).to.be.at.most(2 ** 20);
    // Sums over pieces round in another order: a few units in the last place of a float32 mean, grown over three steps.
    got.forEach((loss, i) => expect(loss).to.be.closeTo(want[i]!, 2e-5 * Math.abs(want[i]!)));
    gpu[Symbol.dispose]();
    host[Symbol.dispose]();
  }).timeout(180_000);
});
