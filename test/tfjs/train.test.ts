/** Twenty steps of a narrow FCN-8s, trained by the engine and by TensorFlow.js: the same weights. */
import { expect } from "chai";
import { trainFcn8s } from "../../tools/tfjs/train.js";
import { twentySteps } from "../../tools/twenty-steps.js";
import { testGpu } from "../harness/device.js";

/** Of each parameter's range. */
const TOLERANCE = 1e-4;

describe("training beside TensorFlow.js", function () {
  this.timeout(600_000);

  it(`gives the weights of twenty steps to ${TOLERANCE} of their range`, async () => {
    const steps = twentySteps();
    const { start } = steps;
    const ours = await steps.train(await testGpu());
    const theirs = await trainFcn8s(steps);
    expect(ours.losses).to.have.length(20);
    ours.losses.forEach((loss, i) =>
      expect(loss, `loss of step ${i + 1}`).to.be.closeTo(theirs.losses[i]!, 1e-4 * theirs.losses[i]!),
    );
    let worst = { name: "", of: 0 };
    let moved = 0;
    for (const [name, { data }] of theirs.weights) {
      const range = data.reduce((m, v) => Math.max(m, v), -Infinity) - data.reduce((m, v) => Math.min(m, v), Infinity);
      const difference = data.reduce((m, v, i) => Math.max(m, Math.abs(v - ours.weights.get(name)!.data[i]!)), 0);
      const travelled = data.reduce((m, v, i) => Math.max(m, Math.abs(v - start.get(name)!.data[i]!)), 0);
      if (difference / range > worst.of) worst = { name, of: difference / range };
      if (travelled > 10 * TOLERANCE * range) moved++;
    }
    console.log(
      `  loss ${ours.losses[0]!.toFixed(4)} to ${ours.losses.at(-1)!.toFixed(4)}; largest difference ${worst.of.toExponential(1)} of the range, in ${worst.name}; ${moved} of ${ours.weights.size} parameters moved by ten times the tolerance or more`,
    );
    expect(worst.of, worst.name).to.be.at.most(TOLERANCE);
    // All but the last upsampling, which is frozen; what compares equal because it hardly moved would be no test.
    expect(moved).to.be.at.least(Math.floor(0.8 * ours.weights.size));
  });
});
