import { describeOp } from "../harness/op-cases.js";

const shapes = [[1], [5], [64], [2, 3], [1, 1, 1, 1], [2, 3, 5, 7], [1, 21, 4, 4], [1, 8, 17, 16]];

describeOp("relu", {
  exact: true,
  bound: { abs: 0, rel: 0 },
  differentiable: [0],
  // Away from the kink at 0, where no difference quotient holds.
  gradientValues: (_i, random) => (random() < 0.5 ? -1 : 1) * (0.1 + random()),
  cases: shapes.map((shape) => ({ name: `[${shape.join(", ")}]`, inputs: [{ shape }], attrs: {}, shape })),
});

describeOp("reluGrad", {
  exact: true,
  bound: { abs: 0, rel: 0 },
  differentiable: [0],
  cases: shapes.map((shape) => ({ name: `[${shape.join(", ")}]`, inputs: [{ shape }, { shape }], attrs: {}, shape })),
});
