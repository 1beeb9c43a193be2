/**
 * Where tensors lie: each gets a range of a buffer that it shares with tensors of other times, and with tensors of its own time that no
 * dispatch uses together with it. WebGPU refuses a dispatch that reads one range of a buffer and writes another (design.md 11), so such
 * pairs conflict and go to different buffers; whole buffers alone would waste what a large tensor leaves free at other times.
 */
import { uniform } from "../tensor/random.js";

/** Bytes that must keep their contents from step `from` to step `to`, both included. */
export interface Lifetime {
  readonly bytes: number;
  readonly from: number;
  readonly to: number;
}

export interface Place {
  readonly buffer: number;
  readonly offset: number;
}

export interface MemoryPlan {
  /** Of each lifetime, in the order given. */
  readonly places: readonly Place[];
  /** Bytes of each buffer. */
  readonly buffers: readonly number[];
  readonly bytes: number;
  /** Most bytes alive at once: no plan can do with less. */
  readonly lowerBoundBytes: number;
  /** Bytes without any sharing. */
  readonly unsharedBytes: number;
}

export interface Constraints {
  /** Pairs of lifetimes that must not lie in one buffer. */
  readonly conflicts: readonly (readonly [number, number])[];
  readonly maxBufferBytes: number;
}

/** Alignment of a storage binding's offset at WebGPU's default limits. */
const ALIGNMENT = 256;

/** How much work the search for a better plan may do: orders tried times the square of the number of tensors. */
const SEARCH_BUDGET = 2_000_000;
const MOST_ORDERS = 500;
const GOOD_ENOUGH = 1.01;

/** Best-fit placement in several orders; the smallest result wins. Deterministic. */
export function planMemory(lifetimes: readonly Lifetime[], constraints: Constraints): MemoryPlan {
  const lowerBoundBytes = liveBytes(lifetimes);
  const enemies: Set<number>[] = lifetimes.map(() => new Set());
  for (const [a, b] of constraints.conflicts) {
    enemies[a]!.add(b);
    enemies[b]!.add(a);
  }
  const bySize = lifetimes
    .map((_, i) => i)
    .sort((a, b) => lifetimes[b]!.bytes - lifetimes[a]!.bytes || lifetimes[a]!.from - lifetimes[b]!.from);
  let best = place(lifetimes, bySize, enemies, constraints.maxBufferBytes);
  const random = uniform(1);
  const orders = Math.min(MOST_ORDERS, SEARCH_BUDGET / Math.max(1, lifetimes.length) ** 2);
  for (let attempt = 0; attempt < orders && best.bytes > lowerBoundBytes * GOOD_ENOUGH; attempt++) {
    // Sizes shaken, a little or a lot: near the order that is usually best, yet different.
    const shake = 2 * random();
    const key = lifetimes.map((l) => l.bytes * (1 + shake * random()));
    const plan = place(
      lifetimes,
      [...bySize].sort((a, b) => key[b]! - key[a]!),
      enemies,
      constraints.maxBufferBytes,
    );
    if (plan.bytes < best.bytes) best = plan;
  }
  return { ...best, lowerBoundBytes, unsharedBytes: lifetimes.reduce((n, l) => n + l.bytes, 0) };
}

interface Buffer {
  bytes: number;
  readonly residents: number[];
}

/** Each lifetime, in `order`, goes where the buffers grow least; a new buffer costs its whole size. */
function place(
  lifetimes: readonly Lifetime[],
  order: readonly number[],
  enemies: readonly ReadonlySet<number>[],
  maxBufferBytes: number,
): { places: Place[]; buffers: number[]; bytes: number } {
  const buffers: Buffer[] = [];
  const places: Place[] = lifetimes.map(() => ({ buffer: -1, offset: 0 }));
  for (const item of order) {
    const { bytes } = lifetimes[item]!;
    let chosen = -1;
    let offset = 0;
    let cost = bytes;
    buffers.forEach((buffer, b) => {
      if (buffer.residents.some((r) => enemies[item]!.has(r))) return;
      const at = lowestGap(lifetimes, places, buffer, item);
      const growth = Math.max(0, at + bytes - buffer.bytes);
      if (at + bytes <= maxBufferBytes && (growth < cost || (growth === cost && chosen === -1))) {
        chosen = b;
        offset = at;
        cost = growth;
      }
    });
    if (chosen === -1) {
      chosen = buffers.length;
      buffers.push({ bytes: 0, residents: [] });
    }
    const buffer = buffers[chosen]!;
    buffer.bytes = Math.max(buffer.bytes, offset + bytes);
    buffer.residents.push(item);
    places[item] = { buffer: chosen, offset };
  }
  return { places, buffers: buffers.map((b) => b.bytes), bytes: buffers.reduce((n, b) => n + b.bytes, 0) };
}

/** The lowest aligned offset at which the item overlaps no resident of its time. */
function lowestGap(lifetimes: readonly Lifetime[], places: readonly Place[], buffer: Buffer, item: number): number {
  const life = lifetimes[item]!;
  const taken = buffer.residents
    .filter((r) => lifetimes[r]!.from <= life.to && life.from <= lifetimes[r]!.to)
    .map((r) => ({ start: places[r]!.offset, end: places[r]!.offset + lifetimes[r]!.bytes }))
    .sort((a, b) => a.start - b.start);
  let at = 0;
  for (const { start, end } of taken) {
    if (at + life.bytes <= start) break;
    at = Math.max(at, Math.ceil(end / ALIGNMENT) * ALIGNMENT);
  }
  return at;
}

function liveBytes(lifetimes: readonly Lifetime[]): number {
  let most = 0;
  for (const step of new Set(lifetimes.map((l) => l.from))) {
    most = Math.max(
      most,
      lifetimes.reduce((n, l) => n + (l.from <= step && step <= l.to ? l.bytes : 0), 0),
    );
  }
  return most;
}
