/**
 * Convolutions whose weight is a parameter that holds zeros off its diagonal now, and is not trained, say so: FCN's frozen bilinear upsampling, whose
 * weight the authors' files hold dense. Then each channel can be computed by itself (kernels/conv-depthwise.ts). Whether a weight is so is read
 * off its values whenever they are written (weight-store.ts); a plan that was made of other values is made again.
 */
import type { Tensor } from "../../tensor/tensor.js";
import { rewrite } from "./rewrite.js";

/** `diagonal`: the names of such parameters. */
export function markDiagonal(outputs: readonly Tensor[], diagonal: ReadonlySet<string>): readonly Tensor[] {
  if (diagonal.size === 0) return outputs;
  return rewrite(outputs, (node) => {
    const weight = node.inputs[1];
    const isConv = node.op === "conv2d" || node.op === "convTranspose2d";
    if (!isConv || weight?.op !== "param" || !diagonal.has(weight.name)) return node;
    return { ...node, attrs: { ...node.attrs, diagonal: true } };
  });
}
