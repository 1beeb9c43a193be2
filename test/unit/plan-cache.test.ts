import { expect } from "chai";
import { OutOfMemoryError } from "../../src/gpu/errors.js";
import { MAX_PLANS, now, PlanCache, type Turn } from "../../src/graph/plan-cache.js";
import type { CompiledPlan } from "../../src/graph/plan.js";
import { InputError } from "../../src/index.js";

type Plan = Pick<CompiledPlan, "executable" | "dispose"> & { readonly key: string };

interface Asked {
  /** The device's room is too short for it so many times. */
  readonly short?: number;
  readonly turn?: Turn;
  readonly kind?: "run" | "training";
}

/** A cache of plans that are nothing but a key and a size, and what became of them. */
function fakes(budgetBytes: number) {
  const told: string[] = [];
  const gpu = { finished: () => (told.push("finished"), Promise.resolve()) };
  const cache = new PlanCache<{ readonly run: Plan; readonly training: Plan }>(gpu, budgetBytes);
  const get = (key: string, bytes = 1, { short = 0, turn = now, kind = "training" }: Asked = {}): Promise<Plan> => {
    let refusals = short;
    return cache.get(
      kind,
      key,
      async () => {
        await Promise.resolve();
        told.push(`make ${key}`);
        if (refusals-- > 0) throw new OutOfMemoryError(`no room for ${key}`);
        const executable = { memory: { bytes }, overheadBytes: 0 } as CompiledPlan["executable"];
        return { key, executable, dispose: () => void told.push(`drop ${key}`) };
      },
      turn,
    );
  };
  const all = async (keys: string): Promise<void> => {
    for (const key of keys) await get(key);
  };
  /** What was told since it was last asked. */
  const since = (): string => told.splice(0).join(", ");
  return { cache, get, all, since };
}

describe("the cache of plans", () => {
  it("lets the least recently used go first, so that the size that comes most often stays", async () => {
    const { all, since } = fakes(3);
    await all("abcabacada");
    expect(since()).to.equal("make a, make b, make c, make d, drop b");
    await all("ba");
    expect(since()).to.equal("make b, drop c");
  });

  it("goes by bytes: one large plan takes the room of several, and the newest stays though it is beyond the budget", async () => {
    const { get, all, since } = fakes(4);
    await all("abcd");
    await get("e", 3);
    expect(since()).to.equal("make a, make b, make c, make d, make e, drop a, drop b, drop c");
    await get("f", 9);
    expect(since()).to.equal("make f, drop d, drop e");
    await all("fg");
    expect(since()).to.equal("make g, drop f");
  });

  it("goes by number where all are small, each kind by itself", async () => {
    const { get, all, since } = fakes(Infinity);
    const keys = Array.from({ length: MAX_PLANS }, (_, i) => String.fromCharCode(97 + i)).join("");
    await all(keys);
    for (const key of keys) await get(key, 1, { kind: "run" });
    expect(since()).to.not.contain("drop");
    await get("new");
    expect(since()).to.equal("make new, drop a");
  });

  it("makes a plan once for all who ask meanwhile", async () => {
    const { get, since } = fakes(3);
    const [first, second] = await Promise.all([get("a"), get("a")]);
    expect(first).to.equal(second);
    expect(since()).to.equal("make a");
  });

  it("drops all others, of every kind, where there is no room, waits until their memory is free, and tries once more", async () => {
    const { get, all, since } = fakes(9);
    await get("z", 1, { kind: "run" });
    await all("ab");
    since();
    const told: string[] = [];
    const turn: Turn = async (work) => {
      told.push("turn");
      return work();
    };
    expect((await get("c", 1, { short: 1, turn })).key).to.equal("c");
    expect(since()).to.equal("make c, drop z, drop a, drop b, finished, make c");
    expect(told).to.deep.equal(["turn"]);
    await all("c");
    expect(since()).to.equal("");
  });

  it("gives up where that was not enough, or nothing is there to drop; the next call tries anew", async () => {
    const { get, all, since } = fakes(9);
    const failure = (work: Promise<unknown>): Promise<unknown> =>
      work.then(
        () => null,
        (error: unknown) => error,
      );
    expect(await failure(get("a", 1, { short: 1 }))).to.be.instanceOf(OutOfMemoryError);
    expect(since()).to.equal("make a");
    await all("b");
    expect(await failure(get("a", 1, { short: 2 }))).to.be.instanceOf(OutOfMemoryError);
    expect(since()).to.equal("make b, make a, drop b, finished, make a");
    await all("a");
    expect(since()).to.equal("make a");
  });

  it("drops what was overtaken, of the kinds that are named", async () => {
    const { cache, get, all, since } = fakes(9);
    await all("ab");
    await get("a", 1, { kind: "run" });
    const dropped = await cache.dropIf(["training"], (plan) => plan.key === "a");
    expect(dropped.map((plan) => (plan as Plan).key)).to.deep.equal(["a"]);
    expect(since()).to.equal("make a, make b, make a, drop a");
    cache.dispose();
    await Promise.resolve();
    expect(since()).to.equal("drop b, drop a");
  });

  it("refuses a budget that is none", () => {
    expect(() => fakes(0)).to.throw(InputError, "planBudgetBytes is 0");
    expect(() => fakes(NaN)).to.throw(InputError, "planBudgetBytes is NaN");
  });
});
