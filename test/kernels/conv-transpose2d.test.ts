import { PLAIN_EPILOGUE } from "../../src/kernels/conv-geometry.js";
import type { ConvTranspose2dAttrs } from "../../src/kernels/conv-transpose2d.js";
import { describeOp, type CaseInput, type OpCase } from "../harness/op-cases.js";

const plain: ConvTranspose2dAttrs = {
  stride: [1, 1],
  padding: [0, 0, 0, 0],
  dilation: [1, 1],
  groups: 1,
  outputPadding: [0, 0],
  crop: null,
  ...PLAIN_EPILOGUE,
};

/** One case; `bias` and `extra` operands are added where the attributes ask for them. */
function deconv(
  x: number[],
  weight: number[],
  shape: number[],
  attrs: Partial<ConvTranspose2dAttrs> = {},
): OpCase<"convTranspose2d"> {
  const all = { ...plain, ...attrs };
  return {
    name: `[${x.join(", ")}] * [${weight.join(", ")}] ${JSON.stringify(attrs)}`,
    inputs: [
      { shape: x },
      { shape: weight },
      ...(all.bias ? [{ shape: [shape[1]!] }] : []),
      ...(all.extra === "none" ? [] : [{ shape }]),
    ],
    attrs: all,
    shape,
  };
}

/** The same case with a weight that is zero off its diagonal, and says so. */
function diagonal(of: OpCase<"convTranspose2d">): OpCase<"convTranspose2d"> {
  const [x, weight, ...others] = of.inputs as [CaseInput, CaseInput, ...CaseInput[]];
  const [channels, , kh, kw] = weight.shape as [number, number, number, number];
  const values = (i: number, random: () => number): number =>
    Math.floor(i / (kh * kw)) % (channels + 1) === 0 ? random() * 2 - 1 : 0;
  return {
    ...of,
    name: `${of.name} diagonal`,
    inputs: [x, { ...weight, values }, ...others],
    attrs: { ...of.attrs, diagonal: true },
  };
}

const everySize = [1, 2, 3, 4, 5, 7, 8, 9].map((size) =>
  deconv([1, 4, size, size], [4, 4, 3, 3], [1, 4, size, size], { padding: [1, 1, 1, 1] }),
);
const everyKernel = [1, 2, 3, 4, 5, 6, 7].map((k) => deconv([1, 3, 5, 4], [3, 5, k, k], [1, 5, 4 + k, 3 + k], {}));
const everyStride = [2, 3, 4, 8].map((s) => deconv([1, 5, 3, 4], [5, 6, 2 * s, 2 * s], [1, 6, 4 * s, 5 * s], { stride: [s, s] }));

describeOp("convTranspose2d", {
  exact: true,
  bound: { terms: ([, weight]) => weight!.shape[0]! * weight!.shape[2]! * weight!.shape[3]! + 2 },
  differentiable: [0, 1, 2, 3],
  cases: [
    ...everySize,
    ...everyKernel,
    ...everyStride,
    ...[1, 2, 3, 5, 8, 13].map((c) => deconv([1, c, 4, 5], [c, 14 - c, 3, 3], [1, 14 - c, 6, 7], { bias: true })),
    deconv([3, 5, 4, 6], [5, 7, 2, 3], [3, 7, 5, 8]),
    // Enough channels and pixels for whole tiles of every variant, and odd ends beside them.
    deconv([2, 24, 9, 7], [24, 20, 3, 3], [2, 20, 9, 7], { padding: [1, 1, 1, 1], extra: "mask" }),
    deconv([1, 44, 10, 13], [44, 36, 3, 3], [1, 36, 11, 14], { padding: [0, 1, 1, 0], bias: true }),
    deconv([1, 68, 18, 17], [68, 12, 1, 1], [1, 12, 18, 17], { relu: true }),
    // FCN's upsampling: kernel 2 s - s % 2, odd factors, 63 over 32 leaves phases with fewer taps.
    deconv([1, 21, 3, 3], [21, 21, 4, 4], [1, 21, 8, 8], { stride: [2, 2] }),
    deconv([1, 2, 3, 2], [2, 2, 5, 5], [1, 2, 11, 8], { stride: [3, 3] }),
    deconv([1, 2, 2, 2], [2, 3, 63, 63], [1, 3, 95, 95], { stride: [32, 32] }),
    // More pixels in a phase and more channels than a tile of `subgroup` holds, in two images; phases without a tap.
    deconv([2, 5, 9, 7], [5, 40, 4, 4], [2, 40, 20, 16], { stride: [2, 2] }),
    deconv([2, 7, 5, 8], [7, 9, 3, 2], [2, 9, 13, 24], { stride: [2, 3], dilation: [2, 2] }),
    // Crops.
    deconv([1, 4, 3, 3], [4, 5, 4, 4], [1, 5, 5, 4], { stride: [2, 2], crop: { offset: [1, 2], size: [5, 4] } }),
    deconv([1, 4, 5, 5], [4, 5, 3, 3], [1, 5, 3, 5], {
      padding: [1, 0, 0, 1],
      crop: { offset: [2, 0], size: [3, 5] },
      bias: true,
      relu: true,
    }),
    deconv([2, 3, 3, 3], [3, 3, 16, 16], [2, 3, 13, 9], {
      stride: [8, 8],
      crop: { offset: [9, 9], size: [13, 9] },
      extra: "add",
    }),
    // Padding, asymmetric and large; outputPadding, also as large as the stride.
    deconv([1, 3, 5, 6], [3, 4, 3, 3], [1, 4, 5, 4], { padding: [2, 1, 0, 3] }),
    deconv([1, 3, 9, 9], [3, 4, 3, 3], [1, 4, 1, 3], { padding: [5, 4, 5, 4] }),
    deconv([1, 3, 4, 4], [3, 4, 3, 3], [1, 4, 8, 9], { stride: [2, 2], padding: [1, 1, 1, 1], outputPadding: [1, 2] }),
    deconv([2, 4, 3, 3], [4, 4, 2, 2], [2, 4, 12, 14], { stride: [4, 4], outputPadding: [2, 4], bias: true }),
    // Stride above the kernel: pixels without any tap. Dilations, with and without a divisor in common with the stride.
    deconv([1, 4, 3, 3], [4, 4, 2, 2], [1, 4, 12, 12], { stride: [5, 5], bias: true }),
    deconv([1, 3, 5, 4], [3, 4, 3, 3], [1, 4, 9, 8], { dilation: [2, 2] }),
    deconv([1, 4, 4, 3], [4, 4, 3, 4], [1, 4, 13, 15], { dilation: [3, 3], stride: [2, 2], outputPadding: [0, 1] }),
    deconv([1, 4, 3, 3], [4, 5, 3, 2], [1, 5, 17, 9], { dilation: [4, 2], stride: [4, 3], padding: [0, 0, 0, 0] }),
    deconv([1, 4, 4, 4], [4, 5, 3, 3], [1, 5, 21, 25], {
      dilation: [4, 6],
      stride: [6, 4],
      padding: [3, 0, 3, 0],
      outputPadding: [0, 0],
    }),
    // Groups: aligned, unaligned, depthwise (Caffe's bilinear filler).
    deconv([1, 8, 4, 4], [8, 4, 3, 3], [1, 8, 6, 6], { groups: 2, bias: true }),
    deconv([1, 8, 4, 4], [8, 4, 4, 4], [1, 8, 10, 10], { groups: 2, stride: [2, 2] }),
    deconv([1, 6, 3, 3], [6, 2, 3, 3], [1, 4, 5, 5], { groups: 2 }),
    deconv([1, 5, 3, 3], [5, 1, 4, 4], [1, 5, 8, 8], { groups: 5, stride: [2, 2] }),
    deconv([2, 8, 5, 7], [8, 1, 3, 3], [2, 8, 5, 7], { groups: 8, padding: [1, 1, 1, 1], bias: true, relu: true }),
    deconv([1, 6, 3, 4], [6, 1, 5, 3], [1, 6, 11, 12], { groups: 6, stride: [3, 3], dilation: [1, 1], extra: "mask" }),
    deconv([1, 4, 3, 3], [4, 1, 3, 2], [1, 4, 17, 9], { groups: 4, dilation: [4, 2], stride: [4, 3] }),
    // The same from a dense weight that is known to be diagonal: frozen bilinear upsampling, with a skip's sum and a crop.
    diagonal(deconv([1, 21, 3, 3], [21, 21, 4, 4], [1, 21, 8, 8], { stride: [2, 2] })),
    diagonal(
      deconv([2, 3, 3, 3], [3, 3, 16, 16], [2, 3, 13, 9], {
        stride: [8, 8],
        crop: { offset: [9, 9], size: [13, 9] },
        extra: "add",
      }),
    ),
    diagonal(deconv([1, 2, 2, 2], [2, 2, 63, 63], [1, 2, 95, 95], { stride: [32, 32] })),
    // Fused epilogues.
    ...[true, false].flatMap((relu) =>
      (["none", "add", "mask"] as const).flatMap((extra) => [
        deconv([1, 4, 6, 6], [4, 5, 3, 3], [1, 5, 6, 6], { bias: relu, relu, extra, padding: [1, 1, 1, 1] }),
        deconv([1, 6, 3, 4], [6, 6, 4, 4], [1, 6, 8, 10], { bias: true, relu, extra, stride: [2, 2] }),
        deconv([1, 6, 5, 5], [6, 9, 1, 1], [1, 9, 5, 5], { bias: !relu, relu, extra }),
      ]),
    ),
    // Long sums; the data gradient of a whole-window layer.
    deconv([1, 256, 4, 4], [256, 8, 3, 3], [1, 8, 4, 4], { padding: [1, 1, 1, 1] }),
    deconv([2, 40, 1, 1], [40, 12, 7, 7], [2, 12, 7, 7], {}),
  ],
});
