/** The paper's nets on images of any size and in batches: one program, whose shaders are compiled once. */
import { expect } from "chai";
import { fcn, initialWeights, type FcnOptions, type TrunkName, type Weights } from "../../src/index.js";
import { runReference } from "../../src/reference/index.js";
import { uniform } from "../../src/tensor/random.js";
import { countingGpu, testGpu } from "../harness/device.js";
import { difference } from "../harness/difference.js";

/** Software adapters compile a net's kernels when they first run, for a minute or more. */
const TIMEOUT_MS = 600_000;

function noise(count: number): Float32Array {
  const random = uniform(6);
  return Float32Array.from({ length: count }, () => 2 * random() - 1);
}

/** Score layers that start at zero would agree on everything. */
function weightsOf(options: FcnOptions): Weights {
  const random = uniform(7);
  return new Map(
    [...initialWeights(fcn({ ...options, size: [40, 40] }))].map(([name, { shape, data }]) => [
      name,
      { shape, data: /^score.*weight$/.test(name) ? data.map(() => random() - 0.5) : data },
    ]),
  );
}

const CLASSES = 4;
const NETS: readonly (FcnOptions & { readonly trunk: TrunkName })[] = [
  { trunk: "vgg16", variant: "8s", classes: CLASSES, width: 1 / 16, padding: "same" },
  { trunk: "squeezenet", variant: "4s", classes: 3, width: 1 / 4 },
];

describe("images of any size", () => {
  for (const options of NETS) {
    it(`run in one ${options.variant} net on ${options.trunk} without compiling anew, odd sizes too`, async () => {
      const { gpu, host, counting } = await countingGpu();
      const weights = weightsOf(options);
      const program = await gpu.compile(fcn({ ...options, size: [48, 64] }));
      await program.load(weights);
      // Layers with more work may be given other kernels, and so may maps of whole vec4s: a few sizes of the range have met them all.
      for (const size of [
        [33, 35],
        [64, 71],
        [80, 81],
      ])
        await program.planFor({ image: [1, 3, ...size] });
      const before = { ...counting.counts };
      const compiled: number[] = [];
      for (const [h, w] of [
        [37, 41],
        [50, 33],
        [63, 72],
        [35, 80],
      ] as const) {
        const image = noise(3 * h * w);
        const { scores, labels } = await program.run({ image: { data: image, shape: [1, 3, h, w] } });
        compiled.push(counting.since(before).pipelines);
        expect(labels.length).to.equal(h * w);
        const want = runReference(fcn({ ...options, size: [h, w] }), weights, { image }).scores;
        expect(difference(want, scores), `${h} x ${w}`).to.be.below(1e-4);
      }
      expect(compiled).to.deep.equal([0, 0, 0, 0]);
      gpu[Symbol.dispose]();
      host[Symbol.dispose]();
    }).timeout(TIMEOUT_MS);
  }

  it("in a batch give what each gives alone", async () => {
    const options = NETS[0]!;
    const [h, w] = [45, 51] as const;
    using program = await (await testGpu()).compile(fcn({ ...options, batch: 3, size: [h, w] }));
    await program.load(weightsOf(options));
    const image = noise(3 * 3 * h * w);
    const { scores, labels } = await program.run({ image });
    expect(labels.length).to.equal(3 * h * w);
    for (let i = 0; i < 3; i++) {
      const one = image.subarray(3 * h * w * i, 3 * h * w * (i + 1));
      const alone = await program.run({ image: { data: one, shape: [1, 3, h, w] } });
      const inBatch = scores.subarray(CLASSES * h * w * i, CLASSES * h * w * (i + 1));
      // Fewer images may be given to other kernels.
      expect(difference(alone.scores, inBatch)).to.be.below(1e-5);
      for (let p = 0; p < h * w; p++) {
        const best = Math.max(...Array.from({ length: CLASSES }, (_, k) => inBatch[k * h * w + p]!));
        expect(inBatch[labels[i * h * w + p]! * h * w + p]).to.equal(best);
      }
    }
    expect(new Set(labels).size).to.be.above(1);
  }).timeout(TIMEOUT_MS);
});
