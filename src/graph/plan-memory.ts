/**
 * Which tensors share a buffer. Tensors are assigned to whole buffers ("slots"), never to offsets of one arena: WebGPU refuses a
 * dispatch that reads one range and writes another of the same buffer (design.md 11).
 */
import { uniform } from "../tensor/random.js";

/** A buffer's worth of bytes that must keep its contents from step `from` to step `to`, both included. */
export interface Lifetime {
  readonly bytes: number;
  readonly from: number;
  readonly to: number;
}

export interface MemoryPlan {
  /** Slot of each lifetime, in the order given. */
  readonly slotOf: readonly number[];
  /** Bytes of each slot. */
  readonly slots: readonly number[];
  readonly bytes: number;
  /** Most bytes alive at once: no plan can do with less. */
  readonly lowerBoundBytes: number;
  /** Bytes without any sharing. */
  readonly unsharedBytes: number;
}

/** How much work the search for a better plan may do: orders tried times the square of the number of tensors. */
const SEARCH_BUDGET = 4_000_000;
const MOST_ORDERS = 2000;

/** Interval colouring by several greedy orders; the smallest result wins. Deterministic. */
export function planMemory(lifetimes: readonly Lifetime[]): MemoryPlan {
  const lowerBoundBytes = liveBytes(lifetimes);
  const bySize = indices(lifetimes).sort((a, b) => lifetimes[b]!.bytes - lifetimes[a]!.bytes || lifetimes[a]!.from - lifetimes[b]!.from);
  const byStart = indices(lifetimes).sort((a, b) => lifetimes[a]!.from - lifetimes[b]!.from || lifetimes[b]!.bytes - lifetimes[a]!.bytes);
  let best = colour(lifetimes, bySize);
  const consider = (order: readonly number[]): void => {
    const plan = colour(lifetimes, order);
    if (plan.bytes < best.bytes) best = plan;
  };
  consider(byStart);
  const random = uniform(1);
  const orders = Math.min(MOST_ORDERS, SEARCH_BUDGET / Math.max(1, lifetimes.length) ** 2);
  for (let attempt = 0; attempt < orders && best.bytes > lowerBoundBytes * 1.001; attempt++) {
    // Sizes shaken, a little or a lot: near the order that is usually best, yet different.
    const shake = 2 * random();
    const key = lifetimes.map((l) => l.bytes * (1 + shake * random()));
    consider([...bySize].sort((a, b) => key[b]! - key[a]!));
  }
  return { ...best, lowerBoundBytes, unsharedBytes: lifetimes.reduce((n, l) => n + l.bytes, 0) };
}

function indices(lifetimes: readonly Lifetime[]): number[] {
  return lifetimes.map((_, i) => i);
}

/** Each lifetime, in `order`, goes to the free slot that has to grow least, then wastes least; a new one costs its whole size. */
function colour(lifetimes: readonly Lifetime[], order: readonly number[]): { slotOf: number[]; slots: number[]; bytes: number } {
  const slots: { bytes: number; taken: Lifetime[] }[] = [];
  const slotOf = new Array<number>(lifetimes.length).fill(-1);
  for (const i of order) {
    const life = lifetimes[i]!;
    let chosen = -1;
    let cost = life.bytes;
    let waste = Infinity;
    slots.forEach((slot, s) => {
      if (slot.taken.some((t) => t.from <= life.to && life.from <= t.to)) return;
      const growth = Math.max(0, life.bytes - slot.bytes);
      const unused = Math.max(0, slot.bytes - life.bytes);
      if (growth < cost || (growth === cost && unused < waste)) {
        chosen = s;
        cost = growth;
        waste = unused;
      }
    });
    if (chosen === -1) {
      chosen = slots.length;
      slots.push({ bytes: 0, taken: [] });
    }
    const slot = slots[chosen]!;
    slot.bytes = Math.max(slot.bytes, life.bytes);
    slot.taken.push(life);
    slotOf[i] = chosen;
  }
  return { slotOf, slots: slots.map((s) => s.bytes), bytes: slots.reduce((n, s) => n + s.bytes, 0) };
}

function liveBytes(lifetimes: readonly Lifetime[]): number {
  const steps = new Set(lifetimes.map((l) => l.from));
  let most = 0;
  for (const step of steps) {
    most = Math.max(
      most,
      lifetimes.reduce((n, l) => n + (l.from <= step && step <= l.to ? l.bytes : 0), 0),
    );
  }
  return most;
}
