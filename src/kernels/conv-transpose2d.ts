/**
 * Transposed convolution (Caffe's deconvolution), the second of the three adjoints in conv-geometry.ts:
 *
 *   y[n, o, h s - p + u d, w s - p + v d] += x[n, c, h, w] weight[c, o, u, v], then + bias[o]
 *
 * x: [N, C, H, W]; weight: [C, O/groups, Kh, Kw]; bias: [O]; y: [N, O, (H - 1) s + (Kh - 1) d + 1 - pads + outputPadding, ...].
 * It is the data gradient of the convolution with the same weight tensor: in memory C-Kh-Kw-O, so a tap adds x times four outputs.
 * Computed as a gather over the taps that exist for an output pixel, never over a zero-stuffed input.
 */
import { ShapeError } from "../tensor/errors.js";
import { ceilTo, physicalSize } from "../tensor/layout.js";
import { formatShape, type Shape, type TensorSpec } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import {
  checkEpilogue,
  checkImage,
  convTransposeSize,
  formOf,
  geometryOf,
  maskInputs,
  pairOf,
  PLAIN_EPILOGUE,
  type ConvEpilogue,
  type ConvGeometry,
  type ConvOptions,
  type Pair,
  type Pair2,
  type TrilinearForm,
} from "./conv-geometry.js";
import { epilogueBuffers, epilogueConstants, epilogueGrad } from "./conv-epilogue.js";
import { convVariants } from "./conv-variants.js";
import { usefulFlops, type DiagonalWeight } from "./conv-depthwise.js";
import { validTaps } from "./conv-taps.js";
import { conv2dOp } from "./conv2d.js";
import { conv2dWeightGradOp } from "./conv2d-weight-grad.js";
import { apply, dispatch, grid, inputRef, type Op, type Variant } from "./op.js";
import { reduceSum } from "./reduce.js";

export interface ConvTranspose2dAttrs extends ConvGeometry, ConvEpilogue, DiagonalWeight {
  readonly outputPadding: Pair2;
  /** Only this window of the output is computed and written (fused crop); null: all of it. */
  readonly crop: { readonly offset: Pair2; readonly size: Pair2 } | null;
}

/**
 * Transposed convolution, the gradient of conv2d with respect to its input: Caffe's Deconvolution, ONNX's ConvTranspose.
 * x: [N, C, H, W]; weight: [C, O/groups, Kh, Kw]; bias: [O] or null; all f32. Returns [N, O, H', W'] with
 * H' = (H - 1) stride + (Kh - 1) dilation + 1 - top - bottom + outputPadding; the outputPadding rows and columns lie at the bottom and right
 * and are computed, not filled with zeros. Throws ShapeError when ranks, dtypes, channels or groups do not fit, or when the output is empty.
 *
 *     const up = convTranspose2d(score, param("upscore2.weight", [21, 21, 4, 4], bilinear()), null, { stride: 2 });
 */
export function convTranspose2d(
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  options: ConvOptions & { readonly outputPadding?: Pair } = {},
): Tensor {
  const attrs: ConvTranspose2dAttrs = {
    ...geometryOf("convTranspose2d", options),
    ...PLAIN_EPILOGUE,
    bias: bias !== null,
    outputPadding: pairOf("convTranspose2d", "outputPadding", options.outputPadding ?? 0, 0),
    crop: null,
  };
  return apply(convTranspose2dOp, bias ? [x, weight, bias] : [x, weight], attrs);
}

export const convTranspose2dOp: Op<ConvTranspose2dAttrs> = {
  name: "convTranspose2d",
  infer(inputs, attrs) {
    const shape = convTranspose2dShape(inputs, attrs);
    checkEpilogue("convTranspose2d", inputs, attrs, shape);
    return { shape, dtype: "f32" };
  },
  variants(inputs, output, attrs, device) {
    const form = convTranspose2dForm(inputs, output.shape, attrs);
    return [directVariant(form, output.shape, attrs), ...convVariants(form, true, attrs, device)];
  },
  flops: (inputs, output, attrs) => usefulFlops(convTranspose2dForm(inputs, output.shape, attrs), attrs),
  decidedBy: maskInputs,
  grad(dy, inputs, y, attrs) {
    const [x, weight] = inputs as [Tensor, Tensor];
    const { gradient, extra } = epilogueGrad(dy, inputs, y, attrs);
    const geometry = gatherGeometry(x.shape, y.shape, weight.shape, attrs);
    return [
      apply(conv2dOp, [gradient, weight], { ...geometry, ...PLAIN_EPILOGUE }),
      apply(conv2dWeightGradOp, [gradient, x], { ...geometry, kernel: [weight.shape[2]!, weight.shape[3]!] }),
      ...(attrs.bias ? [reduceSum(gradient, [0, 2, 3])] : []),
      ...(attrs.extra === "none" ? [] : [extra]),
    ];
  },
};

function convTranspose2dShape([x, weight]: readonly TensorSpec[], attrs: ConvTranspose2dAttrs): Shape {
  checkImage("convTranspose2d", "x", "[N, C, H, W]", x!);
  checkImage("convTranspose2d", "weight", "[C, O/groups, Kh, Kw]", weight!);
  const [n, c, h, w] = x!.shape as [number, number, number, number];
  const [channels, perGroup, kh, kw] = weight!.shape as [number, number, number, number];
  const { groups, stride, padding, dilation, outputPadding, crop } = attrs;
  const both = `(x is ${formatShape(x!.shape)}, weight is ${formatShape(weight!.shape)})`;
  if (c !== channels) throw new ShapeError(`convTranspose2d: input has ${c} channels but weight expects ${channels} ${both}`);
  if (c % groups !== 0)
    throw new ShapeError(
      `convTranspose2d: ${c} input channels do not divide into ${groups} groups ${both}: change groups or the weight`,
    );
  const full = [
    convTransposeSize(h, kh, stride[0], padding[0] + padding[2], dilation[0], outputPadding[0]),
    convTransposeSize(w, kw, stride[1], padding[1] + padding[3], dilation[1], outputPadding[1]),
  ] as const;
  if (full[0] < 1 || full[1] < 1) {
    throw new ShapeError(
      `convTranspose2d: the output would be ${full[0]}x${full[1]} with padding [${padding.join(", ")}] ${both}: pad less`,
    );
  }
  if (crop && ([0, 1] as const).some((a) => crop.offset[a] < 0 || crop.size[a] < 1 || crop.offset[a] + crop.size[a] > full[a])) {
    throw new ShapeError(
      `convTranspose2d: the crop of ${crop.size.join("x")} at [${crop.offset.join(", ")}] does not lie in the output of ${full.join("x")} ${both}`,
    );
  }
  return [n, perGroup * groups, ...(crop ? crop.size : full)];
}

/** The geometry of the conv2d from y to x whose adjoint this op is. A crop is padding at the top and left, and a size. */
function gatherGeometry(x: Shape, y: Shape, weight: Shape, attrs: ConvTranspose2dAttrs): ConvGeometry {
  const { stride, dilation, groups } = attrs;
  const begin = (axis: 0 | 1): number => attrs.padding[axis] + (attrs.crop?.offset[axis] ?? 0);
  const end = (axis: 0 | 1): number =>
    convTransposeSize(x[2 + axis]!, weight[2 + axis]!, stride[axis], begin(axis), dilation[axis], 0) - y[2 + axis]!;
  return { stride, dilation, groups, padding: [begin(0), begin(1), end(0), end(1)] };
}

function convTranspose2dForm([x, weight]: readonly TensorSpec[], y: Shape, attrs: ConvTranspose2dAttrs): TrilinearForm {
  return formOf(y, x!.shape, weight!.shape, gatherGeometry(x!.shape, y, weight!.shape, attrs));
}

/** One invocation per element of y in memory. In the form y is x (see conv-geometry.ts), so `form.x` is the output's size. */
function directVariant(form: TrilinearForm, y: Shape, epilogue: ConvEpilogue): Variant {
  const count = physicalSize(y);
  const taps = [validTaps(form.stride[0], form.dilation[0]), validTaps(form.stride[1], form.dilation[1])] as const;
  return {
    name: "direct",
    dispatches: [
      dispatch("conv-transpose2d.direct", {
        params: {
          count,
          in_size: form.y,
          out_size: form.x,
          kernel: form.kernel,
          stride: form.stride,
          pad: form.pad,
          dilation: form.dilation,
          tap_step: [taps[0].step, taps[1].step],
          tap_divisor: [taps[0].divisor, taps[1].divisor],
          tap_inverse: [taps[0].inverse, taps[1].inverse],
          in_pitch: ceilTo(form.outputs, 4),
          in_per_group: form.outputs / form.groups,
          out_channels: form.channels,
          out_pitch: ceilTo(form.channels, 4),
          out_per_group: form.channels / form.groups,
        },
        constants: epilogueConstants(epilogue),
        buffers: { x: inputRef(0), weight: inputRef(1), ...epilogueBuffers(epilogue), y: "output" },
        workgroups: grid(count),
      }),
    ],
  };
}
