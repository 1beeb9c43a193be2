/** Sums that a node can be taken apart into where its output is needed whole: what split.ts cuts by when no axis of the output will do. */
import { effectiveKernel } from "../../kernels/conv-geometry.js";
import type { ConvTranspose2dAttrs } from "../../kernels/conv-transpose2d.js";
import type { Conv2dWeightGradAttrs } from "../../kernels/conv2d-weight-grad.js";
import type { MatmulAttrs } from "../../kernels/matmul.js";
import type { ReduceSumAttrs } from "../../kernels/reduce.js";
import type { Tensor } from "../../tensor/tensor.js";
import { at, isMatrixProduct, rowsUnder, type Rule } from "./split-rules.js";

/** A sum over pieces: each range of the summed index gives a part of the whole output. */
export interface Contraction extends Rule {
  readonly extent: number;
}

/** The sums that `node` can be taken apart into. */
export function contractionsOf(node: Tensor): readonly Contraction[] {
  return CONTRACTIONS[node.op]?.(node) ?? [];
}

const CONTRACTIONS: Readonly<Record<string, (node: Tensor) => readonly Contraction[]>> = {
  /** Over input channels, which lie on the weight's first axis. The bias belongs to one part only, so a biased node is left alone. */
  convTranspose2d(node) {
    const attrs = node.attrs as ConvTranspose2dAttrs;
    return attrs.groups === 1 && node.inputs.length === 2 ? [{ extent: node.inputs[0]!.shape[1]!, inputs: [at(1), at(0)] }] : [];
  },
  /** Over images, and over rows of dy with the rows of x under them. */
  conv2dWeightGrad(node) {
    const attrs = node.attrs as Conv2dWeightGradAttrs;
    const [x, dy] = node.inputs as [Tensor, Tensor];
    const [top, left, , right] = attrs.padding;
    const rows = rowsUnder(attrs.stride[0], top, effectiveKernel(attrs.kernel[0], attrs.dilation[0]));
    return [
      { extent: x.shape[0]!, inputs: [at(0), at(0)] },
      {
        extent: dy.shape[2]!,
        inputs: [{ axis: 2, range: rows }, at(2)],
        attrs: () => ({ ...attrs, padding: [0, left, 0, right] }),
      },
    ];
  },
  reduceSum: (node) =>
    (node.attrs as ReduceSumAttrs).axes.map((axis) => ({ extent: node.inputs[0]!.shape[axis]!, inputs: [at(axis)] })),
  matmul(node) {
    const { transA, transB } = node.attrs as MatmulAttrs;
    const a = transA ? 0 : 1;
    return isMatrixProduct(node) && node.inputs.length === 2
      ? [{ extent: node.inputs[0]!.shape[a]!, inputs: [at(a), at(transB ? 1 : 0)] }]
      : [];
  },
};
