import type { Shape } from "../../src/tensor/shape.js";
import { describeOp, type CaseInput } from "../harness/op-cases.js";

const positive: CaseInput["values"] = (_i, random) => 0.5 + random();

describeOp("batchNorm", {
  // (x - mean) cancels, so the error is absolute: a few ulp of values up to 2, times scale / sqrt(variance) up to 1.5 and the 2 ulp
  // of inverseSqrt.
  bound: { abs: 4e-6, rel: 1e-6 },
  differentiable: [0, 1, 2],
  cases: (
    [
      [4, 6],
      [1, 1],
      [2, 3, 5],
      [2, 3, 4, 5],
      [1, 4, 3, 3],
      [3, 5, 1, 7],
      [2, 21, 8, 9],
      [2, 3, 2, 3, 2],
      [1, 3, 2, 2, 2, 3],
    ] as const
  ).map((x: Shape) => {
    const channels = { shape: [x[1]!] };
    return {
      name: `[${x.join(", ")}]`,
      inputs: [{ shape: x }, channels, channels, channels, { ...channels, values: positive }],
      attrs: { epsilon: 1e-5 },
      shape: x,
    };
  }),
});

const lrnCases = (
  [
    { x: [1, 1, 1, 1], size: 5 },
    { x: [2, 4, 3, 5], size: 3 },
    { x: [2, 5, 3, 5], size: 5 },
    { x: [1, 7, 2, 3], size: 4 },
    { x: [1, 6, 2, 3], size: 2 },
    { x: [1, 3, 2, 2], size: 1 },
    { x: [1, 3, 2, 2], size: 9 },
    { x: [1, 96, 4, 5], size: 5 },
  ] as const
).flatMap(({ x, size }) =>
  [
    { size, alpha: 1e-4, beta: 0.75, bias: 1 },
    { size, alpha: 1.5, beta: 0.5, bias: 2 },
  ].map((attrs) => ({ x, attrs, name: `[${x.join(", ")}] ${JSON.stringify(attrs)}` })),
);

// pow(b, p) = exp2(p log2 b): WGSL allows log2 an absolute error of 2^-21 near 1 and exp2 3 + 2 |p log2 b| ulp, together some
// 7e-7 here.
describeOp("lrn", {
  bound: { abs: 1e-7, rel: 2e-6 },
  differentiable: [0],
  cases: lrnCases.map(({ x, attrs, name }) => ({ name, inputs: [{ shape: x }], attrs, shape: x })),
});

describeOp("lrnGrad", {
  // The two terms of dx may cancel; both are below 3.
  bound: { abs: 6e-6, rel: 2e-6 },
  cases: lrnCases.map(({ x, attrs, name }) => ({ name, inputs: [{ shape: x }, { shape: x }], attrs, shape: x })),
});
