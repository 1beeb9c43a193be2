/** The memory planner: no two tensors of one time overlap, conflicting ones lie apart, and little is wasted. */
import { expect } from "chai";
import { planMemory, type Lifetime, type MemoryPlan } from "../../src/graph/plan-memory.js";
import { uniform } from "../../src/tensor/random.js";

const free = { conflicts: [], maxBufferBytes: Infinity };

function checkPlan(lifetimes: readonly Lifetime[], conflicts: readonly (readonly [number, number])[], plan: MemoryPlan): void {
  lifetimes.forEach((a, i) => {
    const at = plan.places[i]!;
    expect(at.offset % 256, "offset alignment").to.equal(0);
    expect(at.offset + a.bytes).to.be.at.most(plan.buffers[at.buffer]!);
    lifetimes.forEach((b, j) => {
      const other = plan.places[j]!;
      const together = i < j && a.from <= b.to && b.from <= a.to && at.buffer === other.buffer;
      if (together && at.offset < other.offset + b.bytes && other.offset < at.offset + a.bytes)
        throw new Error(`tensors ${i} and ${j} overlap`);
    });
  });
  for (const [i, j] of conflicts)
    expect(plan.places[i]!.buffer, `tensors ${i} and ${j} conflict`).to.not.equal(plan.places[j]!.buffer);
}

describe("memory planner", () => {
  it("lets tensors of different times share", () => {
    const lifetimes = [0, 1, 2, 3].map((t) => ({ bytes: 1024, from: t, to: t }));
    const plan = planMemory(lifetimes, free);
    checkPlan(lifetimes, [], plan);
    expect([plan.bytes, plan.lowerBoundBytes, plan.unsharedBytes]).to.deep.equal([1024, 1024, 4096]);
  });

  it("keeps what a dispatch reads out of the buffer that it writes", () => {
    const chain = [0, 1, 2, 3].map((t) => ({ bytes: 1024, from: t, to: t + 1 }));
    const conflicts = [
      [0, 1],
      [1, 2],
      [2, 3],
    ] as const;
    const plan = planMemory(chain, { ...free, conflicts });
    checkPlan(chain, conflicts, plan);
    expect(plan.bytes).to.equal(2048);
  });

  it("puts small tensors side by side into what a large one leaves free at other times", () => {
    const lifetimes = [
      { bytes: 4096, from: 5, to: 6 },
      { bytes: 2048, from: 0, to: 1 },
      { bytes: 2048, from: 0, to: 1 },
    ];
    expect(planMemory(lifetimes, free).bytes).to.equal(4096);
  });

  it("grows no buffer beyond the limit", () => {
    const lifetimes = [1, 2, 3].map(() => ({ bytes: 1024, from: 0, to: 0 }));
    expect(planMemory(lifetimes, { conflicts: [], maxBufferBytes: 2048 }).buffers).to.deep.equal([2048, 1024]);
  });

  it("holds on random lifetimes and conflicts", () => {
    const random = uniform(5);
    for (let round = 0; round < 20; round++) {
      const lifetimes = Array.from({ length: 30 }, () => {
        const from = Math.floor(random() * 20);
        return { bytes: 16 * Math.ceil(random() * 400), from, to: from + Math.floor(random() * 6) };
      });
      const conflicts = Array.from({ length: 40 }, () => [Math.floor(random() * 30), Math.floor(random() * 30)] as const).filter(
        ([a, b]) => a !== b,
      );
      const plan = planMemory(lifetimes, { ...free, conflicts });
      checkPlan(lifetimes, conflicts, plan);
      expect(plan.bytes).to.be.at.least(plan.lowerBoundBytes);
    }
  });

  it("plans nothing for nothing", () => {
    expect(planMemory([], free).bytes).to.equal(0);
  });
});
