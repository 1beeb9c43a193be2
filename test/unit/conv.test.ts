import { expect } from "chai";
import { paddingOf, PLAIN_EPILOGUE } from "../../src/kernels/conv-geometry.js";
import { validTaps } from "../../src/kernels/conv-taps.js";
import { conv2d, conv2dOp } from "../../src/kernels/conv2d.js";
import { conv2dWeightGradOp } from "../../src/kernels/conv2d-weight-grad.js";
import { convTranspose2d, convTranspose2dOp } from "../../src/kernels/conv-transpose2d.js";
import { ShapeError } from "../../src/tensor/errors.js";
import { input, type Tensor } from "../../src/tensor/tensor.js";

const fails = (make: () => unknown, message: string): void => {
  expect(make).to.throw(ShapeError, message);
};

describe("conv2d, shapes and errors", () => {
  const x = input([1, 3, 8, 8]);
  const weight = input([16, 3, 3, 3]);

  it("takes numbers, pairs and four paddings", () => {
    expect(conv2d(x, weight, null).shape).to.deep.equal([1, 16, 6, 6]);
    expect(conv2d(x, weight, input([16]), { padding: 1 }).shape).to.deep.equal([1, 16, 8, 8]);
    expect(conv2d(x, weight, null, { padding: [1, 2], stride: [2, 1], dilation: [1, 2] }).shape).to.deep.equal([1, 16, 4, 8]);
    expect(conv2d(x, weight, null, { padding: [0, 1, 2, 3] }).shape).to.deep.equal([1, 16, 8, 10]);
    expect(paddingOf("conv2d", [1, 2])).to.deep.equal([1, 2, 1, 2]);
  });

  it("stores attributes that are whole and survive JSON", () => {
    const y = conv2d(x, weight, null, { padding: 1 });
    const attrs = { stride: [1, 1], padding: [1, 1, 1, 1], dilation: [1, 1], groups: 1, bias: false, relu: false, extra: "none" };
    expect(JSON.parse(JSON.stringify(y.attrs))).to.deep.equal(attrs);
  });

  it("says what does not fit", () => {
    fails(
      () => conv2d(x, input([16, 4, 3, 3]), null),
      "conv2d: input has 3 channels but weight expects 4 (x is [1, 3, 8, 8], weight is [16, 4, 3, 3])",
    );
    fails(
      () => conv2d(input([1, 4, 8, 8]), input([16, 3, 3, 3]), null, { groups: 2 }),
      "weight expects 3 in each of 2 groups, 6 in all",
    );
    fails(
      () => conv2d(input([1, 4, 8, 8]), input([5, 2, 3, 3]), null, { groups: 2 }),
      "5 output channels do not divide into 2 groups",
    );
    fails(() => conv2d(x, weight, input([15])), "bias is f32 [15] but the output has 16 channels");
    fails(() => conv2d(x, weight, input([16], "i32")), "bias is i32 [16]");
    fails(() => conv2d(input([3, 8, 8]), weight, null), "x is [3, 8, 8] but must have rank 4");
    fails(() => conv2d(x, input([16, 3]), null), "weight is [16, 3] but must have rank 4");
    fails(() => conv2d(input([1, 3, 8, 8], "i32"), weight, null), "x is i32 [1, 3, 8, 8]");
    fails(() => conv2d(input([1, 3, 2, 8]), weight, null), "the kernel covers 3x3 pixels but the padded input has 2x8");
    fails(() => conv2d(x, weight, null, { dilation: 4 }), "the kernel covers 9x9 pixels");
    fails(() => conv2d(x, weight, null, { stride: 0 }), "stride is 0: use an integer of at least 1");
    fails(() => conv2d(x, weight, null, { stride: [1, 1.5] }), "stride is [1, 1.5]");
    fails(() => conv2d(x, weight, null, { padding: -1 }), "padding is -1");
    fails(() => conv2d(x, weight, null, { padding: [1, 2, 3] as unknown as [number, number] }), "padding is [1, 2, 3]");
    fails(() => conv2d(x, weight, null, { groups: 0 }), "groups is 0");
  });

  it("refuses a fused operand of another shape", () => {
    const attrs = { ...conv2d(x, weight, null).attrs, extra: "add" } as Parameters<typeof conv2dOp.infer>[1];
    fails(
      () => conv2dOp.infer([x, weight, input([1, 16, 6, 5])], attrs),
      "the fused operand is [1, 16, 6, 5] but the output is [1, 16, 6, 6]",
    );
  });
});

describe("convTranspose2d, shapes and errors", () => {
  const x = input([1, 4, 5, 5]);
  const weight = input([4, 3, 4, 4]);

  it("follows (size - 1) stride + kernel - pads + outputPadding", () => {
    expect(convTranspose2d(x, weight, null).shape).to.deep.equal([1, 3, 8, 8]);
    expect(convTranspose2d(x, weight, input([3]), { stride: 2, padding: 1 }).shape).to.deep.equal([1, 3, 10, 10]);
    expect(convTranspose2d(x, weight, null, { stride: 2, outputPadding: [0, 1], dilation: 2 }).shape).to.deep.equal([
      1, 3, 15, 16,
    ]);
    expect(convTranspose2d(x, weight, null, { groups: 2 }).shape).to.deep.equal([1, 6, 8, 8]);
  });

  it("says what does not fit", () => {
    fails(() => convTranspose2d(x, input([5, 3, 4, 4]), null), "convTranspose2d: input has 4 channels but weight expects 5");
    fails(() => convTranspose2d(x, weight, null, { groups: 3 }), "4 input channels do not divide into 3 groups");
    fails(() => convTranspose2d(x, weight, input([4])), "bias is f32 [4] but the output has 3 channels");
    fails(() => convTranspose2d(x, weight, null, { padding: 4 }), "the output would be 0x0");
    fails(() => convTranspose2d(x, weight, null, { outputPadding: -1 }), "outputPadding is -1");
    const attrs = { ...convTranspose2d(x, weight, null).attrs, crop: { offset: [0, 4], size: [8, 5] } } as unknown as Parameters<
      typeof convTranspose2dOp.infer
    >[1];
    fails(() => convTranspose2dOp.infer([x, weight], attrs), "the crop of 8x5 at [0, 4] does not lie in the output of 8x8");
  });
});

describe("the three adjoints", () => {
  const gradients = (
    y: Tensor,
    op: { grad(dy: Tensor, inputs: readonly Tensor[], y: Tensor, attrs: never): readonly (Tensor | null)[] },
  ) => op.grad(input(y.shape), y.inputs, y, y.attrs as never);

  it("have gradients of their inputs' shapes, rows that a floor left over included", () => {
    const y = conv2d(input([2, 4, 11, 8]), input([6, 2, 3, 2]), input([6]), {
      stride: [3, 4],
      padding: [1, 0, 0, 1],
      groups: 2,
      dilation: [1, 2],
    });
    expect(gradients(y, conv2dOp).map((d) => d!.shape)).to.deep.equal([[2, 4, 11, 8], [6, 2, 3, 2], [6]]);
    const z = convTranspose2d(input([2, 4, 3, 5]), input([4, 3, 3, 2]), input([6]), {
      stride: 2,
      outputPadding: [3, 1],
      groups: 2,
      padding: [1, 0, 0, 1],
    });
    expect(gradients(z, convTranspose2dOp).map((d) => d!.shape)).to.deep.equal([[2, 4, 3, 5], [4, 3, 3, 2], [6]]);
    const [dx, dw] = gradients(y, conv2dOp);
    expect(gradients(dw!, conv2dWeightGradOp).map((d) => d!.shape)).to.deep.equal(dw!.inputs.map((t) => t.shape));
    expect(gradients(dx!, convTranspose2dOp).map((d) => d!.shape)).to.deep.equal(dx!.inputs.map((t) => t.shape));
  });

  it("count the same operations", () => {
    const y = conv2d(input([2, 4, 9, 9]), input([6, 4, 3, 3]), null);
    const [dx, dw] = gradients(y, conv2dOp) as [Tensor, Tensor];
    const flops = 2 * 2 * 6 * 7 * 7 * 4 * 9;
    expect(conv2dOp.flops(y.inputs, y, y.attrs as never)).to.equal(flops);
    expect(convTranspose2dOp.flops(dx.inputs, dx, dx.attrs as never)).to.equal(flops);
    expect(conv2dWeightGradOp.flops(dw.inputs, dw, dw.attrs as never)).to.equal(flops);
  });

  it("give the extra operand of a fused add its gradient, and that of a mask none", () => {
    const shape = [1, 2, 4, 4];
    const make = (extra: "add" | "mask"): Tensor => {
      const base = conv2d(input([1, 2, 4, 4]), input([2, 2, 1, 1]), null);
      return { ...base, inputs: [...base.inputs, input(shape)], attrs: { ...base.attrs, ...PLAIN_EPILOGUE, relu: true, extra } };
    };
    expect(gradients(make("add"), conv2dOp)[2]!.shape).to.deep.equal(shape);
    expect(gradients(make("mask"), conv2dOp)[2]).to.equal(null);
  });

  it("visit exactly the taps that exist", () => {
    for (const s of [1, 2, 3, 4, 6, 32]) {
      for (const d of [1, 2, 3, 4, 6]) {
        const { step, divisor, inverse } = validTaps(s, d);
        for (let a = 0; a < 3 * s; a++) {
          const direct = [...Array(20).keys()].filter((u) => (a - u * d) % s === 0);
          const first = (((a % s) / divisor) * inverse) % step;
          const found = a % divisor === 0 ? [...Array(20).keys()].filter((u) => u >= first && (u - first) % step === 0) : [];
          expect(found, `stride ${s}, dilation ${d}, row ${a}`).to.deep.equal(direct);
        }
      }
    }
  });
});
