import type { BorderMode } from "../../src/kernels/pad.js";
import type { Shape } from "../../src/tensor/shape.js";
import { describeOp } from "../harness/op-cases.js";
import { MOVED, of, text } from "./moved.js";

type Slice = readonly [x: Shape, starts: readonly number[], sizes: Shape, steps: readonly number[]];
const slices: readonly Slice[] = [
  [[1], [0], [1], [1]],
  [[7], [2], [3], [2]],
  [[7], [6], [7], [-1]],
  [
    [20, 10, 5],
    [19, 9, 4],
    [19, 3, 2],
    [-1, -3, -2],
  ],
  [
    [3, 20],
    [1, 4],
    [2, 4],
    [1, 3],
  ],
  [
    [4, 1, 1, 1],
    [1, 0, 0, 0],
    [3, 1, 1, 1],
    [1, 1, 1, 1],
  ],
  [
    [2, 3, 9, 10],
    [0, 0, 2, 3],
    [2, 3, 5, 6],
    [1, 1, 1, 1],
  ],
  [
    [2, 8, 5, 6],
    [1, 0, 1, 2],
    [1, 8, 3, 3],
    [1, 1, 1, 1],
  ],
  [
    [1, 8, 3, 3],
    [0, 4, 0, 0],
    [1, 4, 3, 3],
    [1, 1, 1, 1],
  ],
  [
    [1, 9, 3, 3],
    [0, 1, 0, 0],
    [1, 5, 3, 3],
    [1, 1, 1, 1],
  ],
  [
    [1, 5, 4, 5],
    [0, 4, 3, 0],
    [1, 5, 2, 3],
    [1, -1, -2, 2],
  ],
  [
    [1, 4, 5, 5],
    [0, 0, 4, 0],
    [1, 4, 2, 3],
    [1, 1, -3, 2],
  ],
  [
    [2, 3, 2, 3, 2],
    [1, 0, 1, 0, 1],
    [1, 2, 1, 3, 1],
    [1, 2, 1, 1, 1],
  ],
  [
    [2, 2, 3, 2, 3, 2],
    [0, 1, 2, 0, 0, 1],
    [2, 1, 3, 1, 2, 2],
    [1, 1, -1, 1, 2, -1],
  ],
];

describeOp("slice", {
  ...MOVED,
  cases: [
    ...slices.map(([x, starts, sizes, steps]) => ({
      name: `${text(x)} from ${text(starts)} by ${text(steps)}`,
      inputs: [of(x)],
      attrs: { starts, sizes, steps },
      shape: sizes,
    })),
  ],
});
describeOp("sliceGrad", {
  ...MOVED,
  cases: slices.map(([shape, starts, sizes, steps]) => ({
    name: `${text(shape)} from ${text(starts)} by ${text(steps)}`,
    inputs: [of(sizes)],
    attrs: { starts, steps, shape },
    shape,
  })),
});
describeOp("slice", {
  bound: { abs: 0, rel: 0 },
  cases: [{ name: "i32", inputs: [of([2, 5, 4], "i32")], attrs: { starts: [1, 0, 3], sizes: [1, 3, 4], steps: [1, 2, -1] } }],
});

const constantPads: readonly (readonly [x: Shape, begin: readonly number[], end: readonly number[], y: Shape])[] = [
  [[1], [2], [3], [6]],
  [[5], [-1], [-2], [2]],
  [
    [2, 3],
    [1, 2],
    [1, 2],
    [4, 7],
  ],
  [
    [1, 3, 4, 5],
    [0, 0, 1, 3],
    [0, 0, 2, 4],
    [1, 3, 7, 12],
  ],
  [
    [1, 3, 4, 5],
    [1, 3, 3, 2],
    [2, 4, 3, 1],
    [4, 10, 10, 8],
  ],
  [
    [1, 4, 3, 3],
    [0, 0, 100, 100],
    [0, 0, 0, 1],
    [1, 4, 103, 104],
  ],
  [
    [2, 8, 4, 5],
    [0, 0, -1, 2],
    [0, 0, 3, -3],
    [2, 8, 6, 4],
  ],
  [
    [2, 5, 4, 5],
    [0, -2, 0, 0],
    [0, -1, 0, 0],
    [2, 2, 4, 5],
  ],
  [
    [2, 3, 2, 1, 2],
    [0, 1, 0, 2, 0],
    [1, 0, 0, 0, 0],
    [3, 4, 2, 3, 2],
  ],
];
describeOp("pad", {
  ...MOVED,
  cases: constantPads.flatMap(([x, begin, end, shape]) =>
    // 0.5 is exact in f32: bit for bit.
    [0, 0.5].map((value) => ({
      name: `${text(x)} by ${text(begin)} and ${text(end)} with ${value}`,
      inputs: [of(x)],
      attrs: { begin, end, value },
      shape,
    })),
  ),
});
describeOp("pad", {
  bound: { abs: 0, rel: 0 },
  cases: [
    {
      name: "i32 with -7",
      inputs: [of([1, 3, 4], "i32")],
      attrs: { begin: [0, 1, 2], end: [1, 0, -1], value: -7 },
      shape: [2, 4, 5],
    },
  ],
});

const borderPads: readonly (readonly [x: Shape, begin: readonly number[], end: readonly number[]])[] = [
  [[], [], []],
  [[1], [2], [3]],
  [[5], [0], [0]],
  [[5], [4], [4]],
  [[3], [10], [11]],
  [
    [2, 3],
    [1, 2],
    [1, 2],
  ],
  [
    [2, 3, 4, 4],
    [0, 0, 3, 1],
    [0, 0, 2, 2],
  ],
  [
    [1, 2, 3, 3],
    [0, 1, 0, 0],
    [0, 4, 0, 0],
  ],
  [
    [2, 5, 3, 1],
    [1, 3, 2, 4],
    [0, 0, 2, 0],
  ],
  [
    [2, 2, 3, 2, 2],
    [1, 0, 2, 0, 1],
    [0, 1, 0, 0, 1],
  ],
];
for (const op of ["padBorder", "padBorderGrad"] as const) {
  describeOp(op, {
    exact: true,
    // Each of dx sums the positions of dy that it fills: 14 per axis at most here.
    bound: op === "padBorder" ? { abs: 0, rel: 0 } : { terms: () => 200 },
    differentiable: [0],
    cases: (["edge", "reflect", "symmetric", "wrap"] satisfies BorderMode[]).flatMap((mode) =>
      borderPads.map(([x, begin, end]) => {
        const padded = x.map((n, i) => n + begin[i]! + end[i]!);
        const [from, shape] = op === "padBorder" ? [x, padded] : [padded, x];
        return {
          name: `${mode} ${text(x)} by ${text(begin)} and ${text(end)}`,
          inputs: [of(from)],
          attrs: { begin, end, mode },
          shape,
        };
      }),
    ),
  });
}
