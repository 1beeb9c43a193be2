import { PLAIN_EPILOGUE } from "../../src/kernels/conv-geometry.js";
import type { Conv2dAttrs } from "../../src/kernels/conv2d.js";
import { describeOp, type OpCase } from "../harness/op-cases.js";

const plain: Conv2dAttrs = { stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1], groups: 1, ...PLAIN_EPILOGUE };

/** One case; `bias` and `extra` operands are added where the attributes ask for them. */
function conv(x: number[], weight: number[], shape: number[], attrs: Partial<Conv2dAttrs> = {}): OpCase<"conv2d"> {
  const all = { ...plain, ...attrs };
  return {
    name: `[${x.join(", ")}] * [${weight.join(", ")}] ${JSON.stringify(attrs)}`,
    inputs: [
      { shape: x },
      { shape: weight },
      ...(all.bias ? [{ shape: [weight[0]!] }] : []),
      ...(all.extra === "none" ? [] : [{ shape }]),
    ],
    attrs: all,
    shape,
  };
}

const everySize = [1, 2, 3, 4, 5, 7, 8, 9].map((size) =>
  conv([1, 4, size, size], [4, 4, 3, 3], [1, 4, size, size], { padding: [1, 1, 1, 1] }),
);
const everyKernel = [1, 2, 3, 4, 5, 6, 7].map((k) => conv([1, 3, 9, 8], [5, 3, k, k], [1, 5, 10 - k, 9 - k], {}));
const everyChannelCount = [1, 2, 3, 4, 5, 8, 13].map((c) =>
  conv([1, c, 5, 6], [14 - c, c, 3, 3], [1, 14 - c, 3, 4], { bias: true }),
);

describeOp("conv2d", {
  exact: true,
  bound: { terms: ([, weight]) => weight!.shape[1]! * weight!.shape[2]! * weight!.shape[3]! + 2 },
  differentiable: [0, 1, 2, 3],
  cases: [
    ...everySize,
    ...everyKernel,
    ...everyChannelCount,
    // Batches, ragged tiles on both axes, unequal kernels.
    conv([3, 5, 6, 11], [7, 5, 2, 3], [3, 7, 5, 9]),
    conv([2, 4, 13, 4], [6, 4, 5, 1], [2, 6, 9, 4], { bias: true }),
    conv([2, 6, 1, 17], [9, 6, 1, 7], [2, 9, 1, 11]),
    // Enough channels and pixels for whole tiles of every variant, and odd ends beside them.
    conv([2, 20, 9, 7], [24, 20, 3, 3], [2, 24, 9, 7], { padding: [1, 1, 1, 1], bias: true, relu: true }),
    conv([1, 36, 11, 13], [44, 36, 3, 3], [1, 44, 10, 13], { padding: [0, 1, 1, 1], extra: "add" }),
    conv([1, 12, 18, 17], [68, 12, 1, 1], [1, 68, 18, 17], { bias: true, extra: "mask" }),
    // Padding: asymmetric, larger than the kernel, 100 as in FCN.
    conv([1, 2, 4, 5], [3, 2, 3, 3], [1, 3, 5, 8], { padding: [2, 1, 1, 4] }),
    conv([1, 2, 3, 2], [2, 2, 2, 2], [1, 2, 12, 9], { padding: [5, 4, 5, 4] }),
    conv([1, 1, 2, 3], [2, 1, 3, 3], [1, 2, 200, 201], { padding: [100, 100, 100, 100] }),
    // Strides: with rows left over at the end, larger than the kernel, unequal.
    conv([1, 3, 8, 8], [4, 3, 3, 3], [1, 4, 3, 3], { stride: [2, 2] }),
    conv([2, 4, 10, 9], [5, 4, 3, 2], [2, 5, 3, 2], { stride: [3, 5], padding: [0, 1, 1, 0] }),
    conv([1, 4, 9, 9], [4, 4, 2, 2], [1, 4, 2, 2], { stride: [5, 5] }),
    conv([1, 3, 23, 23], [8, 3, 11, 11], [1, 8, 4, 4], { stride: [4, 4], bias: true, relu: true }),
    // Dilations.
    conv([1, 3, 9, 9], [4, 3, 3, 3], [1, 4, 5, 5], { dilation: [2, 2] }),
    conv([1, 4, 11, 12], [4, 4, 3, 2], [1, 4, 6, 6], { dilation: [3, 2], padding: [1, 0, 0, 1], stride: [1, 2] }),
    conv([1, 4, 12, 12], [4, 4, 2, 2], [1, 4, 4, 4], { dilation: [4, 4], stride: [2, 2] }),
    // Groups: aligned, unaligned, depthwise.
    conv([1, 8, 5, 5], [8, 4, 3, 3], [1, 8, 3, 3], { groups: 2, bias: true }),
    conv([2, 16, 6, 6], [24, 4, 3, 3], [2, 24, 6, 6], { groups: 4, padding: [1, 1, 1, 1] }),
    conv([1, 6, 5, 5], [4, 3, 3, 3], [1, 4, 3, 3], { groups: 2 }),
    conv([1, 5, 6, 6], [10, 1, 3, 3], [1, 10, 4, 4], { groups: 5 }),
    conv([2, 8, 7, 6], [8, 1, 3, 3], [2, 8, 4, 3], { groups: 8, stride: [2, 2], padding: [1, 1, 1, 1], bias: true, relu: true }),
    conv([1, 6, 9, 9], [6, 1, 5, 2], [1, 6, 5, 8], { groups: 6, dilation: [1, 1], extra: "add" }),
    // From a dense weight that is known to be diagonal: the data gradient of frozen bilinear upsampling.
    {
      ...conv([2, 6, 10, 12], [6, 6, 4, 4], [2, 6, 4, 5], { stride: [2, 2] }),
      name: "a diagonal weight",
      inputs: [
        { shape: [2, 6, 10, 12] },
        { shape: [6, 6, 4, 4], values: (i, random) => (Math.floor(i / 16) % 7 === 0 ? random() * 2 - 1 : 0) },
      ],
      attrs: { ...plain, stride: [2, 2], diagonal: true },
    },
    // Negative padding, as fused crops leave: rows and columns that are not visited.
    conv([2, 5, 9, 8], [6, 5, 3, 3], [2, 6, 4, 3], { padding: [-2, -1, -1, -2] }),
    conv([1, 4, 12, 11], [5, 4, 3, 2], [1, 5, 4, 6], { padding: [-3, 1, 1, 0], stride: [2, 2] }),
    conv([1, 20, 9, 10], [24, 20, 1, 1], [1, 24, 5, 4], { padding: [-1, -3, -3, -3], bias: true }),
    conv([1, 8, 7, 7], [6, 4, 1, 1], [1, 6, 7, 7], { groups: 2 }),
    // 1x1, the whole window (a classifier's layer), tiles - 1, + 0, + 1.
    conv([1, 13, 5, 7], [21, 13, 1, 1], [1, 21, 5, 7], { bias: true }),
    conv([2, 16, 4, 4], [10, 16, 4, 4], [2, 10, 1, 1], { bias: true }),
    conv([1, 12, 7, 7], [33, 12, 7, 7], [1, 33, 1, 1], { bias: true, relu: true }),
    conv([3, 8, 5, 5], [31, 8, 4, 4], [3, 31, 2, 2]),
    ...[7, 8, 9].flatMap((o) => [15, 16, 17].map((w) => conv([1, 8, 1, w], [o, 8, 1, 1], [1, o, 1, w]))),
    ...[7, 8, 9].flatMap((o) => [3, 4, 5].map((h) => conv([1, 5, h + 2, 10], [o, 5, 3, 3], [1, o, h, 8]))),
    // LeNet, and VGG's first layer in small.
    conv([2, 1, 12, 12], [20, 1, 5, 5], [2, 20, 8, 8], { bias: true }),
    conv([1, 20, 8, 8], [50, 20, 5, 5], [1, 50, 4, 4], { bias: true }),
    conv([1, 3, 10, 12], [64, 3, 3, 3], [1, 64, 10, 12], { bias: true, relu: true, padding: [1, 1, 1, 1] }),
    // Fused epilogues.
    ...[true, false].flatMap((relu) =>
      (["none", "add", "mask"] as const).flatMap((extra) => [
        conv([1, 4, 6, 6], [5, 4, 3, 3], [1, 5, 6, 6], { bias: relu, relu, extra, padding: [1, 1, 1, 1] }),
        conv([1, 6, 7, 5], [6, 6, 3, 3], [1, 6, 4, 3], { bias: true, relu, extra, padding: [1, 1, 1, 1], stride: [2, 2] }),
        conv([1, 6, 5, 5], [9, 6, 1, 1], [1, 9, 5, 5], { bias: !relu, relu, extra }),
      ]),
    ),
    // Long sums.
    conv([1, 256, 4, 4], [8, 256, 3, 3], [1, 8, 4, 4], { padding: [1, 1, 1, 1] }),
    // Gradients of transposed convolutions: rows at the end that are not visited.
    conv([1, 4, 9, 9], [4, 4, 3, 3], [1, 4, 3, 3], { stride: [2, 2], padding: [0, 0, -2, -2] }),
  ],
});
