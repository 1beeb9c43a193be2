import { maxPool2dOp } from "../../src/kernels/max-pool.js";
import { MOST_TAPS, maxPool2dTapsOp } from "../../src/kernels/max-pool-taps.js";
import { poolWindow, type PoolAttrs, type PoolWindow } from "../../src/kernels/window.js";
import { maxPool2dTaps } from "../../src/reference/max-pool.js";
import { floats } from "../../src/reference/nd-array.js";
import { REFERENCE } from "../../src/reference/ops.js";
import type { Shape } from "../../src/tensor/shape.js";
import { describeOp } from "../harness/op-cases.js";

const cases: readonly { x: Shape; attrs: PoolAttrs; y: Shape }[] = [
  { x: [1, 1, 1, 1], attrs: { kernel: 1 }, y: [1, 1, 1, 1] },
  { x: [2, 3, 6, 8], attrs: { kernel: 2 }, y: [2, 3, 3, 4] },
  { x: [2, 3, 7, 5], attrs: { kernel: 2 }, y: [2, 3, 3, 2] },
  { x: [2, 3, 7, 5], attrs: { kernel: 2, ceil: true }, y: [2, 3, 4, 3] },
  { x: [1, 4, 7, 8], attrs: { kernel: 3, stride: 2 }, y: [1, 4, 3, 3] },
  { x: [1, 4, 7, 8], attrs: { kernel: 3, stride: 2, ceil: true }, y: [1, 4, 3, 4] },
  { x: [1, 5, 7, 8], attrs: { kernel: 3, stride: 1, padding: 1, ceil: true }, y: [1, 5, 7, 8] },
  { x: [1, 2, 3, 3], attrs: { kernel: 2, padding: 1, ceil: true }, y: [1, 2, 2, 2] },
  { x: [1, 2, 5, 5], attrs: { kernel: 1, stride: 2, ceil: true }, y: [1, 2, 3, 3] },
  { x: [1, 2, 4, 4], attrs: { kernel: 1, stride: 3, ceil: true }, y: [1, 2, 2, 2] },
  { x: [1, 2, 6, 6], attrs: { kernel: 1, stride: 2, ceil: true }, y: [1, 2, 3, 3] },
  { x: [1, 2, 2, 2], attrs: { kernel: 3, stride: 2, ceil: true }, y: [1, 2, 1, 1] },
  // Overlapping windows inside the image, in blocks that end inside and behind it.
  { x: [2, 5, 9, 12], attrs: { kernel: 3, stride: 2 }, y: [2, 5, 4, 5] },
  { x: [1, 3, 6, 5], attrs: { kernel: 3, stride: 1 }, y: [1, 3, 4, 3] },
  { x: [1, 9, 4, 6], attrs: { kernel: 2, stride: 1 }, y: [1, 9, 3, 5] },
  { x: [1, 21, 9, 11], attrs: { kernel: [3, 2], stride: [1, 3], padding: [0, 1, 2, 0], dilation: [2, 1] }, y: [1, 21, 7, 4] },
  { x: [1, 3, 8, 9], attrs: { kernel: 2, stride: 1, dilation: 3 }, y: [1, 3, 5, 6] },
  { x: [1, 3, 8, 9], attrs: { kernel: 2, stride: 5, padding: 1, ceil: true }, y: [1, 3, 2, 2] },
  { x: [1, 3, 8, 9], attrs: { kernel: 2, stride: 4, padding: 1, ceil: true }, y: [1, 3, 3, 3] },
  { x: [1, 1, 13, 17], attrs: { kernel: 7, stride: 3, padding: 6 }, y: [1, 1, 7, 8] },
  { x: [1, 3, 40, 40], attrs: { kernel: 20, stride: 20 }, y: [1, 3, 2, 2] },
  // Windows without a pixel: padding beyond the kernel, dilation across the whole image.
  { x: [1, 3, 2, 2], attrs: { kernel: 2, stride: 1, padding: 4 }, y: [1, 3, 9, 9] },
  { x: [1, 3, 1, 1], attrs: { kernel: 2, stride: 1, padding: 1, dilation: 2 }, y: [1, 3, 1, 1] },
  { x: [1, 3, 2, 2], attrs: { kernel: 2, padding: 4 }, y: [1, 3, 5, 5] },
];
const EMPTY_WINDOWS = 3;

const described = cases.map(({ x, attrs, y }) => ({
  x,
  y,
  attrs: poolWindow("maxPool2d", attrs),
  name: `[${x.join(", ")}] ${JSON.stringify(attrs)}`,
}));
const forward = described.map(({ name, x, attrs, y }) => ({ name, inputs: [{ shape: x }], attrs, shape: y }));
const exact = { exact: true, bound: { abs: 0, rel: 0 } } as const;

describeOp("maxPool2d", {
  ...exact,
  differentiable: [0],
  // All values of a window differ by far more than the step of the difference quotient.
  gradientValues: (i) => ((i * 7919) % 601) / 300 - 1,
  cases: forward.slice(0, -EMPTY_WINDOWS),
});

// Not differentiated: beside the -FLT_MAX of an empty window a difference quotient has no digits left.
describeOp("maxPool2d", { ...exact, cases: forward.slice(-EMPTY_WINDOWS) });

describeOp("maxPool2dIndices", {
  ...exact,
  cases: described.map(({ name, x, attrs, y }, i) => {
    // All four ways to count, one case each.
    const [withinPlane, columnMajor] = [i % 2 === 1, i % 4 > 1];
    return {
      name: `${name}${withinPlane ? " in the plane" : ""}${columnMajor ? " column-major" : ""}`,
      inputs: [{ shape: x }],
      attrs: { ...attrs, withinPlane, columnMajor },
      shape: y,
    };
  }),
});

const fewValues = (i: number): number => (((i * 2654435761) >>> 20) % 4) / 3 - 0.5;
const packable = described.filter(({ attrs }) => attrs.kernel[0] * attrs.kernel[1] <= MOST_TAPS);

describeOp("maxPool2dTaps", {
  ...exact,
  cases: [
    ...packable.map(({ name, x, attrs, y }) => ({ name, inputs: [{ shape: x }], attrs, shape: y })),
    // Ties: the first of equals.
    ...packable.map(({ name, x, attrs, y }) => ({
      name: `${name} with ties`,
      inputs: [{ shape: x, values: fewValues }],
      attrs,
      shape: y,
    })),
  ],
});

// The op's second input is what maxPool2dTaps gives beside y.
describeOp("maxPool2dTapsGrad", {
  exact: true,
  // As for maxPool2dGrad.
  bound: { abs: 72 * 2 ** -24, rel: 0 },
  cases: packable.map(({ name, x, attrs, y }) => {
    const spec = maxPool2dTapsOp.second!([{ shape: x, dtype: "f32" }], attrs);
    const data = Float64Array.from({ length: x.reduce((a, b) => a * b) }, (_, i) => fewValues(i));
    const taps = maxPool2dTaps([floats(x, data)], attrs, spec).data;
    return {
      name,
      inputs: [{ shape: y }, { ...spec, values: (i: number) => taps[i]! }],
      attrs: { ...attrs, shape: x },
      shape: x,
    };
  }),
});

// The op's third input is y = maxPool2d(x). Its values here come from few integers, so that most windows have ties.
describeOp("maxPool2dGrad", {
  exact: true,
  // At most 9 windows share a pixel: 8 additions below 9, each off by at most 9 * 2^-24.
  bound: { abs: 72 * 2 ** -24, rel: 0 },
  cases: described.map(({ name, x, attrs, y }) => {
    return {
      name,
      inputs: [{ shape: y }, { shape: x, values: fewValues }, { shape: y, values: pooledValues(x, attrs, fewValues) }],
      attrs,
      shape: x,
    };
  }),
});

/** What maxPool2d makes of x. */
function pooledValues(x: Shape, attrs: PoolWindow, value: (i: number) => number): (i: number) => number {
  const data = Float64Array.from({ length: x.reduce((a, b) => a * b) }, (_, i) => value(i));
  const pooled = REFERENCE.maxPool2d([floats(x, data)], attrs, maxPool2dOp.infer([{ shape: x, dtype: "f32" }], attrs));
  return (i) => pooled.data[i]!;
}
