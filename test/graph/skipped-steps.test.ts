/** Mixed precision leaves out steps that are not finite. Not for ever. */
import { expect } from "chai";
import { DivergedError, sgd } from "../../src/index.js";
import { itWithF16 } from "../harness/halves.js";
import { drain } from "../harness/rejects.js";
import { bitsOf } from "../harness/small-run.js";
import { toyFcn, toyInputs } from "../harness/toy-nets.js";

const optimizer = sgd({ learningRate: 0.05, momentum: 0.9, weightDecay: 1e-3 });

describe("steps that mixed precision leaves out", () => {
  itWithF16("stops where no step serves any more, however small the loss scale, and names the first tensor", async (gpu) => {
    const net = toyFcn({ batch: 1, channels: 8 });
    const bad = { ...toyInputs(net), image: toyInputs(net).image.fill(NaN, 17, 18) };
    for (const [lossEvery, lossScale, first, step] of [
      // Thirty halvings, then ten steps at the least scale there is; ten at one that is fixed.
      [1, undefined, 0, 40],
      [20, undefined, 0, 60],
      [1, 8, 3, 13],
    ] as const) {
      using program = await gpu.compile(net, { precision: "mixed" });
      const good = Array.from({ length: first }, () => toyInputs(net));
      const loop = program.train([...good, ...Array<typeof bad>(100).fill(bad)], {
        loss: "loss",
        optimizer,
        lossEvery,
        ...(lossScale === undefined ? {} : { lossScale }),
      });
      const before = await program.save();
      const error = await drain(loop).then(
        () => null,
        (e: unknown) => e,
      );
      expect(error).to.be.instanceOf(DivergedError);
      const { where, message } = error as DivergedError;
      expect(where).to.include({ step, part: "input", tensor: "image", elements: 1 });
      expect(message).to.include(`still those of step ${first}, for ${step - first} steps in a row were left out`);
      const after = await program.save();
      if (first === 0) expect(bitsOf(after)).to.deep.equal(bitsOf(before));
      expect([...after.values()].every(({ data }) => data.every(Number.isFinite))).to.equal(true);
    }
  });
});
