/**
 * Which ranges of an op's inputs a range of its output needs: what split.ts cuts by. A rule may say null for an input that every range
 * needs whole. An op without a rule for an axis is not cut along it.
 */
import { effectiveKernel } from "../../kernels/conv-geometry.js";
import type { Conv2dAttrs } from "../../kernels/conv2d.js";
import type { ConvTranspose2dAttrs } from "../../kernels/conv-transpose2d.js";
import type { Conv2dWeightGradAttrs } from "../../kernels/conv2d-weight-grad.js";
import type { DropoutAttrs } from "../../kernels/dropout.js";
import type { MatmulAttrs } from "../../kernels/matmul.js";
import type { BroadcastToAttrs } from "../../kernels/reduce.js";
import type { ResizeAttrs } from "../../kernels/resize.js";
import type { SliceAttrs, SliceGradAttrs } from "../../kernels/slice.js";
import type { PoolWindow } from "../../kernels/window.js";
import { numel, type Shape } from "../../tensor/shape.js";
import type { Tensor } from "../../tensor/tensor.js";

export interface InputRange {
  readonly axis: number;
  /** The input's range for a range of the output; the same one where it is left out. It may reach beyond the input: zeros are there. */
  readonly range?: (start: number, size: number) => { readonly start: number; readonly size: number };
}

export interface Rule {
  /** One per input of the node; null: needed whole. */
  readonly inputs: readonly (InputRange | null)[];
  /** Cuts fall on multiples of this. Default 1. */
  readonly align?: number;
  /** The node's attributes for a range. Default: unchanged. */
  readonly attrs?: (start: number, size: number) => object;
}

export const at = (axis: number): InputRange => ({ axis });

/** The rule for cutting `node`'s output along `axis`, or null. */
export function outputRule(node: Tensor, axis: number): Rule | null {
  return OUTPUT_RULES[node.op]?.(node, axis) ?? null;
}

type OutputRule = (node: Tensor, axis: number) => Rule | null;

/** Each element of the output needs the same element of every input. */
const elementwise: OutputRule = (node, axis) => ({ inputs: node.inputs.map(() => at(axis)) });

/** Numpy broadcasting: axes are aligned at the back; extents of 1 are needed whole. */
const broadcasting: OutputRule = (node, axis) => ({
  inputs: node.inputs.map((t) => {
    const own = axis - (node.shape.length - t.shape.length);
    return own < 0 || t.shape[own] === 1 ? null : at(own);
  }),
});

/** Independent images; what stands behind the first `images` inputs is needed whole. */
const perImage =
  (images: number): OutputRule =>
  (node, axis) =>
    axis === 0 ? { inputs: node.inputs.map((_, i) => (i < images ? at(0) : null)) } : null;

/** Everything but the class axis is independent. `classAxis`: whether each input (or the output, last) has it. */
const perPixel =
  (classAxis: readonly boolean[], outputHasClasses: boolean): OutputRule =>
  (node, axis) => {
    if (outputHasClasses && axis === 1) return null;
    const pixelAxis = outputHasClasses && axis > 1 ? axis - 1 : axis;
    return {
      inputs: node.inputs.map((_, i) =>
        classAxis[i] === undefined ? null : at(classAxis[i] && pixelAxis > 0 ? pixelAxis + 1 : pixelAxis),
      ),
    };
  };

const alongOthers =
  (axes: readonly number[]): OutputRule =>
  (node, axis) =>
    axes.includes(axis) ? null : elementwise(node, axis);

/** A node resizes one axis. */
const notResized: OutputRule = (node, axis) => alongOthers([(node.attrs as ResizeAttrs).axis])(node, axis);

/** Rows of x under rows of y: [a s - p, (a + size - 1) s - p + effective kernel). */
export function rowsUnder(
  stride: number,
  pad: number,
  covered: number,
): (start: number, size: number) => { start: number; size: number } {
  return (start, size) => ({ start: start * stride - pad, size: (size - 1) * stride + covered });
}

function conv2dRule(node: Tensor, axis: number): Rule | null {
  const attrs = node.attrs as Conv2dAttrs;
  const rest = node.inputs.slice(2).map(() => null);
  if (axis === 0) return { inputs: [at(0), null, ...rest] };
  if (axis === 1) return attrs.groups === 1 ? { inputs: [null, at(0), ...node.inputs.slice(2).map(() => at(0))] } : null;
  if (axis !== 2) return null;
  const covered = effectiveKernel(node.inputs[1]!.shape[2]!, attrs.dilation[0]);
  const range = rowsUnder(attrs.stride[0], attrs.padding[0], covered);
  const [, left, , right] = attrs.padding;
  return { inputs: [{ axis: 2, range }, null, ...rest], attrs: () => ({ ...attrs, padding: [0, left, 0, right] }) };
}

function convTranspose2dRule(node: Tensor, axis: number): Rule | null {
  const attrs = node.attrs as ConvTranspose2dAttrs;
  const rest = node.inputs.slice(2).map(() => null);
  if (axis === 0) return { inputs: [at(0), null, ...rest] };
  if (axis === 1) return attrs.groups === 1 ? { inputs: [null, at(1), ...node.inputs.slice(2).map(() => at(0))] } : null;
  if (axis !== 2) return null;
  const [top, left, , right] = attrs.padding;
  const stride = attrs.stride[0];
  const covered = effectiveKernel(node.inputs[1]!.shape[2]!, attrs.dilation[0]);
  const first = attrs.crop?.offset[0] ?? 0;
  const columns = { offset: attrs.crop?.offset[1] ?? 0, size: node.shape[3]! };
  // Row r of the uncropped output gets x rows h with 0 <= r + top - h s < covered; where strides leave gaps there may be none, and the row before the gap adds nothing.
  const firstRow = (start: number): number =>
    Math.min(Math.ceil((first + start + top - covered + 1) / stride), Math.floor((first + start + top) / stride));
  const lastRow = (start: number, size: number): number => Math.floor((first + start + size - 1 + top) / stride);
  return {
    inputs: [
      {
        axis: 2,
        range: (start, size) => ({ start: firstRow(start), size: Math.max(1, lastRow(start, size) - firstRow(start) + 1) }),
      },
      null,
      ...rest,
    ],
    attrs: (start, size) => {
      const offset = first + start + top - firstRow(start) * stride;
      return {
        ...attrs,
        padding: [0, left, 0, right],
        outputPadding: [Math.max(0, offset + size), attrs.outputPadding[1]],
        crop: { offset: [offset, columns.offset], size: [size, columns.size] },
      };
    },
  };
}

function poolRule(node: Tensor, axis: number): Rule | null {
  if (axis === 0 || axis === 1) return { inputs: [at(axis)] };
  const { kernel, stride, padding, dilation } = node.attrs as PoolWindow;
  // Padding never wins a maximum but zeros might: only unpadded windows are cut by rows.
  const rows = node.inputs[0]!.shape[2]!;
  const covered = effectiveKernel(kernel[0], dilation[0]);
  if (axis !== 2 || padding.some((p) => p > 0)) return null;
  return {
    inputs: [
      {
        axis: 2,
        range: (start, size) => ({
          start: start * stride[0],
          size: Math.min((size - 1) * stride[0] + covered, rows - start * stride[0]),
        }),
      },
    ],
  };
}

/** dy, x, y -> dx: by rows only where windows tile the image. */
function poolGradRule(node: Tensor, axis: number): Rule | null {
  if (axis === 0 || axis === 1) return { inputs: node.inputs.map(() => at(axis)) };
  const { kernel, stride, padding, dilation } = node.attrs as PoolWindow;
  const tiles = kernel[0] === stride[0] && dilation[0] === 1 && padding.every((p) => p === 0);
  if (axis !== 2 || !tiles) return null;
  const windows: InputRange = {
    axis: 2,
    range: (start, size) => ({
      start: start / stride[0],
      size: Math.min(Math.ceil(size / stride[0]), node.inputs[0]!.shape[2]! - start / stride[0]),
    }),
  };
  return { inputs: [windows, at(2), windows], align: stride[0] };
}

/** Slices without a step, and their gradients: dx is zero where no dy lies, and so is a range of dy beyond its ends. */
function sliceRule(node: Tensor, axis: number): Rule | null {
  const { starts, steps } = node.attrs as SliceAttrs | SliceGradAttrs;
  if (steps[axis] !== 1) return null;
  const shift = node.op === "slice" ? starts[axis]! : -starts[axis]!;
  const key = node.op === "slice" ? "sizes" : "shape";
  const own = (node.attrs as unknown as Record<string, Shape>)[key]!;
  return {
    inputs: [{ axis, range: (start, size) => ({ start: start + shift, size }) }],
    attrs: (_start, size) => ({ ...node.attrs, starts: replaced(starts, axis, 0), [key]: replaced(own, axis, size) }),
  };
}

function replaced(shape: Shape, axis: number, size: number): number[] {
  return shape.map((d, i) => (i === axis ? size : d));
}

/** Matrices only: batches of them are not met at such sizes. */
export function isMatrixProduct(node: Tensor): boolean {
  return node.inputs[0]!.shape.length === 2 && node.inputs[1]!.shape.length === 2;
}

function matmulRule(node: Tensor, axis: number): Rule | null {
  if (!isMatrixProduct(node)) return null;
  const { transA, transB } = node.attrs as MatmulAttrs;
  const c = node.inputs[2];
  const cAxis = c ? axis - (2 - c.shape.length) : -1;
  const third = !c ? [] : cAxis < 0 || c.shape[cAxis] === 1 ? [null] : [at(cAxis)];
  return axis === 0 ? { inputs: [at(transA ? 1 : 0), null, ...third] } : { inputs: [null, at(transB ? 0 : 1), ...third] };
}

/** Softmax and its kin: any axis but those that they run along. */
const acrossRows: OutputRule = (node, axis) => alongOthers((node.attrs as { axes: number[] }).axes)(node, axis);

const OUTPUT_RULES: Readonly<Record<string, OutputRule>> = {
  relu: elementwise,
  reluGrad: elementwise,
  sum: elementwise,
  add: broadcasting,
  subtract: broadcasting,
  multiply: broadcasting,
  divide: broadcasting,
  maximum: broadcasting,
  fill: (node, axis) => ({ inputs: [], attrs: (_start, size) => ({ ...node.attrs, shape: replaced(node.shape, axis, size) }) }),
  broadcastTo(node, axis) {
    const { axes } = node.attrs as BroadcastToAttrs;
    const own = axes.indexOf(axis);
    return {
      inputs: [own < 0 || node.inputs[0]!.shape[own] === 1 ? null : at(own)],
      attrs: (_start, size) => ({ ...node.attrs, shape: replaced(node.shape, axis, size) }),
    };
  },
  concat: (node, axis) => ((node.attrs as { axis: number }).axis === axis ? null : elementwise(node, axis)),
  slice: sliceRule,
  sliceGrad: sliceRule,
  reshape: (node, axis) =>
    axis === 0 && node.inputs[0]!.shape[0] === node.shape[0]
      ? { inputs: [at(0)], attrs: (_start, size) => ({ shape: replaced(node.shape, 0, size) }) }
      : null,
  conv2d: conv2dRule,
  convTranspose2d: convTranspose2dRule,
  conv2dWeightGrad: (node, axis) =>
    axis === 0 && (node.attrs as Conv2dWeightGradAttrs).groups === 1 ? { inputs: [null, at(1)] } : null,
  maxPool2d: poolRule,
  maxPool2dGrad: poolGradRule,
  averagePool2d: perImage(1),
  averagePool2dGrad: perImage(1),
  lrn: alongOthers([1]),
  lrnGrad: alongOthers([1]),
  batchNorm: (_node, axis) => (axis === 1 ? null : { inputs: [at(axis), null, null, null, null] }),
  softmax: acrossRows,
  softmaxGrad: acrossRows,
  logSoftmax: acrossRows,
  logSoftmaxGrad: acrossRows,
  crossEntropy: perPixel([true, false], false),
  crossEntropyGrad: perPixel([false, true, false], true),
  nll: perPixel([true, false], false),
  nllGrad: perPixel([false, false], true),
  labelWeights: perPixel([false], false),
  imageToTensor: (_node, axis) => (axis === 0 ? { inputs: [at(0)] } : axis === 2 ? { inputs: [at(1)] } : null),
  argMax(node, axis) {
    const attrs = node.attrs as { axis: number; keepDims: boolean };
    if (attrs.keepDims) return attrs.axis === axis ? null : { inputs: [at(axis)] };
    return { inputs: [at(axis < attrs.axis ? axis : axis + 1)] };
  },
  resize: notResized,
  resizeGrad: notResized,
  dropout(node, axis) {
    const attrs = node.attrs as DropoutAttrs;
    const perIndex = numel(node.shape.slice(1));
    return axis === 0
      ? { inputs: [at(0), null], attrs: (start) => ({ ...attrs, offset: attrs.offset + start * perIndex }) }
      : null;
  },
  matmul: matmulRule,
};
