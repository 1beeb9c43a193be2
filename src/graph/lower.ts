/** Graph -> steps: every node that computes, in order, with the variant chosen for it on this device and a name for people. */
import type { DiagonalWeight } from "../kernels/conv-depthwise.js";
import { opOf } from "../kernels/ops.js";
import type { Variant } from "../kernels/op.js";
import { byteLength } from "../tensor/layout.js";
import { isLeaf, isParam, layerOf, topological, type Tensor } from "../tensor/tensor.js";
import { choose, NO_PREFERENCES, type Choice, type ChoiceDevice, type Preferences } from "./choose.js";
import { plannedVariants, type PlanKind } from "./planned-variant.js";
import { applicationOf, signatureOf } from "./signature.js";

export interface Step {
  readonly node: Tensor;
  /** The node's second output (kernels/second.ts). */
  readonly second?: Tensor;
  /** Unique in the plan: "conv1", "relu", "conv1.weight:grad". */
  readonly name: string;
  /** As the plan runs it: `prepared` is there where it is kept between runs. */
  readonly variant: Variant;
  /** What the variant was chosen for. */
  readonly signature: string;
  readonly flops: number;
  /** Inputs and outputs once. */
  readonly bytes: number;
}

export interface Lowered {
  readonly steps: readonly Step[];
  /** Leaves that the steps read, outputs included. */
  readonly leaves: readonly Tensor[];
  /** A tensor that is another one's bytes under another shape -> the one that owns the memory. */
  readonly storageOf: (tensor: Tensor) => Tensor;
  /** How each step came to its variant. */
  readonly choices: readonly Choice[];
}

export function lower(
  outputs: readonly Tensor[],
  device: ChoiceDevice,
  preferences: Preferences = NO_PREFERENCES,
  kind: PlanKind = { keepsPrepared: false },
): Lowered {
  const nodes = topological(outputs);
  const names = nodeNames(nodes);
  const alias = new Map<Tensor, Tensor>();
  const storageOf = (tensor: Tensor): Tensor => {
    let root = tensor;
    for (let next = alias.get(root); next; next = alias.get(root)) root = next;
    return root;
  };
  const computed = nodes.filter((node) => {
    if (isLeaf(node) || node.op === "second") return false;
    if (!opOf(node.op).alias?.(node.inputs, node)) return true;
    alias.set(node, node.inputs[0]!);
    return false;
  });
  const deciding = decidingTensors(nodes);
  const seconds = new Map(nodes.filter((n) => n.op === "second").map((n) => [n.inputs[0]!, n]));
  const steps: Step[] = [];
  const choices: Choice[] = [];
  for (const node of computed) {
    const flops = opOf(node.op).flops(node.inputs, node, node.attrs);
    const application = applicationOf(node, deciding);
    const applicable = plannedVariants(application, node, device, kind);
    const { variant, why: chosen } = choose(application, applicable, flops, preferences);
    const why = (node.attrs as DiagonalWeight).diagonal ? `${chosen}; the weight is diagonal` : chosen;
    const name = names.get(node)!;
    choices.push({
      node: name,
      op: node.op,
      inputs: node.inputs.map((t) => t.shape),
      output: node.shape,
      variant: variant.name,
      applicable: applicable.map((v) => v.name),
      why,
    });
    const second = seconds.get(node);
    const tensors = [...new Set(node.inputs), node, ...(second ? [second] : [])];
    steps.push({
      node,
      ...(second ? { second } : {}),
      name,
      variant,
      signature: signatureOf(application),
      flops,
      bytes: tensors.reduce((n, t) => n + byteLength(t.shape, t.dtype), 0),
    });
  }
  return { steps, leaves: nodes.filter(isLeaf), storageOf, choices };
}

/**
 * Tensors that decide where another comes from, and all that they are made of: in training, the result of a convolution before ReLU, and of the one in
 * front of that. Where padding or whole numbers make it 0, a variant that rounds more gives tiny numbers of either sign, there or further on, and gradients
 * would pass where there are none.
 */
function decidingTensors(nodes: readonly Tensor[]): ReadonlySet<Tensor> {
  const deciding = new Set<Tensor>();
  for (const node of nodes.toReversed()) {
    if (isLeaf(node)) continue;
    const by = deciding.has(node) ? node.inputs.keys() : (opOf(node.op).decidedBy?.(node.attrs) ?? []);
    for (const i of by) deciding.add(node.inputs[i]!);
  }
  return deciding;
}

/** A node without a name of its own is called after its parameter ("conv1.weight" -> "conv1"), else after its op. */
export function nodeNames(nodes: readonly Tensor[]): Map<Tensor, string> {
  const names = new Map<Tensor, string>();
  const used = new Map<string, number>();
  for (const node of nodes) {
    const parameter = node.inputs.find(isParam);
    const base = node.name || (parameter ? `${layerOf(parameter.name)}${isFirst(node) ? "" : `:${node.op}`}` : node.op);
    const count = (used.get(base) ?? 0) + 1;
    used.set(base, count);
    names.set(node, count === 1 ? base : `${base}#${count}`);
  }
  return names;
}

/** Forward ops carry their layer's name alone; what works on a parameter for other reasons says so. */
function isFirst(node: Tensor): boolean {
  return (
    node.op === "conv2d" || node.op === "convTranspose2d" || node.op === "gemm" || node.op === "matmul" || node.op === "batchNorm"
  );
}
