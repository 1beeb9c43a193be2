import { describeOp } from "../harness/op-cases.js";

// Every seventh element is none: NaN and both infinities in turn.
const BAD = [NaN, Infinity, -Infinity];
const withBad = (i: number, random: () => number): number => (i % 7 === 3 ? BAD[i % 3]! : 2 * random() - 1);

describeOp("nonFinite", {
  bound: { abs: 0, rel: 0 },
  cases: [[], [1], [5], [64], [65], [3, 67], [2, 12, 15], [1, 3, 5, 7], [2, 4, 5, 7], [2, 3, 2, 3, 2]].map((shape) => ({
    name: `[${shape.join(", ")}]`,
    inputs: [{ shape, values: withBad }],
    attrs: {},
    shape: [1],
  })),
});
