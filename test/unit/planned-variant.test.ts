/** Where weights are prepared: beside the weights, or as part of every run. */
import { expect } from "chai";
import { applicableVariants } from "../../src/graph/choose.js";
import { lower } from "../../src/graph/lower.js";
import { plannedVariant, withPreparation } from "../../src/graph/planned-variant.js";
import { applicationOf, signatureOf } from "../../src/graph/signature.js";
import type { Variant } from "../../src/kernels/op.js";
import { conv2d, heNormal, input, param, reshape, scale, type Tensor } from "../../src/index.js";
import { SOFTWARE } from "../harness/traits.js";

const KEEPS = { keepsPrepared: true };

const weight = param("w", [16, 16, 3, 3], heNormal());

function winograd(of: Tensor): Variant | undefined {
  return variantsOf(of, 2 ** 27).find((v) => v.name === "winograd");
}

function variantsOf(of: Tensor, limitBytes: number): readonly Variant[] {
  return applicableVariants(applicationOf(of), of, { traits: SOFTWARE, limitBytes });
}

function convolution(by: Tensor): Tensor {
  return conv2d(input([1, 16, 8, 8]), by, null, { padding: 1 });
}

describe("preparation of weights", () => {
  it("is kept for parameters under any shape, and for nothing else", () => {
    const kept = (by: Tensor, kind = KEEPS): boolean =>
      plannedVariant(winograd(convolution(by))!, convolution(by).inputs, kind).prepared !== undefined;
    const flat = param("flat", [16 * 16 * 9, 1, 1, 1], heNormal());
    expect([kept(weight), kept(input([16, 16, 3, 3])), kept(scale(weight, 2))]).to.deep.equal([true, false, false]);
    // A reshape that moves bytes makes another tensor; one that does not is the parameter itself.
    expect([kept(reshape(weight, [16, 16, 3, 3])), kept(reshape(flat, [16, 16, 3, 3]))]).to.deep.equal([true, false]);
    expect(kept(weight, { keepsPrepared: false })).to.equal(false);
  });

  it("in every run has to pay on more pixels than once a load", () => {
    const choice = (side: number, kind = KEEPS): string => {
      const node = conv2d(input([1, 64, side, side]), param("w", [64, 64, 3, 3], heNormal()), null, { padding: 1 });
      return lower([node], { traits: { ...SOFTWARE, subgroupSize: 8 }, limitBytes: 2 ** 27 }, undefined, kind).choices[0]!
        .variant;
    };
    const inRun = { keepsPrepared: false };
    expect([choice(16), choice(16, inRun), choice(24, inRun)]).to.deep.equal(["winograd", "spread", "winograd"]);
  });

  it("as part of a run stands before the rest, in scratch buffers behind the others", () => {
    const variant = winograd(convolution(weight))!;
    const { prepared, dispatches, scratchBytes } = withPreparation(variant);
    expect(prepared).to.equal(undefined);
    expect(dispatches.map((d) => d.shader)).to.deep.equal(
      [...variant.prepared!.dispatches, ...variant.dispatches].map((d) => d.shader),
    );
    expect(scratchBytes).to.deep.equal([...variant.scratchBytes!, ...variant.prepared!.bytes]);
    expect(dispatches[0]!.buffers).to.deep.equal({ weight: { input: 1 }, u: { scratch: variant.scratchBytes!.length } });
    expect(JSON.stringify(dispatches)).to.not.include("prepared");
  });

  it("asks for the same whatever the size of the image", () => {
    const of = (size: number) => winograd(conv2d(input([2, 16, size, size]), weight, null, { padding: 1 }))!.prepared;
    expect(of(8)).to.deep.equal(of(23));
  });

  it("rules a variant out where a prepared buffer is more than the device binds", () => {
    const node = convolution(weight);
    const variant = winograd(node)!;
    const [bytes] = variant.prepared!.bytes as [number];
    expect(bytes, "the prepared buffer is the largest").to.be.above(Math.max(...variant.scratchBytes!));
    expect(variantsOf(node, bytes).map((v) => v.name)).to.include("winograd");
    expect(variantsOf(node, bytes - 1).map((v) => v.name)).to.not.include("winograd");
  });

  it("is left out of a step that finds it kept", () => {
    const node = convolution(weight);
    const preferred = { saved: new Map([[signatureOf(applicationOf(node)), "winograd"]]), tuned: new Map() };
    const lowered = [KEEPS, { keepsPrepared: false }].map((kind) =>
      lower([node], { traits: SOFTWARE, limitBytes: 2 ** 27 }, preferred, kind),
    );
    const [kept, every] = lowered.map(({ steps }) => steps[0]!.variant);
    expect(kept).to.deep.equal(winograd(node));
    expect(every).to.deep.equal(withPreparation(winograd(node)!));
  });
});
