import { poolWindow, type PoolAttrs } from "../../src/kernels/window.js";
import type { Shape } from "../../src/tensor/shape.js";
import { describeOp } from "../harness/op-cases.js";

const cases: readonly { x: Shape; attrs: PoolAttrs; y: Shape }[] = [
  { x: [1, 1, 1, 1], attrs: { kernel: 1 }, y: [1, 1, 1, 1] },
  { x: [2, 3, 7, 5], attrs: { kernel: 2 }, y: [2, 3, 3, 2] },
  { x: [2, 3, 7, 5], attrs: { kernel: 2, ceil: true }, y: [2, 3, 4, 3] },
  { x: [1, 5, 4, 4], attrs: { kernel: 3, stride: 2, padding: 1, ceil: true }, y: [1, 5, 3, 3] },
  { x: [1, 4, 6, 6], attrs: { kernel: 3, stride: 2, ceil: true }, y: [1, 4, 3, 3] },
  { x: [1, 2, 6, 6], attrs: { kernel: 1, stride: 2, ceil: true }, y: [1, 2, 3, 3] },
  { x: [1, 2, 2, 2], attrs: { kernel: 3, stride: 2, ceil: true }, y: [1, 2, 1, 1] },
  { x: [1, 21, 9, 11], attrs: { kernel: [3, 2], stride: [1, 3], padding: [0, 1, 2, 0], dilation: [2, 1] }, y: [1, 21, 7, 4] },
  { x: [1, 3, 8, 9], attrs: { kernel: 2, stride: 5, padding: 1, ceil: true }, y: [1, 3, 2, 2] },
  { x: [1, 3, 8, 9], attrs: { kernel: 2, stride: 4, padding: 1, ceil: true }, y: [1, 3, 3, 3] },
  // Windows without a pixel.
  { x: [1, 3, 2, 2], attrs: { kernel: 2, stride: 1, padding: 4 }, y: [1, 3, 9, 9] },
  { x: [1, 3, 1, 1], attrs: { kernel: 2, stride: 1, padding: 1, dilation: 2 }, y: [1, 3, 1, 1] },
  // Windows far larger than the image.
  { x: [1, 3, 13, 17], attrs: { kernel: 30, stride: 5, padding: 15 }, y: [1, 3, 3, 4] },
  { x: [1, 1, 60, 52], attrs: { kernel: 50, stride: 5 }, y: [1, 1, 3, 1] },
];

const described = cases.flatMap(({ x, attrs, y }) =>
  [false, true].map((countIncludePad) => ({
    x,
    y,
    attrs: { ...poolWindow("averagePool2d", attrs), countIncludePad },
    name: `[${x.join(", ")}] ${JSON.stringify(attrs)}${countIncludePad ? " padding counts" : ""}`,
  })),
);

describeOp("averagePool2d", {
  // One more term for each tap; a division is off by up to 2.5 ulp.
  bound: { terms: (_inputs, { kernel }) => kernel[0] * kernel[1] + 4 },
  differentiable: [0],
  cases: described.map(({ name, x, attrs, y }) => ({ name, inputs: [{ shape: x }], attrs, shape: y })),
});

describeOp("averagePool2dGrad", {
  bound: { terms: (_inputs, { kernel }) => kernel[0] * kernel[1] + 4 },
  differentiable: [0],
  cases: described.map(({ name, x, attrs, y }) => ({
    name,
    inputs: [{ shape: y }],
    attrs: { ...attrs, size: [x[2]!, x[3]!] as const },
    shape: x,
  })),
});
