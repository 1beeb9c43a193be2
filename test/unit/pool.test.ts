import { expect } from "chai";
import { averagePool2d, averagePool2dGradOp, globalAveragePool } from "../../src/kernels/average-pool.js";
import { maxPool2d, maxPool2dGradOp, maxPool2dIndices } from "../../src/kernels/max-pool.js";
import type { PoolAttrs } from "../../src/kernels/window.js";
import { evaluate } from "../../src/reference/evaluate.js";
import { floats } from "../../src/reference/nd-array.js";
import { ShapeError } from "../../src/tensor/errors.js";
import { input, type Tensor } from "../../src/tensor/tensor.js";

const image = input([1, 3, 8, 8]);

describe("pooling: shapes and errors", () => {
  it("halves VGG16's maps with Caffe's ceil: 698 -> 349, 175, 88, 44, 22 (fcn.md 1.4)", () => {
    const sizes: number[] = [];
    for (let x = input([1, 1, 698, 698]), i = 0; i < 5; i++) sizes.push((x = maxPool2d(x, { kernel: 2, ceil: true })).shape[2]!);
    expect(sizes).to.deep.equal([349, 175, 88, 44, 22]);
  });

  it("takes the stride from the kernel unless given, and padding of 1, 2 or 4 values", () => {
    expect(maxPool2d(image, { kernel: [2, 4] }).shape).to.deep.equal([1, 3, 4, 2]);
    expect(maxPool2d(image, { kernel: 3, stride: 1, padding: [1, 0] }).shape).to.deep.equal([1, 3, 8, 6]);
    expect(maxPool2d(image, { kernel: 3, stride: 1, padding: [1, 0, 0, 2] }).shape).to.deep.equal([1, 3, 7, 8]);
    expect(maxPool2dIndices(image, { kernel: 2 }).dtype).to.equal("i32");
  });

  const bad: readonly [string, Tensor, PoolAttrs, RegExp][] = [
    ["rank", input([3, 8, 8]), { kernel: 2 }, /x is f32 \[3, 8, 8\]: pooling takes f32 images/],
    ["dtype", input([1, 3, 8, 8], "i32"), { kernel: 2 }, /x is i32 \[1, 3, 8, 8\]/],
    ["kernel 0", image, { kernel: 0 }, /kernel is 0/],
    ["half a kernel", image, { kernel: [2, 2.5] }, /kernel is \[2, 2.5\]/],
    ["stride 0", image, { kernel: 2, stride: [1, 0] }, /stride is \[1, 0\]/],
    ["negative padding", image, { kernel: 2, padding: -1 }, /padding is -1/],
    ["dilation 0", image, { kernel: 2, dilation: 0 }, /dilation is 0/],
    ["a kernel beyond the image", image, { kernel: 9 }, /no window of 9x9 .* fits x \[1, 3, 8, 8\]/],
    ["a dilated kernel beyond the image", image, { kernel: 3, dilation: 4 }, /no window of 3x3 \(dilation 4x4\)/],
  ];
  for (const [what, x, attrs, message] of bad) {
    it(`refuses ${what}`, () => {
      for (const [name, pool] of Object.entries({ maxPool2d, averagePool2d, maxPool2dIndices })) {
        expect(() => pool(x, attrs), name)
          .to.throw(ShapeError, message)
          .with.property("message")
          .that.matches(new RegExp(`^${name}: `));
      }
    });
  }

  it("refuses global pooling of another rank", () => {
    expect(() => globalAveragePool(input([3, 8]))).to.throw(ShapeError, /globalAveragePool: x is f32 \[3, 8\]/);
  });

  it("refuses gradients of another shape", () => {
    const { attrs } = maxPool2d(image, { kernel: 2 }) as Tensor & { attrs: Parameters<typeof maxPool2dGradOp.infer>[1] };
    expect(() => maxPool2dGradOp.infer([input([1, 3, 8, 8]), image, input([1, 3, 4, 4])], attrs)).to.throw(
      ShapeError,
      /both must be \[1, 3, 4, 4\]/,
    );
    const average = { ...attrs, countIncludePad: true, size: [8, 8] as const };
    expect(() => averagePool2dGradOp.infer([input([1, 3, 8, 8])], average)).to.throw(
      ShapeError,
      /pooling \[1, 3, 8, 8\] gives \[1, 3, 4, 4\]/,
    );
  });

  it("means of whole planes", () => {
    const x = input([1, 2, 2, 3]);
    const y = globalAveragePool(x);
    const values = evaluate(
      [y],
      new Map([
        [
          x,
          floats(
            x.shape,
            Float64Array.from({ length: 12 }, (_, i) => i),
          ),
        ],
      ]),
    );
    expect(y.shape).to.deep.equal([1, 2, 1, 1]);
    expect([...values.get(y)!.data].map((v) => Math.round(v * 1e6) / 1e6)).to.deep.equal([2.5, 8.5]);
  });
});
