/** `npm run conformance -- --variants`: a program computes its nodes by each kernel that applies, and the plan says so. */
import { expect } from "chai";
import { conv2d, graph, heNormal, input, param, relu } from "../../src/index.js";
import { everyVariant } from "../conformance/every-variant.js";
import { testGpu } from "../harness/device.js";
import { difference } from "../harness/difference.js";

describe("every variant", () => {
  it("that applies to a convolution can be forced, and gives its result", async () => {
    const net = graph({ x: input([1, 8, 9, 9]) }, ({ x }) => ({
      y: conv2d(relu(x), param("w", [8, 8, 3, 3], heNormal()), null, { padding: 1 }),
    }));
    using program = await (await testGpu()).compile(net);
    const x = Float32Array.from({ length: 8 * 9 * 9 }, (_, i) => Math.sin(i));
    const { y: want } = await program.run({ x });
    const { variant: chosen, applicable } = program.plan.choices.rows.find(({ op }) => op === "conv2d")!;
    const forced: string[] = [];
    for await (const { name, slack } of everyVariant(program)) {
      const now = program.plan.choices.rows.find(({ op }) => op === "conv2d")!;
      if (!applicable.includes(name)) continue;
      forced.push(name);
      expect(now.variant).to.equal(name);
      expect(difference(want, (await program.run({ x })).y)).to.be.below(slack * 1e-6);
    }
    expect(applicable).to.include.members(["direct", "outer", "winograd"]);
    // "direct" is the ReLU's too: it is forced for both at once.
    expect([...forced, chosen].sort()).to.include.members([...applicable].sort());
  }).timeout(120_000);
});
