/**
 * The weight gradient of conv2d and convTranspose2d, the third of the three adjoints in conv-geometry.ts:
 *
 *   dw[o, c, u, v] = sum over n, i, j of dy[n, o, i, j] x[n, g C/groups + c, i s - p + u d, j s - p + v d]
 *
 * x: [N, C, H, W]; dy: [N, O, I, J]; dw: [O, C/groups, Kh, Kw], the kernel size given as an attribute. (For a transposed conv the roles of
 * x and dy are exchanged.) The sum over pixels is long and the result small: the pixels are cut into strips whose partial sums lie in
 * scratch memory, and a second pass adds them in fixed order, so results are the same from run to run.
 */
import { ShapeError } from "../tensor/errors.js";
import { ceilTo, physicalSize } from "../tensor/layout.js";
import { formatShape, type Shape, type TensorSpec } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import {
  checkImage,
  effectiveKernel,
  formFlops,
  formOf,
  PLAIN_EPILOGUE,
  type ConvGeometry,
  type Pair2,
  type TrilinearForm,
} from "./conv-geometry.js";
import { mostStrips, sumStrips } from "./conv-strips.js";
import { groupsAreAligned } from "./conv-tiled.js";
import { weightGradGemmVariant } from "./conv-weight-gemm.js";
import { weightGradSpreadVariant } from "./conv-weight-spread.js";
import { weightGradTiledVariant } from "./conv-weight-tiled.js";
import { weightGradWinogradIsBetter, weightGradWinogradVariant } from "./conv-weight-winograd.js";
import { winogradApplies } from "./conv-winograd.js";
import { convTranspose2dOp } from "./conv-transpose2d.js";
import { conv2dOp } from "./conv2d.js";
import { apply, dispatch, grid, inputRef, rebind, scratchRef, type DeviceTraits, type Op, type Ref, type Variant } from "./op.js";
import { reduceSumOp, type ReduceSumAttrs } from "./reduce.js";

export interface Conv2dWeightGradAttrs extends ConvGeometry {
  readonly kernel: Pair2;
}

/** Inputs x, dy; output dw. Bilinear, so its own gradients are the other two ops. */
export const conv2dWeightGradOp: Op<Conv2dWeightGradAttrs> = {
  name: "conv2dWeightGrad",
  infer([x, dy], { groups, kernel }) {
    checkImage("conv2dWeightGrad", "x", "[N, C, H, W]", x!);
    checkImage("conv2dWeightGrad", "dy", "[N, O, I, J]", dy!);
    const both = `(x is ${formatShape(x!.shape)}, dy is ${formatShape(dy!.shape)})`;
    if (x!.shape[0] !== dy!.shape[0])
      throw new ShapeError(`conv2dWeightGrad: x has ${x!.shape[0]} images but dy has ${dy!.shape[0]} ${both}`);
    if (x!.shape[1]! % groups !== 0 || dy!.shape[1]! % groups !== 0) {
      throw new ShapeError(
        `conv2dWeightGrad: ${x!.shape[1]} and ${dy!.shape[1]} channels do not both divide into ${groups} groups ${both}`,
      );
    }
    return { shape: [dy!.shape[1]!, x!.shape[1]! / groups, ...kernel], dtype: "f32" };
  },
  variants: (inputs, output, attrs, device) => weightGradVariants(inputs, output, attrs, device, { bias: false }),
  flops: (inputs, output, attrs) => formFlops(weightGradForm(inputs, output.shape, attrs)),
  grad(ddw, inputs, _dw, { stride, padding, dilation, groups, kernel }) {
    const [x, dy] = inputs as [Tensor, Tensor];
    // The padding at the end that makes conv2d(x) exactly as large as dy, which in x's gradient leaves nothing over.
    const end = (axis: 0 | 1): number =>
      (dy.shape[2 + axis]! - 1) * stride[axis] +
      effectiveKernel(kernel[axis], dilation[axis]) -
      padding[axis] -
      x.shape[2 + axis]!;
    const geometry: ConvGeometry = { stride, dilation, groups, padding: [padding[0], padding[1], end(0), end(1)] };
    return [
      apply(convTranspose2dOp, [dy, ddw], { ...geometry, ...PLAIN_EPILOGUE, outputPadding: [0, 0], crop: null }),
      apply(conv2dOp, [x, ddw], { ...geometry, ...PLAIN_EPILOGUE }),
    ];
  },
};

/**
 * dw, and as the second output the bias gradient of the convolution, db[o] = sum over n, i, j of dy[n, o, i, j]: in the same dispatches where the pixels
 * are cut into strips. What passes/pair.ts makes of the two nodes.
 */
export const conv2dWeightBiasGradOp: Op<Conv2dWeightGradAttrs> = {
  ...conv2dWeightGradOp,
  name: "conv2dWeightBiasGrad",
  second: ([, dy]) => biasSpec(dy!),
  variants(inputs, output, attrs, device) {
    const sums = reduceSumOp.variants([inputs[1]!], biasSpec(inputs[1]!), BIAS_SUM, device);
    const hasSum = ({ dispatches }: Variant): boolean => dispatches.some((d) => Object.values(d.buffers).includes("second"));
    return weightGradVariants(inputs, output, attrs, device, { bias: true }).map((variant, i) =>
      hasSum(variant) ? variant : withSum(variant, sums.at(i === 0 ? 0 : -1)!),
    );
  },
  grad: () => {
    throw new Error("conv2dWeightBiasGrad has no gradient: it is made after gradients are");
  },
};

/** The sum over images and pixels that a bias gradient is. */
export const BIAS_SUM: ReduceSumAttrs = { axes: [0, 2, 3], keep: [] };

function biasSpec(dy: TensorSpec): TensorSpec {
  return { shape: [dy.shape[1]!], dtype: "f32" };
}

/** The variant, then the sum of its second input as its second output. */
function withSum(variant: Variant, sum: Variant): Variant {
  const before = variant.scratchBytes ?? [];
  const moved = (ref: Ref): Ref => {
    if (ref === "output") return "second";
    if (typeof ref === "string" || "prepared" in ref) return ref;
    return "input" in ref ? inputRef(1) : scratchRef(ref.scratch + before.length);
  };
  return {
    ...variant,
    scratchBytes: [...before, ...(sum.scratchBytes ?? [])],
    dispatches: [...variant.dispatches, ...sum.dispatches.map((d) => rebind(d, moved))],
  };
}

function weightGradVariants(
  inputs: readonly TensorSpec[],
  output: TensorSpec,
  attrs: Conv2dWeightGradAttrs,
  device: DeviceTraits,
  options: { readonly bias: boolean },
): readonly Variant[] {
  const form = weightGradForm(inputs, output.shape, attrs);
  const direct = directVariant(form, output.shape, device);
  if (!groupsAreAligned(form)) return [direct];
  const tiled = weightGradTiledVariant(form, output.shape, device, options);
  const spread = weightGradSpreadVariant(form, output.shape, device, options);
  const gemm = weightGradGemmVariant(form, output.shape, device, options);
  // One channel fills a quarter of the vec4s of `spread`.
  const registers = !spread ? [tiled] : form.channels === 1 ? [spread, tiled] : [tiled, spread];
  const products = (of: TrilinearForm, weight: Shape): Variant | null =>
    weightGradSpreadVariant(of, weight, device) ?? weightGradTiledVariant(of, weight, device);
  if (!device.software) return [direct, ...registers, ...(gemm ? [gemm] : [])];
  // Workgroup memory is dear on software adapters (kernels.md C).
  const others = [...(gemm ? [gemm] : []), ...registers];
  const winograd = winogradApplies(form) ? weightGradWinogradVariant(form, device, products) : null;
  if (!winograd) return [direct, ...others];
  return weightGradWinogradIsBetter(form, device) ? [direct, ...others, winograd] : [direct, winograd, ...others];
}

function weightGradForm([x, dy]: readonly TensorSpec[], weight: Shape, attrs: Conv2dWeightGradAttrs): TrilinearForm {
  return formOf(x!.shape, dy!.shape, weight, attrs);
}

/** One invocation per weight element in memory and strip. */
function directVariant(form: TrilinearForm, weight: Shape, device: DeviceTraits): Variant {
  const count = physicalSize(weight);
  const pixels = form.batch * form.y[0] * form.y[1];
  // Strips of about 256 pixels, as long as their partial sums fit.
  const strips = Math.max(1, Math.min(Math.ceil(pixels / 256), mostStrips(4 * count, device), 256));
  return {
    name: "direct",
    scratchBytes: [4 * count * strips],
    dispatches: [
      dispatch("conv2d-weight-grad.direct", {
        params: {
          count,
          strips,
          pixels,
          pixels_per_strip: Math.ceil(pixels / strips),
          x_size: form.x,
          dy_size: form.y,
          kernel: form.kernel,
          stride: form.stride,
          pad: form.pad,
          dilation: form.dilation,
          x_pitch: ceilTo(form.channels, 4),
          x_per_group: form.channels / form.groups,
          dy_pitch: ceilTo(form.outputs, 4),
          dy_per_group: form.outputs / form.groups,
        },
        buffers: { x: inputRef(0), dy: inputRef(1), parts: scratchRef(0) },
        workgroups: grid(count * strips),
      }),
      sumStrips(weight, strips, 0),
    ],
  };
}
