import type { Shape } from "../../src/tensor/shape.js";
import { describeOp } from "../harness/op-cases.js";

/** x, axis, the shape without the axis. */
const reductions: readonly (readonly [Shape, number, Shape])[] = [
  [[1], 0, []],
  [[7], 0, []],
  [[2, 2], 0, [2]],
  [[3, 67], 1, [3]],
  [[67, 3], 1, [67]],
  [[2, 3, 4], 0, [3, 4]],
  [[2, 3, 4], 1, [2, 4]],
  [[2, 3, 4], 2, [2, 3]],
  [[2, 21, 5, 7], 1, [2, 5, 7]],
  [[1, 8, 8, 8], 1, [1, 8, 8]],
  [[2, 3, 5, 7], 0, [3, 5, 7]],
  [[2, 3, 5, 7], 2, [2, 3, 7]],
  [[2, 3, 5, 7], 3, [2, 3, 5]],
  [[2, 3, 2, 5, 3], 1, [2, 2, 5, 3]],
  [[2, 3, 2, 5, 3], 4, [2, 3, 2, 5]],
  [[2, 3, 2, 5, 3, 2], 2, [2, 3, 5, 3, 2]],
];

const options = [
  { keepDims: false, selectLastIndex: false },
  { keepDims: true, selectLastIndex: true },
  { keepDims: true, selectLastIndex: false },
  { keepDims: false, selectLastIndex: true },
];

// Small integers are full of ties. Images take every option, other shapes one.
describeOp("argMax", {
  exact: true,
  bound: { abs: 0, rel: 0 },
  cases: reductions.flatMap(([x, axis, y], n) =>
    options
      .filter((_, k) => (x.length === 4 && axis === 1) || k === n % options.length)
      .map(({ keepDims, selectLastIndex }) => ({
        name: `[${x.join(", ")}] along ${axis}${keepDims ? ", kept" : ""}${selectLastIndex ? ", last of equals" : ""}`,
        inputs: [{ shape: x }],
        attrs: { axis, keepDims, selectLastIndex },
        shape: keepDims ? x.map((d, i) => (i === axis ? 1 : d)) : y,
      })),
  ),
});

// Labels and predictions of every kind, also none of the classes: -2 to 6, and 255.
const anyLabel = (i: number, random: () => number): number => (i % 19 === 4 ? 255 : Math.floor(random() * 9) - 2);

describeOp("confusionMatrix", {
  bound: { abs: 0, rel: 0 },
  cases: [[1], [64], [65], [3, 67], [2, 12, 15], [1, 40, 41], [2, 3, 5, 7], [2, 4, 5, 7], [2, 3, 2, 3, 2]].map((shape, i) => {
    const classes = [5, 21, 1][i % 3]!;
    return {
      name: `[${shape.join(", ")}] with ${classes} classes`,
      inputs: [
        { shape, dtype: "i32" as const, values: anyLabel },
        { shape, dtype: "i32" as const, values: anyLabel },
      ],
      attrs: { classes },
      shape: [classes, classes],
    };
  }),
});
