/** Every shader with a barrier, run by the race detector on a tiny case. A new one is added to test/harness/tiny-cases.ts. */
import { expect } from "chai";
import { SHADERS } from "../../src/shaders.gen.js";
import { racesIn, sourceOf } from "../harness/races.js";
import { TINY, tinyDispatch } from "../harness/tiny-cases.js";

describe("races", () => {
  const withBarriers = Object.entries(SHADERS).filter(([, shader]) => shader.code.includes("workgroupBarrier"));

  it("every shader with a barrier has a tiny case", () => {
    expect(withBarriers.map(([name]) => name).filter((name) => !(name in TINY))).to.deep.equal([]);
  });

  for (const [name] of withBarriers) {
    it(`${name} has none`, () => {
      const { dispatch, buffers } = tinyDispatch(name);
      expect(racesIn(dispatch, buffers)).to.deep.equal([]);
    });
  }

  it("the detector computes what the kernel does", () => {
    const { dispatch, buffers } = tinyDispatch("reduce.workgroup");
    racesIn(dispatch, buffers);
    expect([...new Float32Array(buffers["y"]!).subarray(0, 2)]).to.deep.equal([45, 45]);
  });

  for (const [which, place] of [
    ["before the tree", /workgroupBarrier\(\);(?=\s*for)/],
    ["inside the tree", /workgroupBarrier\(\);(?=\s*\}\s*if)/],
  ] as const) {
    it(`a barrier removed ${which} is reported`, () => {
      const { dispatch, buffers } = tinyDispatch("reduce.workgroup");
      const code = sourceOf(dispatch);
      const broken = code.replace(place, "");
      expect(broken, "the barrier is found in the source").to.not.equal(code);
      expect(racesIn(dispatch, buffers, broken).join("\n")).to.include("Data race on 'sums'");
    });
  }
});
