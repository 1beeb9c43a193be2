/** The paper's nets, exported once each and run by ONNX Runtime at two sizes, against the engine on the GPU. */
import { expect } from "chai";
import {
  classifier,
  convolutionalClassifier,
  fcn,
  fcnTraining,
  graph,
  imageToTensor,
  initialWeights,
  input,
  trunkOf,
  type FcnOptions,
  type Graph,
  type Names,
  type Shape,
  type TrunkName,
  type Weights,
} from "../../src/index.js";
import { fcnLayers } from "../../src/fcn/fcn.js";
import { exportOnnx } from "../../src/onnx/index.js";
import { uniform } from "../../src/tensor/random.js";
import { numel } from "../../src/tensor/shape.js";
import { testGpu } from "../harness/device.js";
import { runOnnx } from "../../tools/onnx/runtime.js";

/** Software adapters compile a net's kernels when they first run, for a minute or more. */
const TIMEOUT_MS = 600_000;
const TOLERANCE = 1e-4;

/** Score layers start at zero: random ones let differences through. */
function randomWeights(net: Graph<Names, Names>): Weights {
  const random = uniform(11);
  return new Map(
    [...initialWeights(net)].map(([name, { shape, data }]) => [
      name,
      { shape, data: name.startsWith("score") || name.endsWith(".bias") ? data.map(() => random() - 0.5) : data },
    ]),
  );
}

/** The file of the net runs at each shape of `image` and gives there what the engine gives, for the same net or `ownNet`. */
async function expectSame(
  net: Graph<Names, Names>,
  shapes: readonly Shape[],
  options: Parameters<typeof exportOnnx>[2],
  ownNet: Graph<Names, Names> = net,
): Promise<void> {
  const weights = randomWeights(net);
  const random = uniform(2);
  const inputs = shapes.map((shape) => ({
    image: { shape, data: Float32Array.from({ length: numel(shape) }, () => 2 * random() - 1) },
  }));
  const results = await runOnnx(exportOnnx(net, weights, options), inputs);
  const names = options?.outputs ?? Object.keys(net.outputs);
  using program = await (await testGpu()).compile(ownNet);
  await program.load(weights);
  for (const [i, result] of results.entries()) {
    expect(Object.keys(result)).to.deep.equal(names);
    const own = await program.run(inputs[i]!, { outputs: names });
    for (const name of names) {
      const [ours, theirs] = [own[name]!, result[name]!];
      expect(theirs.data.constructor).to.equal(ours.constructor);
      expect(theirs.data.length).to.equal(ours.length);
      if (ours instanceof Float32Array) expect(relativeDifference(ours, theirs.data)).to.be.below(TOLERANCE);
      else expect(differing(ours, theirs.data)).to.be.below(TOLERANCE);
    }
  }
}

/** Largest difference as a fraction of the range. */
function relativeDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [low, high, off] = [Infinity, -Infinity, 0];
  for (let i = 0; i < a.length; i++) {
    [low, high] = [Math.min(low, a[i]!), Math.max(high, a[i]!)];
    off = Math.max(off, Math.abs(a[i]! - b[i]!));
  }
  expect(high - low).to.be.above(0);
  return off / (high - low);
}

/** Labels may differ where two classes tie within rounding. */
function differing(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let count = 0;
  for (let i = 0; i < a.length; i++) count += a[i] === b[i] ? 0 : 1;
  return count / a.length;
}

/** Two of each, the first of which the net is built for. */
const LENET_SIZES: readonly Shape[] = [
  [1, 1, 30, 41],
  [2, 1, 64, 28],
];
const SAME_SIZES: readonly Shape[] = [
  [1, 3, 64, 32],
  [2, 3, 45, 71],
];

describe("ONNX export of nets", () => {
  const vgg = { trunk: "vgg16", classes: 3, width: 1 / 16 } as const;
  const caffeSizes = [
    [1, 3, 33, 52],
    [2, 3, 64, 41],
  ];
  /** Every trunk with every head, at the padding that takes the least work where not at the authors': a new trunk does not compile until it is here. */
  const trunks: Readonly<Record<TrunkName, Pick<FcnOptions, "width" | "padding"> & { readonly sizes: readonly Shape[] }>> = {
    lenet: { sizes: LENET_SIZES },
    alexnet: {
      width: 1 / 16,
      sizes: [
        [1, 3, 64, 50],
        [2, 3, 35, 97],
      ],
    },
    "alexnet-bvlc": { width: 1 / 32, padding: "same", sizes: SAME_SIZES },
    "alexnet-torchvision": { width: 1 / 32, padding: "same", sizes: SAME_SIZES },
    vgg16: { width: 1 / 16, sizes: caffeSizes },
    vgg19: { width: 1 / 32, padding: "same", sizes: SAME_SIZES },
    googlenet: { width: 1 / 32, sizes: SAME_SIZES },
    "googlenet-torchvision": { width: 1 / 32, sizes: SAME_SIZES },
    squeezenet: { width: 1 / 32, sizes: SAME_SIZES },
  };
  const nets: readonly (FcnOptions & { readonly trunk: TrunkName; readonly sizes: readonly Shape[] })[] = [
    ...Object.entries(trunks).flatMap(([name, options]) => {
      const trunk = name as TrunkName;
      return Object.keys(trunkOf(trunk).heads).map((variant) => ({ trunk, variant, classes: 3, ...options }));
    }),
    {
      trunk: "lenet",
      variant: "2s",
      classes: 3,
      padding: "same",
      sizes: [
        [1, 1, 32, 32],
        [2, 1, 29, 38],
      ],
    },
    // Nine pixels at every size from 7 on, unlike VGG16's below.
    { trunk: "lenet", variant: "2s", classes: 3, padding: "minimal", sizes: LENET_SIZES },
    ...["32s", "16s", "8s"].map((variant) => ({ ...vgg, variant, padding: "same" as const, sizes: SAME_SIZES })),
  ];
  for (const { sizes, ...options } of nets) {
    const { trunk, variant, padding = "caffe" } = options;
    it(`${trunk} ${variant}, padding ${padding}: one file, two sizes`, async () => {
      const [batch, , h, w] = sizes[0]!;
      await expectSame(fcn({ ...options, batch: batch!, size: [h!, w!] }), sizes, { dynamic: true });
    }).timeout(TIMEOUT_MS);
  }

  it("vgg16 8s, padding minimal: of one size, as its padding depends on the size", async () => {
    const net = fcn({ ...vgg, variant: "8s", padding: "minimal", size: [40, 56] });
    expect(() => exportOnnx(net, randomWeights(net), { dynamic: true })).to.throw(/padding of conv2d .* depends on the size/);
    await expectSame(net, [[1, 3, 40, 56]], {});
    await expectSame(
      net,
      [
        [1, 3, 40, 56],
        [3, 3, 40, 56],
      ],
      { dynamic: { image: { 0: "batch" } } },
    );
  }).timeout(TIMEOUT_MS);

  it("a net for training: its scores, without labels, losses and dropout", async () => {
    const options = { ...vgg, variant: "32s", size: [32, 40] } as const;
    const net = fcnTraining(options);
    await expectSame(
      net,
      [
        [1, 3, 32, 40],
        [1, 3, 51, 37],
      ],
      { dynamic: true, outputs: ["scores"] },
      fcn(options),
    );
  }).timeout(TIMEOUT_MS);

  for (const trunk of Object.keys(trunks) as TrunkName[]) {
    const width = trunk === "lenet" ? 1 : 1 / 32;
    it(`${trunk} as a classifier, for any batch, and convolutionalised, for any size`, async () => {
      const own = classifier({ trunk, classes: 7, width });
      const { shape } = own.inputs.image;
      await expectSame(own, [shape, [3, ...shape.slice(1)]], { dynamic: { image: { 0: "batch" } } });
      const [, channels, size] = shape as [number, number, number];
      const anySize = convolutionalClassifier({ trunk, classes: 7, width, size: [size, size] });
      await expectSame(
        anySize,
        [
          [1, channels, size, size],
          [1, channels, size + 33, size + 5],
        ],
        { dynamic: true },
      );
    }).timeout(TIMEOUT_MS);
  }

  it("a net that takes pixels, as the segmenter does", async () => {
    const options = { ...vgg, variant: "16s" } as const;
    const net = graph({ image: input([1, 32, 40], "u32") }, (x) => ({
      scores: fcnLayers(imageToTensor(x.image, { order: "bgr", mean: [104, 117, 123] }), options).scores,
    }));
    const random = uniform(4);
    const inputs = [
      [1, 32, 40],
      [2, 27, 61],
    ].map((shape) => ({ image: { shape, data: Uint32Array.from({ length: numel(shape) }, () => 2 ** 32 * random()) } }));
    const weights = randomWeights(net);
    const results = await runOnnx(exportOnnx(net, weights, { dynamic: true }), inputs);
    using program = await (await testGpu()).compile(net);
    await program.load(weights);
    for (const [i, result] of results.entries())
      expect(relativeDifference((await program.run(inputs[i]!)).scores, result["scores"]!.data)).to.be.below(TOLERANCE);
  }).timeout(TIMEOUT_MS);
});
