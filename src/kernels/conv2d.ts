/**
 * Convolution (cross-correlation), the first of the three adjoints in conv-geometry.ts:
 *
 *   y[n, o, i, j] = bias[o] + sum over c, u, v of weight[o, c, u, v] x[n, g C/groups + c, i s - p + u d, j s - p + v d]
 *
 * x: [N, C, H, W]; weight: [O, C/groups, Kh, Kw]; bias: [O]; y: [N, O, floor((H + pads - (Kh - 1) d - 1) / s) + 1, ...].
 * In memory: NHWC with C padded to 4; the weight O-Kh-Kw-C, so a tap is a dot product over c, four lanes at a time.
 * (This file, conv-transpose2d.ts and conv2d-weight-grad.ts import each other: each op's gradients are the other two.)
 */
import { ShapeError } from "../tensor/errors.js";
import { ceilTo, physicalSize } from "../tensor/layout.js";
import { formatShape, type Shape, type TensorSpec } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import {
  checkEpilogue,
  checkImage,
  convSize,
  effectiveKernel,
  formOf,
  geometryOf,
  maskInputs,
  PLAIN_EPILOGUE,
  type ConvEpilogue,
  type ConvGeometry,
  type ConvOptions,
  type TrilinearForm,
} from "./conv-geometry.js";
import { epilogueBuffers, epilogueConstants, epilogueGrad } from "./conv-epilogue.js";
import { convVariants } from "./conv-variants.js";
import { usefulFlops, type DiagonalWeight } from "./conv-depthwise.js";
import { convTranspose2dOp } from "./conv-transpose2d.js";
import { conv2dWeightGradOp } from "./conv2d-weight-grad.js";
import { apply, dispatch, grid, inputRef, type Op, type Variant } from "./op.js";
import { reduceSum } from "./reduce.js";

export interface Conv2dAttrs extends ConvGeometry, ConvEpilogue, DiagonalWeight {}

/**
 * Convolution of images with a bank of kernels (cross-correlation, zero padding), as in Caffe, ONNX and PyTorch.
 * x: [N, C, H, W]; weight: [O, C/groups, Kh, Kw]; bias: [O] or null; all f32. Returns [N, O, H', W'] with
 * H' = floor((H + top + bottom - (Kh - 1) dilation - 1) / stride) + 1.
 * Throws ShapeError when ranks, dtypes, channels or groups do not fit, or when the kernel exceeds the padded input.
 *
 *     const f = relu(conv2d(image, param("conv1.weight", [16, 3, 3, 3], heNormal()), null, { padding: 1 }));
 */
export function conv2d(x: Tensor, weight: Tensor, bias: Tensor | null, options: ConvOptions = {}): Tensor {
  const attrs: Conv2dAttrs = { ...geometryOf("conv2d", options), ...PLAIN_EPILOGUE, bias: bias !== null };
  return apply(conv2dOp, bias ? [x, weight, bias] : [x, weight], attrs);
}

export const conv2dOp: Op<Conv2dAttrs> = {
  name: "conv2d",
  infer(inputs, attrs) {
    const shape = conv2dShape(inputs, attrs);
    checkEpilogue("conv2d", inputs, attrs, shape);
    return { shape, dtype: "f32" };
  },
  variants(inputs, output, attrs, device) {
    const form = conv2dForm(inputs, output.shape, attrs);
    return [directVariant(form, output.shape, attrs), ...convVariants(form, false, attrs, device)];
  },
  flops: (inputs, output, attrs) => usefulFlops(conv2dForm(inputs, output.shape, attrs), attrs),
  decidedBy: maskInputs,
  grad(dy, inputs, y, attrs) {
    const [x, weight] = inputs as [Tensor, Tensor];
    const { gradient, extra } = epilogueGrad(dy, inputs, y, attrs);
    const { stride, padding, dilation, groups } = attrs;
    const geometry: ConvGeometry = { stride, padding, dilation, groups };
    const kernel = [weight.shape[2]!, weight.shape[3]!] as const;
    // Rows that the floor of the size rule left over are behind the last window: the transposed conv makes them by outputPadding.
    const leftOver = (axis: 0 | 1): number =>
      x.shape[2 + axis]! +
      padding[axis] +
      padding[2 + axis]! -
      effectiveKernel(kernel[axis], dilation[axis]) -
      (y.shape[2 + axis]! - 1) * stride[axis];
    return [
      apply(convTranspose2dOp, [gradient, weight], {
        ...geometry,
        ...PLAIN_EPILOGUE,
        outputPadding: [leftOver(0), leftOver(1)],
        crop: null,
      }),
      apply(conv2dWeightGradOp, [x, gradient], { ...geometry, kernel }),
      ...(attrs.bias ? [reduceSum(gradient, [0, 2, 3])] : []),
      ...(attrs.extra === "none" ? [] : [extra]),
    ];
  },
};

function conv2dShape([x, weight]: readonly TensorSpec[], attrs: Conv2dAttrs): Shape {
  checkImage("conv2d", "x", "[N, C, H, W]", x!);
  checkImage("conv2d", "weight", "[O, C/groups, Kh, Kw]", weight!);
  const [n, c, h, w] = x!.shape as [number, number, number, number];
  const [o, perGroup, kh, kw] = weight!.shape as [number, number, number, number];
  const { groups, stride, padding, dilation } = attrs;
  const both = `(x is ${formatShape(x!.shape)}, weight is ${formatShape(weight!.shape)})`;
  if (c !== perGroup * groups) {
    throw new ShapeError(
      groups === 1
        ? `conv2d: input has ${c} channels but weight expects ${perGroup} ${both}`
        : `conv2d: input has ${c} channels but weight expects ${perGroup} in each of ${groups} groups, ${perGroup * groups} in all ${both}`,
    );
  }
  if (o % groups !== 0)
    throw new ShapeError(`conv2d: ${o} output channels do not divide into ${groups} groups ${both}: change groups or the weight`);
  const size = [
    convSize(h, kh, stride[0], padding[0] + padding[2], dilation[0]),
    convSize(w, kw, stride[1], padding[1] + padding[3], dilation[1]),
  ] as const;
  if (size[0] < 1 || size[1] < 1) {
    const needed = `${effectiveKernel(kh, dilation[0])}x${effectiveKernel(kw, dilation[1])}`;
    const given = `${h + padding[0] + padding[2]}x${w + padding[1] + padding[3]}`;
    throw new ShapeError(
      `conv2d: the kernel covers ${needed} pixels but the padded input has ${given} ${both}: pad more or use a smaller kernel`,
    );
  }
  return [n, o, ...size];
}

function conv2dForm([x, weight]: readonly TensorSpec[], y: Shape, attrs: Conv2dAttrs): TrilinearForm {
  return formOf(x!.shape, y, weight!.shape, attrs);
}

/** One invocation per element of y in memory. */
function directVariant(form: TrilinearForm, y: Shape, epilogue: ConvEpilogue): Variant {
  const count = physicalSize(y);
  return {
    name: "direct",
    dispatches: [
      dispatch("conv2d.direct", {
        params: {
          count,
          in_size: form.x,
          out_size: form.y,
          kernel: form.kernel,
          stride: form.stride,
          pad: form.pad,
          dilation: form.dilation,
          in_pitch: ceilTo(form.channels, 4),
          in_per_group: form.channels / form.groups,
          out_channels: form.outputs,
          out_pitch: ceilTo(form.outputs, 4),
          out_per_group: form.outputs / form.groups,
        },
        constants: epilogueConstants(epilogue),
        buffers: { x: inputRef(0), weight: inputRef(1), ...epilogueBuffers(epilogue), y: "output" },
        workgroups: grid(count),
      }),
    ],
  };
}
