import type { Shape } from "../../src/tensor/shape.js";
import { describeOp } from "../harness/op-cases.js";

interface Axis {
  readonly x: Shape;
  readonly axis: number;
  readonly scale: number;
  readonly to: number;
}

const axes: readonly Axis[] = [
  { x: [1, 3, 4, 5], axis: 2, scale: 2, to: 8 },
  { x: [2, 5, 4, 3], axis: 3, scale: 3, to: 9 },
  { x: [1, 4, 10, 3], axis: 2, scale: 0.6, to: 6 },
  { x: [1, 1, 3, 10], axis: 3, scale: Math.fround(0.6), to: 6 },
  { x: [1, 2, 6, 1], axis: 2, scale: 0.4, to: 2 },
  { x: [1, 2, 8, 1], axis: 2, scale: 0.25, to: 2 },
  { x: [1, 2, 5, 4], axis: 2, scale: 1.5, to: 7 },
  { x: [1, 2, 4, 1], axis: 2, scale: 0.25, to: 1 },
  { x: [1, 2, 1, 4], axis: 2, scale: 4, to: 4 },
  { x: [1, 2, 4, 4], axis: 3, scale: 7 / 4, to: 7 },
  // Batch and channel axes, other ranks, more outputs than one table holds.
  { x: [3, 2, 3, 2], axis: 0, scale: 1.7, to: 5 },
  { x: [2, 3, 2, 2], axis: 1, scale: 7 / 3, to: 7 },
  { x: [1, 8, 2, 3], axis: 1, scale: 0.5, to: 4 },
  { x: [7], axis: 0, scale: 2.5, to: 17 },
  { x: [3, 5], axis: 0, scale: 2, to: 6 },
  { x: [2, 3, 4], axis: 1, scale: 1 / 3, to: 1 },
  { x: [2, 171, 3], axis: 1, scale: 6.02, to: 1029 },
  { x: [1, 2, 1100, 1], axis: 2, scale: 0.98, to: 1078 },
];

// The kernels know nothing of modes: every mode's table is compared with the reference in test/unit/resize.test.ts.
const modes = [
  { mode: "nearest", coordinateMode: "half_pixel", nearestMode: "round_prefer_floor" },
  { mode: "linear", coordinateMode: "align_corners", nearestMode: "round_prefer_floor" },
] as const;

const cases = axes.flatMap(({ x, axis, scale, to }) =>
  modes.map((mode) => ({
    x,
    y: x.map((d, i) => (i === axis ? to : d)),
    attrs: { axis, from: x[axis]!, to, scale, ...mode },
    name: `[${x.join(", ")}] axis ${axis} by ${scale.toFixed(4)}, ${mode.mode}`,
  })),
);

// (1 - w) a + w b, |a|, |b| <= 1: w and 1 - w are rounded to f32 once, the products and the sum once each.
const interpolated = { abs: 4 * 2 ** -24, rel: 0 };

const linear = cases.filter(({ attrs }) => attrs.mode === "linear");
const nearest = cases.filter(({ attrs }) => attrs.mode === "nearest");

describeOp("resize", {
  bound: interpolated,
  differentiable: [0],
  cases: linear.map(({ x, y, attrs, name }) => ({ name, inputs: [{ shape: x }], attrs, shape: y })),
});

describeOp("resize", {
  exact: true,
  bound: { abs: 0, rel: 0 },
  differentiable: [0],
  cases: nearest.map(({ x, y, attrs, name }) => ({ name, inputs: [{ shape: x }], attrs, shape: y })),
});

describeOp("resizeGrad", {
  // Up to 2 * 7 such products in a sum, whose partial sums stay below 8.
  bound: { abs: 14 * 8 * 2 ** -24, rel: 0 },
  differentiable: [0],
  cases: cases.map(({ x, y, attrs, name }) => ({ name, inputs: [{ shape: y }], attrs, shape: x })),
});
