/**
 * Storage in f16: the same graph, with a type for each tensor. Kernels compute in f32 whatever they read and write (gpu/halves.ts), so a
 * type only says how a tensor lies in memory: half the bytes, values rounded to 11 bits, infinity beyond 65504. Convolutions and their
 * kin write f16, and what moves or combines their results goes along. f32 stay: what the plan gives out, scores on the way to a loss, a softmax or
 * labels, sums over pixels (the gradients of parameters), vectors (a bias).
 */
import { opOf } from "../../kernels/ops.js";
import type { TensorSpec } from "../../tensor/shape.js";
import { isParam, topological, type Param, type Tensor } from "../../tensor/tensor.js";
import { rewrite } from "./rewrite.js";

/** Their results are stored as f16 whatever they read. */
const MAKE_HALVES = new Set(["conv2d", "convTranspose2d", "matmul", "batchNorm", "lrn"]);

/** Probabilities, losses and what is read as such: f32 in and out. */
const SCORES = new Set([
  "softmax",
  "softmaxGrad",
  "logSoftmax",
  "logSoftmaxGrad",
  "crossEntropy",
  "crossEntropyGrad",
  "crossEntropyBoth",
  "nll",
  "nllGrad",
  "argMax",
]);

/** Long sums, whose results stay f32; and a kernel that adds to what an earlier dispatch of its wrote. */
const SUMS = new Set(["reduceSum", "conv2dWeightGrad", "conv2dWeightBiasGrad", "resizeGrad"]);

/** Operands up to which `sum` is one dispatch. */
const SUM_TERMS = 4;

export interface HalfGraph {
  readonly outputs: readonly Tensor[];
  /** A leaf of the graph before -> the leaf that stands for it. */
  readonly leafOf: (leaf: Tensor) => Tensor;
}

/** Whether inference in f16 keeps this parameter as f16: a weight, but no bias. */
export function isHalfWeight({ shape }: Pick<Param, "shape">): boolean {
  return shape.length >= 2;
}

/** `weights`: whether parameters lie in memory as {@link isHalfWeight} says, or as f32 all. */
export function half(outputs: readonly Tensor[], { weights }: { readonly weights: boolean }): HalfGraph {
  const wide = wideTensors(outputs);
  const leaves = new Map<Tensor, Tensor>();
  const after = rewrite(outputs, (node, before) => {
    if (isParam(before) && weights && isHalfWeight(before)) {
      const stored = { ...node, dtype: "f16" } as const;
      leaves.set(before, stored);
      return stored;
    }
    if (node.inputs.length === 0 || node.op === "second") return node;
    if (!takesHalves(node.op)) return { ...node, inputs: node.inputs.map(widened) };
    if (opOf(node.op).alias?.(node.inputs, node)) return { ...node, dtype: node.inputs[0]!.dtype };
    return !wide.has(before) && storesHalf(node, node.inputs) ? { ...node, dtype: "f16" } : node;
  });
  return { outputs: after.map(widened), leafOf: (leaf) => leaves.get(leaf) ?? leaf };
}

/** Whether the op's inputs may be stored as f16: those that are scores may not. */
export function takesHalves(op: string): boolean {
  return !SCORES.has(op);
}

/** Whether a node on inputs of these types stores its result as f16, where nothing outside the plan reads it. */
export function storesHalf(node: TensorSpec & Pick<Tensor, "op">, inputs: readonly TensorSpec[]): boolean {
  if (node.dtype !== "f32" || node.shape.length < 2 || SCORES.has(node.op) || SUMS.has(node.op)) return false;
  if (node.op === "sum" && inputs.length > SUM_TERMS) return false;
  return MAKE_HALVES.has(node.op) || inputs.some(({ dtype }) => dtype === "f16");
}

/** What must be f32: outputs, scores, and what shares memory with them. */
function wideTensors(outputs: readonly Tensor[]): ReadonlySet<Tensor> {
  const wide = new Set(outputs);
  for (const node of topological(outputs).toReversed()) {
    if (!takesHalves(node.op)) node.inputs.forEach((t) => wide.add(t));
    if (wide.has(node) && node.inputs.length > 0 && opOf(node.op).alias?.(node.inputs, node)) wide.add(node.inputs[0]!);
  }
  return wide;
}

/** A weight that is read as scores, or is an output of the graph, is copied. */
function widened(tensor: Tensor): Tensor {
  if (tensor.dtype !== "f16") return tensor;
  return {
    shape: tensor.shape,
    dtype: "f32",
    name: `${tensor.name}:f32`,
    op: "sum",
    inputs: [tensor],
    attrs: { coefficients: [1] },
  };
}
