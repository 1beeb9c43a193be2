/** A run computes the outputs that it is asked for, from the inputs that they need. */
import { expect } from "chai";
import { runReference } from "../../src/reference/index.js";
import { testGpu } from "../harness/device.js";
import { toyFcn, toyInputs } from "../harness/toy-nets.js";

describe("asked outputs", () => {
  it("are all that is computed", async () => {
    const net = toyFcn();
    using program = await (await testGpu()).compile(net);
    const { image } = toyInputs(net);
    const { logits } = await program.run({ image }, { outputs: ["logits"] });
    expect(logits.length).to.equal(2 * 5 * 13 * 11);
    expect((await program.planFor({}, { outputs: ["logits"] })).dispatches).to.be.below(program.plan.dispatches);
  });

  it("come at another size too, without labels that they do not need", async () => {
    using program = await (await testGpu()).compile(toyFcn());
    const other = toyFcn({ batch: 1, size: [21, 18] });
    const inputs = toyInputs(other);
    const { logits } = await program.run({ image: { data: inputs.image, shape: [1, 3, 21, 18] } }, { outputs: ["logits"] });
    const want = runReference(other, await program.save(), inputs);
    logits.forEach((v, i) => expect(v).to.be.closeTo(want.logits[i]!, 1e-4));
  });
});
