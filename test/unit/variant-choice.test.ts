/** Which variant a node gets when nothing was tuned: a kernel that compiles for seconds only where there is work for it. */
import { expect } from "chai";
import { lower } from "../../src/graph/lower.js";
import type { DeviceTraits } from "../../src/kernels/op.js";
import { conv2d, input } from "../../src/index.js";

const TRAITS: DeviceTraits = { software: true, subgroups: false, maxInvocations: 256, maxWorkgroupStorage: 16384 };
const LIMIT_BYTES = 2 ** 27;

function variantOf(size: number, prefer?: string): string {
  const y = conv2d(input([1, 16, size, size]), input([16, 16, 3, 3]), null, { padding: 1 });
  const { steps } = lower([y], TRAITS, LIMIT_BYTES, prefer === undefined ? new Map() : new Map([["conv2d", prefer]]));
  return steps[0]!.variant.name;
}

describe("choice of variants", () => {
  it("a small convolution stays with the plain kernel, a larger one gets the tiled", () => {
    expect(variantOf(8)).to.equal("direct");
    expect(variantOf(64)).to.equal("tiled");
  });

  it("a variant that was tuned or saved goes before the rule", () => {
    expect(variantOf(8, "tiled")).to.equal("tiled");
    expect(variantOf(64, "direct")).to.equal("direct");
  });
});
