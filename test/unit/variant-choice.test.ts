/** Which variant a node gets, and why: by rule, by what was measured, by a checkpoint. */
import { expect } from "chai";
import { choicesOf, NO_PREFERENCES, type Preferences, type Verdict } from "../../src/graph/choose.js";
import { lower } from "../../src/graph/lower.js";
import { applicationOf, parseSignature, signatureOf } from "../../src/graph/signature.js";
import { averagePool2d, conv2d, gradients, heNormal, input, param, reduceSum, relu, type Tensor } from "../../src/index.js";
import { SOFTWARE } from "../harness/traits.js";

const DEVICE = { traits: SOFTWARE, limitBytes: 2 ** 27 };

function convolution(size: number, kernel = 5): Tensor {
  return conv2d(input([1, 16, size, size]), input([16, 16, kernel, kernel]), null, { padding: 2 });
}

function choiceOf(node: Tensor, preferences: Preferences = NO_PREFERENCES): { variant: string; why: string } {
  const { choices, steps } = lower([node], DEVICE, preferences, { keepsPrepared: true });
  expect(steps[0]!.variant.name).to.equal(choices[0]!.variant);
  return { variant: choices[0]!.variant, why: choices[0]!.why };
}

/** Preferences for this node. */
function prefer(node: Tensor, { saved, tuned }: { saved?: string; tuned?: Verdict }): Preferences {
  const signature = signatureOf(applicationOf(node));
  return { saved: new Map(saved ? [[signature, saved]] : []), tuned: new Map(tuned ? [[signature, tuned]] : []) };
}

describe("choice of variants", () => {
  it("a small convolution stays with the plain kernel, a larger one gets a fast one", () => {
    expect(choiceOf(convolution(8))).to.deep.equal({ variant: "direct", why: "rule" });
    expect(choiceOf(convolution(64))).to.deep.equal({ variant: "tiled", why: "rule" });
    expect(choiceOf(convolution(64, 3))).to.deep.equal({ variant: "winograd", why: "rule" });
    const small = conv2d(input([1, 512, 2, 2]), param("w", [512, 512, 3, 3], heNormal()), null, { padding: 1 });
    expect(choiceOf(small), "tiles of 4x4 would be three quarters empty").to.deep.equal({ variant: "winograd2", why: "rule" });
  });

  it("what decides where gradients go is not left to a variant that rounds more", () => {
    const image = input([1, 16, 64, 64]);
    const y = relu(conv2d(image, input([16, 16, 3, 3]), null, { padding: 1 }));
    const { steps } = lower(gradients(reduceSum(y), [image]), DEVICE);
    const variants = steps.filter(({ node }) => node.op.startsWith("conv")).map(({ node, variant }) => [node.op, variant.name]);
    expect(variants).to.deep.equal([
      ["conv2d", "tiled"],
      ["convTranspose2d", "winograd"],
    ]);
  });

  it("nor is what it is made of, through as many convolutions as there are", () => {
    const image = input([1, 16, 64, 64]);
    const conv = (x: Tensor): Tensor => conv2d(x, input([16, 16, 3, 3]), null, { padding: 1 });
    const forward = conv(averagePool2d(conv(conv(image)), { kernel: 1 }));
    const { steps } = lower(gradients(reduceSum(conv(relu(forward))), [image]), DEVICE);
    const named = (op: string): string[] => steps.filter(({ node }) => node.op === op).map(({ variant }) => variant.name);
    expect(named("conv2d")).to.deep.equal(["tiled", "tiled", "tiled"]);
    expect(new Set(named("convTranspose2d"))).to.deep.equal(new Set(["winograd"]));
  });

  it("a preference is kept apart for values that decide and for those that do not", () => {
    const image = input([1, 16, 64, 64]);
    const y = relu(conv2d(image, input([16, 16, 3, 3]), null, { padding: 1 }));
    const signature = signatureOf(applicationOf(y.inputs[0]!));
    const convIn = (outputs: readonly Tensor[], preferences: Preferences): string =>
      lower(outputs, DEVICE, preferences).choices.find((c) => c.op === "conv2d")!.variant;
    const plans = [[y], gradients(reduceSum(y), [image])];
    const both = (preferences: Preferences): string[] => plans.map((outputs) => convIn(outputs, preferences));
    const tuned = new Map([[signature, { ms: { direct: 3, outer: 2, winograd: 1 }, unmeasured: [], notes: [] }]]);
    expect(both({ saved: new Map(), tuned })).to.deep.equal(["winograd", "outer"]);
    const saved = new Map([[signature, "direct"]]);
    expect(both({ saved, tuned })).to.deep.equal(["direct", "outer"]);
  });

  it("what was measured goes before the rule, a checkpoint before both", () => {
    const tuned = { ms: { direct: 5.1, tiled: 2, outer: 1.9 }, unmeasured: [], notes: ["winograd wrong: all of it"] };
    const node = convolution(64);
    expect(choiceOf(node, prefer(node, { tuned }))).to.deep.equal({
      variant: "outer",
      why: "tuned: 1.90 ms against direct's 5.10 ms; winograd wrong: all of it",
    });
    expect(choiceOf(node, prefer(node, { tuned, saved: "direct" }))).to.deep.equal({ variant: "direct", why: "checkpoint" });
    const plain = { ms: { direct: 0.01, tiled: 12.3 }, unmeasured: [], notes: [] };
    expect(choiceOf(node, prefer(node, { tuned: plain }))).to.deep.equal({
      variant: "direct",
      why: "tuned: 0.0100 ms against tiled's 12 ms",
    });
  });

  it("the rule's variant that the time did not reach to is not beaten by what was measured in its place", () => {
    const node = convolution(64);
    const rule = choiceOf(node, NO_PREFERENCES).variant;
    expect(rule).not.to.equal("direct");
    const cut = { ms: { direct: 900 }, unmeasured: [rule], notes: [`${rule} not measured: the time was up`] };
    expect(choiceOf(node, prefer(node, { tuned: cut }))).to.deep.equal({
      variant: rule,
      why: `rule; ${rule} not measured: the time was up`,
    });
    // Where another one was left out, what was measured holds.
    const enough = { ms: { direct: 900, [rule]: 1000 }, unmeasured: ["other"], notes: [] };
    expect(choiceOf(node, prefer(node, { tuned: enough })).variant).to.equal("direct");
  });

  it("a preference that cannot be met leaves the rule's choice, and the reason says so", () => {
    const node = convolution(64);
    const wanted = { saved: "winograd9", tuned: { ms: {}, unmeasured: [], notes: ["could not be measured"] } };
    expect(choiceOf(node, prefer(node, wanted))).to.deep.equal({
      variant: "tiled",
      why: "rule; could not be measured; the checkpoint's winograd9 does not apply here",
    });
  });

  it("of what was measured, the fastest that applies is taken", () => {
    const node = convolution(64);
    const tuned = { ms: { winograd9: 1, outer: 2, tiled: 3, direct: 4 }, unmeasured: [], notes: [] };
    expect(choiceOf(node, prefer(node, { tuned }))).to.deep.equal({
      variant: "outer",
      why: "tuned: 2.00 ms against direct's 4.00 ms",
    });
  });

  it("a preference for one shape says nothing of another", () => {
    expect(choiceOf(convolution(64), prefer(convolution(32), { saved: "direct" }))).to.deep.equal({
      variant: "tiled",
      why: "rule",
    });
  });

  it("prints a line per node", () => {
    const text = choicesOf(lower([convolution(64)], DEVICE).choices).toTable();
    expect(text).to.match(/^node +op +inputs +output +variant +of +why\n/);
    expect(text).to.match(
      /\nconv2d +conv2d +\[1, 16, 64, 64\] \[16, 16, 5, 5\] +\[1, 16, 64, 64\] +tiled +direct .*tiled.* +rule$/,
    );
  });
});

describe("signatures", () => {
  it("do not depend on the order of attributes, and do on shapes, types and values", () => {
    const of = (attrs: object, dtype: "f32" | "i32" = "f32", size = 4): string =>
      signatureOf({ op: "pad", inputs: [{ shape: [1, size], dtype }], attrs, decides: false, f16: false });
    expect(of({ a: 1, b: [2, { d: 3, c: 4 }] })).to.equal(of({ b: [2, { c: 4, d: 3 }], a: 1 }));
    expect(new Set([of({ a: 1 }), of({ a: 2 }), of({ a: 1 }, "i32"), of({ a: 1 }, "f32", 5)]).size).to.equal(4);
  });

  it("are read back, infinite numbers too", () => {
    const application = {
      op: "clip",
      inputs: [{ shape: [1, 2], dtype: "f32" as const }],
      attrs: { low: -Infinity, high: [1, null, NaN], name: "x" },
    };
    for (const decides of [false, true]) {
      for (const f16 of [false, true])
        expect(parseSignature(signatureOf({ ...application, decides, f16 }))).to.deep.equal({ ...application, decides, f16 });
    }
  });
});
