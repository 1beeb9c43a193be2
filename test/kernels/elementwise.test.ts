import type { Shape } from "../../src/tensor/shape.js";
import { describeOp, type OpCase } from "../harness/op-cases.js";

/** Operands and the shape that numpy gives them. */
const pairs: readonly (readonly [a: Shape, b: Shape, y: Shape])[] = [
  [[], [], []],
  [[1], [1], [1]],
  [[7], [7], [7]],
  [[64], [64], [64]],
  [[5], [], [5]],
  [[3, 4], [4], [3, 4]],
  [[5], [2, 3, 5], [2, 3, 5]],
  [
    [2, 1, 5],
    [3, 1],
    [2, 3, 5],
  ],
  [
    [2, 3, 5, 7],
    [2, 3, 5, 7],
    [2, 3, 5, 7],
  ],
  [
    [1, 8, 3, 5],
    [1, 8, 3, 5],
    [1, 8, 3, 5],
  ],
  [
    [2, 3, 5, 7],
    [1, 3, 1, 1],
    [2, 3, 5, 7],
  ],
  [
    [2, 3, 5, 7],
    [3, 5, 7],
    [2, 3, 5, 7],
  ],
  [[7], [1, 5, 2, 1], [1, 5, 2, 7]],
  [
    [2, 1, 3, 1],
    [1, 5, 1, 4],
    [2, 5, 3, 4],
  ],
  [[1, 1, 1, 1], [], [1, 1, 1, 1]],
  [
    [2, 1, 3, 2],
    [4, 1, 5, 3, 1],
    [4, 2, 5, 3, 2],
  ],
  [
    [2, 3],
    [1, 2, 3],
    [1, 2, 3],
  ],
  [
    [2, 1, 2, 1, 2, 1],
    [1, 3, 2, 3, 1, 3],
    [2, 3, 2, 3, 2, 3],
  ],
];

function binaryCases(values?: (index: number, random: () => number) => number): OpCase<"add">[] {
  return pairs.map(([a, b, shape]) => ({
    name: `[${a.join(", ")}] and [${b.join(", ")}]`,
    inputs: [{ shape: a }, values ? { shape: b, values } : { shape: b }],
    attrs: {},
    shape,
  }));
}

// Exact: it copies. Ties are among the small integers.
describeOp("maximum", { exact: true, bound: { abs: 0, rel: 2 ** -24 }, differentiable: [0, 1], cases: binaryCases() });

for (const name of ["add", "subtract", "multiply"] as const) {
  // One rounding.
  describeOp(name, { exact: true, bound: { abs: 2 ** -23, rel: 2 ** -23 }, differentiable: [0, 1], cases: binaryCases() });
}

// WGSL allows a division 2.5 units in the last place.
describeOp("divide", {
  bound: { abs: 0, rel: 2 ** -21 },
  differentiable: [0, 1],
  cases: binaryCases((_i, random) => (random() < 0.5 ? -1 : 1) * (0.5 + random())),
});
describeOp("divide", {
  bound: { abs: 0, rel: 2 ** -21 },
  cases: [
    { name: "by zeros is zero", inputs: [{ shape: [2, 3, 2, 2] }, { shape: [2, 3, 2, 2], values: (i) => i % 2 }], attrs: {} },
  ],
});

const sumShapes: readonly Shape[] = [[], [5], [2, 3, 5, 7], [3, 4, 5]];
describeOp("sum", {
  exact: true,
  // Coefficients up to 6 of values up to 1, of either sign.
  bound: { abs: 2 ** -19, rel: 0 },
  differentiable: [0, 1, 2, 3, 4, 5, 6, 7, 8],
  cases: [1, 2, 3, 4, 5, 8, 9].flatMap((n) =>
    sumShapes.map((shape) => ({
      name: `${n} operands of [${shape.join(", ")}]`,
      inputs: Array.from({ length: n }, () => ({ shape })),
      attrs: { coefficients: Array.from({ length: n }, (_, i) => (i === 0 ? 1 : i - 2)) },
      shape,
    })),
  ),
});

describeOp("fill", {
  bound: { abs: 0, rel: 2 ** -24 },
  cases: ([[], [1], [5], [2, 3], [1, 1, 1, 1], [2, 5, 3, 3], [1, 8, 2, 2], [1, 2, 3, 4, 5]] as const).map((shape) => ({
    name: `[${shape.join(", ")}]`,
    inputs: [],
    attrs: { shape, value: -1.7 },
    shape,
  })),
});
