/** The paper's nets at a sixteenth of their width: the GPU against the CPU reference in forward, loss and every gradient. */
import { expect } from "chai";
import {
  fcnLayers,
  fcnTraining,
  gradients,
  graph,
  initialWeights,
  input,
  segmentationMetrics,
  sgd,
  softmaxCrossEntropy,
  type FcnOptions,
  type Tensor,
  type Weights,
} from "../../src/index.js";
import { runReference } from "../../src/reference/index.js";
import { uniform } from "../../src/tensor/random.js";
import { testGpu } from "../harness/device.js";

interface Case extends FcnOptions {
  readonly title: string;
  readonly batch?: number;
  readonly channels?: number;
  readonly size: readonly [number, number];
}

const NETS: readonly Case[] = [
  {
    title: "FCN-8s, padding same",
    trunk: "vgg16",
    variant: "8s",
    classes: 5,
    padding: "same",
    upsampling: "learned2x",
    batch: 2,
    size: [22, 17],
  },
  {
    title: "FCN-16s, padding same, all upsampling learned",
    trunk: "vgg16",
    variant: "16s",
    classes: 3,
    padding: "same",
    upsampling: "learned",
    size: [20, 35],
  },
  { title: "FCN-32s, padding 100", trunk: "vgg16", variant: "32s", classes: 4, size: [9, 14] },
  {
    title: "FCN-LeNet-2s, minimal padding",
    trunk: "lenet",
    variant: "2s",
    classes: 11,
    padding: "minimal",
    upsampling: "learned",
    channels: 1,
    size: [29, 23],
  },
  {
    title: "FCN-GoogLeNet-8s at once, two images",
    trunk: "googlenet",
    variant: "8s-at-once",
    classes: 3,
    width: 1 / 8,
    upsampling: "learned2x",
    batch: 2,
    size: [41, 35],
  },
  {
    title: "FCN-SqueezeNet-4s, the larger of each pair of scores",
    trunk: "squeezenet",
    variant: "4s",
    classes: 5,
    width: 1 / 4,
    fusion: "max",
    upsampling: "learned",
    size: [50, 37],
  },
  {
    title: "FCN-AlexNet-32s, minimal padding",
    trunk: "alexnet-bvlc",
    variant: "32s",
    classes: 2,
    width: 1 / 48,
    padding: "minimal",
    size: [15, 23],
  },
  // With the authors' padding and frozen upsampling: their crops of the skips, 5 and 9, and of the scores.
  { title: "FCN-8s, padding 100", trunk: "vgg16", variant: "8s", classes: 3, width: 1 / 32, size: [9, 14] },
  { title: "FCN-AlexNet-32s, padding 100", trunk: "alexnet", variant: "32s", classes: 2, width: 1 / 48, size: [9, 14] },
  { title: "FCN-GoogLeNet-8s, its own padding", trunk: "googlenet", variant: "8s", classes: 3, width: 1 / 8, size: [33, 37] },
  { title: "FCN-SqueezeNet-8s, its own padding", trunk: "squeezenet", variant: "8s", classes: 3, width: 1 / 8, size: [38, 33] },
  { title: "FCN-LeNet-2s, padding 10", trunk: "lenet", variant: "2s", classes: 3, channels: 1, size: [17, 22] },
];

/** Software adapters compile a net's kernels when they first run, for a minute or more. */
const TIMEOUT_MS = 600_000;

/** Scores, both losses, and the gradient of the mean loss with respect to every parameter, as outputs of one graph. */
function withGradients({ batch = 1, channels = 3, size, ...options }: Case) {
  return graph(
    { image: input([batch, channels, ...size]), labels: input([batch, ...size], "i32") },
    ({ image, labels }): Readonly<Record<string, Tensor>> => {
      const { scores, params } = fcnLayers(image, { width: 1 / 16, ...options });
      const loss = softmaxCrossEntropy(scores, labels, { ignoreIndex: 255 });
      const lossSum = softmaxCrossEntropy(scores, labels, { ignoreIndex: 255, reduction: "sum" });
      return {
        scores,
        loss,
        lossSum,
        ...Object.fromEntries(gradients(loss, params).map((g, i) => [`gradient of ${params[i]!.name}`, g])),
      };
    },
  );
}

/** Score layers that start at zero would pass no gradient to the trunk, nor would narrow layers whose ReLUs are all shut. */
function randomWeights(weights: Weights): Weights {
  const random = uniform(5);
  return new Map(
    [...weights].map(([name, { shape, data }]) => [
      name,
      {
        shape,
        data: name.startsWith("score")
          ? data.map(() => 0.4 * (random() - 0.5))
          : name.endsWith(".bias")
            ? data.map(() => 0.2 * random())
            : data,
      },
    ]),
  );
}

function example(
  inputs: { readonly image: Tensor; readonly labels: Tensor },
  classes: number,
): { image: Float32Array; labels: Int32Array } {
  const random = uniform(11);
  const count = ({ shape }: Tensor): number => shape.reduce((n, d) => n * d, 1);
  const image = Float32Array.from({ length: count(inputs.image) }, () => 2 * random() - 1);
  const labels = Int32Array.from({ length: count(inputs.labels) }, () => (random() < 0.1 ? 255 : Math.floor(random() * classes)));
  return { image, labels };
}

/** Largest difference, as a fraction of the largest value there is. */
function difference(got: ArrayLike<number>, want: ArrayLike<number>): number {
  let [largest, off] = [0, 0];
  for (let i = 0; i < want.length; i++) {
    largest = Math.max(largest, Math.abs(want[i]!));
    off = Math.max(off, Math.abs(got[i]! - want[i]!));
  }
  return off === 0 ? 0 : off / largest;
}

describe("the paper's nets on the GPU", () => {
  it("start from all-zero scores: class 0 everywhere, a loss of ln 21 a pixel and a mean accuracy of 1/21", async () => {
    const net = fcnTraining({ trunk: "vgg16", variant: "8s", classes: 21, width: 1 / 16, padding: "same", size: [19, 26] });
    const inputs = example(net.inputs, 21);
    using program = await (await testGpu()).compile(net);
    const { loss, lossSum, prediction } = await program.run(inputs);
    const pixels = inputs.labels.filter((label) => label !== 255).length;
    expect(loss[0]).to.be.closeTo(Math.log(21), 1e-5);
    expect(lossSum[0]).to.be.closeTo(pixels * Math.log(21), 1e-5 * pixels);
    expect(prediction.every((label) => label === 0)).to.equal(true);
    const counts = new Int32Array(21 * 21);
    inputs.labels.forEach((label, i) => {
      if (label !== 255) counts[21 * label + prediction[i]!]!++;
    });
    expect(new Set(inputs.labels).size, "classes, and void").to.equal(22);
    expect(segmentationMetrics(counts).meanAccuracy).to.be.closeTo(1 / 21, 1e-12);
  }).timeout(TIMEOUT_MS);

  for (const net of NETS) {
    it(`give the reference's scores, losses and gradients: ${net.title}`, async () => {
      const training = withGradients(net);
      const weights = randomWeights(initialWeights(training));
      const inputs = example(training.inputs, net.classes);
      using program = await (await testGpu()).compile(training);
      await program.load(weights);
      const got = await program.run(inputs);
      const want = runReference(training, weights, inputs);
      expect(Object.keys(want).length).to.equal(training.params.length + 3);
      for (const name of Object.keys(want)) expect(difference(got[name]!, want[name]!), name).to.be.below(1e-4);
      // A gradient of nothing but zeros would agree too.
      for (const name of Object.keys(want))
        expect(
          want[name]!.some((v) => v !== 0),
          name,
        ).to.equal(true);
    }).timeout(TIMEOUT_MS);
  }

  it("leave frozen upsampling as it is in training, and move the rest", async () => {
    const net = fcnTraining({ trunk: "lenet", variant: "2s", classes: 3, width: 0.2, size: [28, 28] });
    const inputs = example(net.inputs, 3);
    using program = await (await testGpu()).compile(net);
    const before = await program.save();
    const batches = Array.from({ length: 3 }, () => inputs);
    for await (const { loss } of program.train(batches, {
      loss: "loss",
      optimizer: sgd({ learningRate: 0.01, momentum: 0.9, weightDecay: 5e-4 }),
    }))
      expect(loss).to.be.a("number");
    for (const [name, { data }] of await program.save()) {
      const isUnchanged = data.every((v, i) => v === before.get(name)!.data[i]);
      expect(isUnchanged, name).to.equal(name.startsWith("up"));
    }
  }).timeout(TIMEOUT_MS);
});
