import type { Shape } from "../../src/tensor/shape.js";
import { describeOp } from "../harness/op-cases.js";

/** Shapes and joint axes; sizes lie on both sides of the chunks (256 terms, 65,536 in two levels) and of whole vec4s. */
const cases: readonly (readonly [Shape, readonly number[]])[] = [
  [[1], [0]],
  [[7], [0]],
  [[255], [0]],
  [[256], [0]],
  [[257], [0]],
  [[2, 128], [1]],
  [[5, 3], [0]],
  [[3, 4, 5], [0]],
  [[3, 4, 5], [1]],
  [[3, 4, 5], [2]],
  [
    [3, 4, 5],
    [0, 2],
  ],
  [
    [3, 4, 5],
    [0, 1, 2],
  ],
  [[1, 1, 1, 1], [1]],
  [[1, 21, 4, 5], [1]],
  [[2, 8, 3, 5], [1]],
  [[2, 3, 5, 7], [0]],
  [[2, 3, 5, 7], [2]],
  [[2, 3, 5, 7], [3]],
  [
    [2, 3, 5, 7],
    [1, 3],
  ],
  [
    [2, 3, 5, 7],
    [2, 3],
  ],
  [
    [2, 6, 17, 16],
    [2, 3],
  ],
  [
    [2, 3, 5, 7],
    [0, 1, 2, 3],
  ],
  [[1, 259, 2, 1], [1]],
  [[2, 3, 2, 3, 2], [1]],
  [
    [2, 3, 2, 3, 2],
    [0, 2, 4],
  ],
  [
    [2, 2, 3, 2, 3, 2],
    [1, 3, 5],
  ],
];
const long: readonly (readonly [Shape, readonly number[]])[] = [
  [[65536], [0]],
  [[65537], [0]],
];

const inputsOf = (n: number) => (all: typeof cases) =>
  all.map(([shape, axes]) => ({
    name: `[${shape.join(", ")}] over ${axes.join(", ")}`,
    inputs: new Array(n).fill({ shape }) as { shape: Shape }[],
    attrs: { axes },
    shape,
  }));

// On x in [-1, 1) WGSL's exp is good to 3 + 2 * 2 ulp; three of them, a division (2.5 ulp) and the sum: below 33 ulp of 2^-23.
const POSITIVE = { abs: 1e-30, rel: 4e-6 };
describeOp("softmax", { bound: POSITIVE, differentiable: [0], cases: inputsOf(1)([...cases, ...long]) });
// The same error of the sum becomes absolute in its logarithm, which adds 2^-21 (or 3 ulp) of its own.
describeOp("logSoftmax", { bound: { abs: 4e-6, rel: 4e-7 }, differentiable: [0], cases: inputsOf(1)([...cases, ...long]) });

// Sums of up to 257 products in [-1, 1], the random ones far below 257 in size; more in levels.
describeOp("softmaxGrad", { bound: { abs: 2e-5, rel: 2e-6 }, differentiable: [0, 1], cases: inputsOf(2)(cases) });
describeOp("logSoftmaxGrad", { bound: { abs: 2e-5, rel: 6e-6 }, cases: inputsOf(2)(cases) });

// Logits that overflow exp without the subtraction, of one row far apart: exp's error grows with its argument, 3 + 2 * 180 ulp.
const spread = (i: number, random: () => number): number => 1000 * (i % 3 === 0 ? 1 : 0.9) + 80 * random();
const wide = [[2, 5], [1, 21, 3, 2], [300], [3, 5, 2]].map((shape) => ({
  name: `[${shape.join(", ")}] of large logits`,
  inputs: [{ shape, values: spread }],
  attrs: { axes: [shape.length > 1 ? 1 : 0] },
}));
// The largest element in the last of several chunks, above all others by more than exp can take.
const rising = { name: "[600] rising", inputs: [{ shape: [600], values: (i: number) => 2 * i }], attrs: { axes: [0] } };
describeOp("softmax", { bound: { abs: 1e-36, rel: 6e-5 }, cases: [...wide, rising] });
describeOp("logSoftmax", { bound: { abs: 4e-6, rel: 4e-7 }, cases: [...wide, rising] });
