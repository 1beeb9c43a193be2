/** How long each tensor and each scratch buffer of a plan is needed, and which must not share a buffer; then where they lie. */
import type { Limits } from "../gpu/context.js";
import { OutOfMemoryError } from "../gpu/errors.js";
import type { Ref } from "../kernels/op.js";
import { byteLength } from "../tensor/layout.js";
import { formatShape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { shaderOf } from "./bind.js";
import type { Lowered } from "./lower.js";
import { planMemory, type Lifetime, type MemoryPlan } from "./plan-memory.js";

export interface MemoryLayout {
  readonly memory: MemoryPlan;
  readonly lifetimes: readonly Lifetime[];
  /** Lifetime of a tensor that owns memory. */
  readonly itemOf: ReadonlyMap<Tensor, number>;
  /** Lifetimes of each step's scratch buffers. */
  readonly scratchOf: readonly (readonly number[])[];
}

/** `persistent`: tensors whose buffers live longer than the plan. Throws OutOfMemoryError naming what the limits cannot hold. */
export function layOut(
  lowered: Lowered,
  outputs: readonly Tensor[],
  persistent: ReadonlySet<Tensor>,
  limits: Limits,
): MemoryLayout {
  const { steps, storageOf } = lowered;
  const from = new Map<Tensor, number>();
  const to = new Map<Tensor, number>();
  const touch = (tensor: Tensor, step: number): void => {
    const root = storageOf(tensor);
    if (persistent.has(root)) return;
    if (!from.has(root)) from.set(root, step);
    to.set(root, step);
  };
  // Inputs are written before the first step, outputs read after the last.
  for (const leaf of lowered.leaves) touch(leaf, -1);
  steps.forEach((step, i) => [...step.node.inputs, step.node, ...(step.second ? [step.second] : [])].forEach((t) => touch(t, i)));
  outputs.forEach((t) => touch(t, steps.length));

  const limit = Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize);
  const lifetimes: Lifetime[] = [];
  const add = (what: string, bytes: number, first: number, last: number): number => {
    if (bytes > limit) {
      throw new OutOfMemoryError(
        `${what} takes ${bytes} bytes but the device binds at most ${limit}: use a smaller image or batch, or openGpu({ limits: "adapter" })`,
      );
    }
    return lifetimes.push({ bytes, from: first, to: last }) - 1;
  };
  const itemOf = new Map(
    [...from].map(([t, first]) => [
      t,
      add(`${t.name || t.op} ${formatShape(t.shape)}`, byteLength(t.shape, t.dtype), first, to.get(t)!),
    ]),
  );
  const scratchOf = steps.map((s, i) =>
    (s.variant.scratchBytes ?? []).map((bytes) => add(`scratch of ${s.name}`, Math.max(16, Math.ceil(bytes / 16) * 16), i, i)),
  );
  const conflicts = conflictsOf(lowered, itemOf, scratchOf);
  return { memory: planMemory(lifetimes, { conflicts, maxBufferBytes: limit }), lifetimes, itemOf, scratchOf };
}

/** What a dispatch writes conflicts with all else that it binds. */
function conflictsOf(
  { steps, storageOf }: Lowered,
  itemOf: ReadonlyMap<Tensor, number>,
  scratchOf: readonly (readonly number[])[],
): [number, number][] {
  const conflicts: [number, number][] = [];
  steps.forEach(({ node, second, variant }, s) => {
    // Prepared weights have buffers of their own.
    const itemBehind = (ref: Ref): number | undefined => {
      if (ref === "absent" || (typeof ref === "object" && "prepared" in ref)) return undefined;
      if (ref === "output") return itemOf.get(storageOf(node));
      if (ref === "second") return itemOf.get(storageOf(second!));
      return "input" in ref ? itemOf.get(storageOf(node.inputs[ref.input]!)) : scratchOf[s]![ref.scratch];
    };
    for (const dispatch of variant.dispatches) {
      const bound = shaderOf(dispatch.shader).buffers.map((b) => ({
        written: b.access === "read_write",
        item: itemBehind(dispatch.buffers[b.name]!),
      }));
      for (const a of bound) {
        for (const b of bound)
          if (a.written && a.item !== undefined && b.item !== undefined && a.item !== b.item) conflicts.push([a.item, b.item]);
      }
    }
  });
  return conflicts;
}
