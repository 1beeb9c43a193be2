import type { Conv2dWeightGradAttrs } from "../../src/kernels/conv2d-weight-grad.js";
import { describeOp, type OpCase } from "../harness/op-cases.js";

const plain: Conv2dWeightGradAttrs = { stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1], groups: 1, kernel: [3, 3] };

function weightGrad(
  x: number[],
  dy: number[],
  kernel: [number, number],
  attrs: Partial<Conv2dWeightGradAttrs> = {},
): OpCase<"conv2dWeightGrad"> & OpCase<"conv2dWeightBiasGrad"> {
  const all = { ...plain, ...attrs, kernel };
  return {
    name: `[${x.join(", ")}] * [${dy.join(", ")}] -> ${kernel.join("x")} ${JSON.stringify(attrs)}`,
    inputs: [{ shape: x }, { shape: dy }],
    attrs: all,
    shape: [dy[1]!, x[1]! / all.groups, ...kernel],
  };
}

describeOp("conv2dWeightGrad", {
  exact: true,
  bound: { terms: ([, dy]) => dy!.shape[0]! * dy!.shape[2]! * dy!.shape[3]! },
  differentiable: [0, 1],
  cases: [
    ...[1, 2, 3, 4, 5, 7, 8, 9].map((size) =>
      weightGrad([1, 4, size, size], [1, 4, size, size], [3, 3], { padding: [1, 1, 1, 1] }),
    ),
    ...[1, 2, 3, 4, 5, 6, 7, 8].map((k) => weightGrad([1, 3, 9, 8], [1, 5, 10 - k, 9 - k], [k, k])),
    ...[1, 2, 3, 4, 5, 8, 13, 17].map((c) => weightGrad([2, c, 5, 6], [2, 18 - c, 3, 4], [3, 3])),
    ...[7, 8, 9, 15, 16, 17].map((o) => weightGrad([1, o + 1, 4, 3], [1, o, 4, 3], [1, 1])),
    weightGrad([3, 5, 6, 11], [3, 7, 5, 9], [2, 3]),
    weightGrad([2, 6, 1, 17], [2, 9, 1, 11], [1, 7]),
    // Many pixels: several strips, whose ends fall inside a row.
    weightGrad([1, 3, 37, 41], [1, 6, 37, 41], [3, 3], { padding: [1, 1, 1, 1] }),
    weightGrad([5, 2, 19, 23], [5, 3, 19, 23], [1, 1]),
    weightGrad([1, 1, 1, 1031], [1, 2, 1, 1031], [1, 1]),
    // Padding, stride, dilation, groups, alone and together.
    weightGrad([1, 2, 3, 2], [1, 2, 12, 9], [2, 2], { padding: [5, 4, 5, 4] }),
    weightGrad([1, 3, 8, 8], [1, 4, 3, 3], [3, 3], { stride: [2, 2] }),
    weightGrad([2, 4, 10, 9], [2, 5, 3, 2], [3, 2], { stride: [3, 5], padding: [0, 1, 1, 0] }),
    weightGrad([1, 3, 23, 23], [1, 8, 4, 4], [11, 11], { stride: [4, 4] }),
    weightGrad([1, 3, 9, 9], [1, 4, 5, 5], [3, 3], { dilation: [2, 2] }),
    weightGrad([1, 4, 11, 12], [1, 4, 6, 5], [3, 2], { dilation: [3, 2], padding: [1, 0, 0, 1], stride: [1, 2] }),
    weightGrad([1, 8, 5, 5], [1, 8, 3, 3], [3, 3], { groups: 2 }),
    weightGrad([2, 16, 6, 6], [2, 24, 6, 6], [3, 3], { groups: 4, padding: [1, 1, 1, 1] }),
    weightGrad([1, 6, 5, 5], [1, 4, 3, 3], [3, 3], { groups: 2 }),
    weightGrad([1, 5, 6, 6], [1, 10, 4, 4], [3, 3], { groups: 5 }),
    // A transposed conv's: x and dy exchanged.
    weightGrad([1, 5, 12, 14], [1, 3, 5, 6], [4, 4], { stride: [2, 2] }),
    weightGrad([1, 3, 21, 17], [1, 3, 3, 3], [16, 16], { stride: [8, 8], padding: [9, 9, -2, 2] }),
    // LeNet; the whole window.
    weightGrad([4, 1, 28, 28], [4, 20, 24, 24], [5, 5]),
    weightGrad([2, 20, 12, 12], [2, 50, 8, 8], [5, 5]),
    weightGrad([3, 50, 4, 4], [3, 30, 1, 1], [4, 4]),
  ],
});

describeOp("conv2dWeightBiasGrad", {
  exact: true,
  bound: { terms: ([, dy]) => dy!.shape[0]! * dy!.shape[2]! * dy!.shape[3]! },
  cases: [
    // Strips of the weight, and one alone, which is written where it belongs; bias strips that end inside a row; channels that are no whole vec4s.
    weightGrad([1, 3, 37, 41], [1, 6, 37, 41], [3, 3], { padding: [1, 1, 1, 1] }),
    weightGrad([5, 2, 19, 23], [5, 3, 19, 23], [1, 1]),
    weightGrad([2, 5, 9, 8], [2, 21, 9, 8], [3, 3], { padding: [1, 1, 1, 1] }),
    weightGrad([1, 3, 5, 6], [1, 7, 3, 4], [3, 3]),
    weightGrad([1, 4, 1, 1], [1, 4, 1, 1], [1, 1]),
    weightGrad([2, 16, 11, 12], [2, 24, 11, 12], [3, 3], { groups: 4, padding: [1, 1, 1, 1] }),
    weightGrad([1, 6, 15, 15], [1, 4, 13, 13], [3, 3], { groups: 2 }),
    weightGrad([1, 3, 41, 43], [1, 8, 10, 11], [5, 3], { stride: [4, 4], dilation: [1, 1] }),
    weightGrad([3, 50, 4, 4], [3, 30, 1, 1], [4, 4]),
  ],
});
