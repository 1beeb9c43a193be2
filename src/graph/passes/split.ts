/**
 * Tensors beyond what the device binds at once are cut into pieces before anything else is decided: a weight by output channel, an
 * activation by batch or by rows. Graph in, graph out; each op's rule (split-rules.ts) says which ranges of its inputs a range of its
 * output needs. What no rule can cut is refused by name.
 */
import { OutOfMemoryError } from "../../gpu/errors.js";
import { concat } from "../../kernels/concat.js";
import { fill, sum } from "../../kernels/elementwise.js";
import { apply } from "../../kernels/op.js";
import { opOf } from "../../kernels/ops.js";
import { pad } from "../../kernels/pad.js";
import { slice } from "../../kernels/slice.js";
import { byteLength } from "../../tensor/layout.js";
import { formatShape, sameShape, type Shape } from "../../tensor/shape.js";
import { isLeaf, named, topological, type Tensor } from "../../tensor/tensor.js";
import { whole, type Pieces } from "../pieces.js";
import { contractionsOf } from "./contraction-rules.js";
import { outputRule, type Rule } from "./split-rules.js";

export interface SplitGraph {
  /** In the order of the outputs given. */
  readonly outputs: readonly Pieces[];
  /** Every leaf of the graph before, and the leaves that stand for it now. */
  readonly leaves: ReadonlyMap<Tensor, Pieces>;
}

/** More of them, 32 GiB in one tensor at WebGPU's default limits, fit no device, and a graph of so many nodes would be long in the making. */
const MOST_PIECES = 256;

/** Throws OutOfMemoryError naming the tensor that cannot be cut, or that would be cut in too many. */
export function splitOversized(outputs: readonly Tensor[], limitBytes: number): SplitGraph {
  const order = topological(outputs);
  const leaves = new Map<Tensor, Pieces>();
  if (order.every((t) => byteLength(t.shape) <= limitBytes)) {
    for (const t of order) if (t.inputs.length === 0) leaves.set(t, whole(t));
    return { outputs: outputs.map(whole), leaves };
  }
  const splitter = new Splitter(limitBytes);
  const absurd = order.find((t) => byteLength(t.shape) > MOST_PIECES * limitBytes);
  if (absurd) splitter.refuse(absurd, `a tensor is cut into at most ${MOST_PIECES} pieces`);
  const after = new Map<Tensor, Pieces>();
  for (const node of order) {
    const given = isLeaf(node);
    const pieces = given
      ? splitter.leaf(node)
      : splitter.node(
          node,
          node.inputs.map((t) => after.get(t)!),
        );
    after.set(node, pieces);
    if (given) leaves.set(node, pieces);
  }
  return { outputs: outputs.map((t) => after.get(t)!), leaves };
}

class Splitter {
  constructor(private readonly limit: number) {}

  private fits(shape: Shape): boolean {
    return byteLength(shape) <= this.limit;
  }

  refuse(node: Tensor, why: string): never {
    const name = node.name || node.op;
    throw new OutOfMemoryError(
      `${name} ${formatShape(node.shape)} takes ${byteLength(node.shape)} bytes but the device binds at most ${this.limit}, and ${why}: use a smaller image or batch, or openGpu({ limits: "adapter" })`,
    );
  }

  /** Most indices along `axis` that fit, as a power of two, so that the cuts of larger and smaller tensors fall together; 0 where not even one fits. */
  private step(shape: Shape, axis: number): number {
    for (let step = 2 ** Math.floor(Math.log2(shape[axis]!)); step >= 1; step /= 2) {
      if (this.fits(withExtent(shape, axis, step))) return step;
    }
    return 0;
  }

  /** Axes that a tensor may be cut along, the best first. */
  private axesOf(shape: Shape): number[] {
    const axes = shape.length === 4 ? [0, 2] : [0];
    return axes.filter((axis) => (shape[axis] ?? 1) > 1);
  }

  leaf(node: Tensor): Pieces {
    if (this.fits(node.shape)) return whole(node);
    for (const axis of this.axesOf(node.shape)) {
      const step = this.step(node.shape, axis);
      if (step === 0) continue;
      const parts = ranges(node.shape[axis]!, step).map(([start, size]) => ({
        ...node,
        name: `${node.name}[${start}:${start + size}]`,
        shape: withExtent(node.shape, axis, size),
      }));
      return { shape: node.shape, axis, parts };
    }
    return this.refuse(node, "one index of its first axis alone is too large");
  }

  node(node: Tensor, inputs: readonly Pieces[]): Pieces {
    if (this.fits(node.shape)) return whole(this.compute(node, inputs, node.shape));
    for (const axis of this.axesOf(node.shape)) {
      const rule = outputRule(node, axis);
      const step = rule ? this.stepOfRule(node.shape, axis, rule, inputs) : 0;
      if (!rule || step === 0) continue;
      const parts = ranges(node.shape[axis]!, step).map(([start, size]) =>
        this.restricted(node, rule, inputs, start, size, withExtent(node.shape, axis, size)),
      );
      return { shape: node.shape, axis, parts };
    }
    return this.refuse(node, `${node.op} cannot be cut by batch, rows or output channel here`);
  }

  /** A step whose output and input ranges all fit, and that respects the rule's alignment. */
  private stepOfRule(output: Shape, axis: number, rule: Rule, inputs: readonly Pieces[]): number {
    for (let step = 2 ** Math.floor(Math.log2(output[axis]!)); step >= 1; step /= 2) {
      if (step % (rule.align ?? 1) !== 0 || !this.fits(withExtent(output, axis, step))) continue;
      const allFit = ranges(output[axis]!, step).every(([start, size]) =>
        rule.inputs.every((r, i) => {
          if (!r) return true;
          const needed = r.range ? r.range(start, size).size : size;
          return needed >= 1 && this.fits(withExtent(inputs[i]!.shape, r.axis, needed));
        }),
      );
      if (allFit) return step;
    }
    return 0;
  }

  private restricted(node: Tensor, rule: Rule, inputs: readonly Pieces[], start: number, size: number, shape: Shape): Tensor {
    const taken = rule.inputs.map((r, i) => {
      if (!r) return inputs[i]!;
      const range = r.range ? r.range(start, size) : { start, size };
      return whole(this.take(node, inputs[i]!, r.axis, range.start, range.size));
    });
    return this.compute({ ...node, attrs: rule.attrs ? rule.attrs(start, size) : node.attrs }, taken, shape);
  }

  /** The node's value, which fits; its inputs may still be in pieces. */
  private compute(node: Tensor, inputs: readonly Pieces[], shape: Shape): Tensor {
    const cut = inputs.findIndex((p) => p.parts.length > 1);
    if (cut === -1) {
      const tensors = inputs.map((p) => p.parts[0]!);
      return tensors.every((t, i) => t === node.inputs[i]) && sameShape(node.shape, shape)
        ? node
        : named(apply(opOf(node.op), tensors, node.attrs), node.name);
    }
    const { axis } = inputs[cut]!;
    const view: Tensor = { ...node, shape, inputs: inputs.map((p) => ({ ...p.parts[0]!, shape: p.shape })) };
    for (const contraction of contractionsOf(view)) {
      if (contraction.inputs[cut]?.axis !== axis) continue;
      const step = this.stepOfRule([contraction.extent], 0, contraction, inputs);
      if (step === 0) continue;
      return sum(
        ranges(contraction.extent, step).map(([start, size]) => this.restricted(node, contraction, inputs, start, size, shape)),
      );
    }
    for (let outputAxis = 0; outputAxis < shape.length; outputAxis++) {
      const rule = outputRule(view, outputAxis);
      if (rule?.inputs[cut]?.axis !== axis) continue;
      const step = this.stepOfRule(shape, outputAxis, rule, inputs);
      if (step === 0 || step >= shape[outputAxis]!) continue;
      const parts = ranges(shape[outputAxis]!, step).map(([start, size]) =>
        this.restricted(node, rule, inputs, start, size, withExtent(shape, outputAxis, size)),
      );
      return concat(parts, outputAxis);
    }
    return this.refuse(view.inputs[cut]!, `${node.op} cannot read it in pieces`);
  }

  /** A range of a tensor as one tensor, out of whatever pieces it lies in; zeros where it reaches beyond the tensor. */
  private take(node: Tensor, pieces: Pieces, axis: number, start: number, size: number): Tensor {
    const extent = pieces.shape[axis]!;
    const from = Math.max(0, start);
    const to = Math.min(extent, start + size);
    if (to <= from) return fill(withExtent(pieces.shape, axis, size), 0);
    const inside = this.takeInside(node, pieces, axis, from, to - from);
    if (to - from === size) return inside;
    const only = (value: number): number[] => pieces.shape.map((_, i) => (i === axis ? value : 0));
    return pad(inside, { begin: only(from - start), end: only(start + size - to) });
  }

  private takeInside(node: Tensor, pieces: Pieces, axis: number, start: number, size: number): Tensor {
    if (start === 0 && size === pieces.shape[axis] && pieces.parts.length === 1) return pieces.parts[0]!;
    if (!this.fits(withExtent(pieces.shape, axis, size))) return this.refuse(node, "a range of its input is too large");
    if (pieces.axis !== axis || pieces.parts.length === 1) {
      const parts = pieces.parts.map((part) => sliceAxis(part, axis, start, size));
      return parts.length === 1 ? parts[0]! : concat(parts, pieces.axis);
    }
    const parts: Tensor[] = [];
    let at = 0;
    for (const part of pieces.parts) {
      const extent = part.shape[axis]!;
      const from = Math.max(start, at);
      const to = Math.min(start + size, at + extent);
      if (from < to) parts.push(sliceAxis(part, axis, from - at, to - from));
      at += extent;
    }
    return parts.length === 1 ? parts[0]! : concat(parts, axis);
  }
}

function withExtent(shape: Shape, axis: number, size: number): number[] {
  return shape.map((d, i) => (i === axis ? size : d));
}

function ranges(extent: number, step: number): [start: number, size: number][] {
  return Array.from({ length: Math.ceil(extent / step) }, (_, i) => [i * step, Math.min(step, extent - i * step)]);
}

function sliceAxis(tensor: Tensor, axis: number, start: number, size: number): Tensor {
  if (start === 0 && size === tensor.shape[axis]) return tensor;
  return slice(tensor, {
    starts: tensor.shape.map((_, i) => (i === axis ? start : 0)),
    sizes: withExtent(tensor.shape, axis, size),
  });
}
