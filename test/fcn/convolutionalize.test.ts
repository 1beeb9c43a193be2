/** Narrow trunks on the GPU, convolutionalised: the classifier's scores on its crop, the reference's map on a larger image, in one program. */
import { expect } from "chai";
import { classifier, convolutionalize, initialWeights, type TrunkName, type Weights } from "../../src/index.js";
import { runReference } from "../../src/reference/index.js";
import { uniform } from "../../src/tensor/random.js";
import { numel } from "../../src/tensor/shape.js";
import { testGpu } from "../harness/device.js";
import { difference } from "../harness/difference.js";

/** Software adapters compile a net's kernels when they first run, for a minute or more. */
const TIMEOUT_MS = 600_000;

const NETS: readonly { readonly trunk: TrunkName; readonly width: number; readonly larger: readonly [number, number] }[] = [
  { trunk: "lenet", width: 0.2, larger: [37, 64] },
  { trunk: "alexnet", width: 1 / 32, larger: [259, 291] },
  { trunk: "vgg16", width: 1 / 64, larger: [256, 225] },
  { trunk: "googlenet", width: 1 / 32, larger: [225, 257] },
  { trunk: "squeezenet", width: 1 / 32, larger: [243, 228] },
];

describe("convolutionalised on the GPU", () => {
  for (const { trunk, width, larger } of NETS) {
    it(`${trunk} gives the classifier's scores on the crop and the reference's on ${larger.join(" x ")}`, async () => {
      const own = classifier({ trunk, width, classes: 5, dropout: 0 });
      const { graph: dense, weights } = convolutionalize(own, { classification: "keep" });
      const random = uniform(4);
      const trained: Weights = new Map(
        [...initialWeights(own)].map(([name, { shape, data }]) => [
          name,
          { shape, data: name.endsWith(".bias") ? data.map(() => 0.2 * (random() - 0.3)) : data },
        ]),
      );
      const noise = (shape: readonly number[]): Float32Array =>
        Float32Array.from({ length: numel(shape) }, () => 2 * random() - 1);
      using program = await (await testGpu()).compile(dense);
      await program.load(weights(trained));
      const crop = noise(own.inputs.image.shape);
      expect(
        difference(runReference(own, trained, { image: crop }).scores, (await program.run({ image: crop })).scores),
      ).to.be.below(1e-4);

      const shape = [1, own.inputs.image.shape[1]!, ...larger];
      const image = noise(shape);
      const { scores } = await program.run({ image: { data: image, shape } });
      expect(scores.length).to.be.above(5);
      const want = runReference(dense.resize({ image: shape }), weights(trained), { image }).scores;
      expect(difference(want, scores)).to.be.below(1e-4);
    }).timeout(TIMEOUT_MS);
  }
});
