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

type Size = readonly [h: number, w: number];

/**
 * Every trunk: a new one does not compile until it is here. `map`: rows and columns of scores of the larger image, by Caffe's size rules (fcn.md 1.0) and by
 * hand. VGG16 at 256: five pools leave 8, fc6 takes 7 of them: 2. AlexNet at 259: 63, pools 31, 15, 7, fc6 takes 6: 2. GoogLeNet at 289: 145, pools
 * 72, 36, 18, 9, the average takes 7: 3. SqueezeNet at 275: 137, pools 68, 34, 17, the average takes the crop's 14: 4.
 */
const NETS: Readonly<Record<TrunkName, { readonly width: number; readonly larger: Size; readonly map: Size }>> = {
  lenet: { width: 0.2, larger: [37, 64], map: [4, 10] },
  alexnet: { width: 1 / 32, larger: [259, 291], map: [2, 3] },
  "alexnet-bvlc": { width: 1 / 48, larger: [291, 259], map: [3, 2] },
  "alexnet-torchvision": { width: 1 / 64, larger: [256, 288], map: [2, 3] },
  vgg16: { width: 1 / 64, larger: [256, 225], map: [2, 2] },
  vgg19: { width: 1 / 64, larger: [224, 257], map: [1, 3] },
  googlenet: { width: 1 / 32, larger: [256, 289], map: [2, 3] },
  "googlenet-torchvision": { width: 1 / 32, larger: [289, 256], map: [3, 2] },
  squeezenet: { width: 1 / 32, larger: [243, 275], map: [2, 4] },
};

describe("convolutionalised on the GPU", () => {
  for (const [trunk, { width, larger, map }] of Object.entries(NETS) as [TrunkName, (typeof NETS)[TrunkName]][]) {
    it(`${trunk} gives the classifier's scores on the crop and the reference's on ${larger.join(" x ")}: ${map.join(" x ")} of them`, async () => {
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
      const resized = dense.resize({ image: shape });
      expect(resized.outputs.scores.shape).to.deep.equal([1, 5, ...map]);
      expect(scores.length).to.equal(5 * map[0] * map[1]);
      const want = runReference(resized, weights(trained), { image }).scores;
      expect(difference(want, scores)).to.be.below(1e-4);
    }).timeout(TIMEOUT_MS);
  }
});
