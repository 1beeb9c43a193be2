/**
 * The plans of a program by what they are for, one for each combination of input shapes and outputs. Each has memory of its own, and photos come in many sizes: so
 * the least recently used go first, at more than so many or at more bytes than the budget; and all go but the one that is wanted where the device has no room for it.
 */
import type { GpuContext } from "../gpu/context.js";
import { OutOfMemoryError } from "../gpu/errors.js";
import { InputError } from "../tensor/errors.js";
import type { CompiledPlan } from "./plan.js";

/** Of each kind. */
export const MAX_PLANS = 16;
/** Of each kind: WebGPU does not tell how much memory there is. A training step of FCN-8s (VGG16) on a photo of 500 x 375 takes 0.8 GiB. */
const DEFAULT_BUDGET_BYTES = 2 ** 31;

/** Does work that no run may be in the middle of: in its turn, or at once where the caller has the turn. */
export type Turn = <T>(work: () => Promise<T>) => Promise<T>;

export const now: Turn = (work) => work();

/** What of a plan the cache needs to know. */
type Kept = Pick<CompiledPlan, "executable" | "dispose">;

interface Entry<Kinds, K extends keyof Kinds> {
  readonly kind: K;
  readonly made: Promise<Kinds[K]>;
  /** Once it is made. */
  plan?: Kinds[K];
}

export class PlanCache<Kinds extends { readonly [kind: string]: Kept }> {
  /** The least recently used first. */
  private readonly entries = new Map<string, Entry<Kinds, keyof Kinds>>();

  /** Throws InputError for a budget that is none. */
  constructor(
    private readonly gpu: Pick<GpuContext, "finished">,
    private readonly budgetBytes = DEFAULT_BUDGET_BYTES,
  ) {
    if (!(budgetBytes > 0)) throw new InputError(`compile: planBudgetBytes is ${budgetBytes}: use a number of bytes above 0`);
  }

  /** The plan of this kind and key, made where there is none. A plan that is being made, or was just made, is never the one that goes. */
  get<K extends keyof Kinds>(kind: K, key: string, make: () => Promise<Kinds[K]>, turn: Turn): Promise<Kinds[K]> {
    const name = `${String(kind)} ${key}`;
    const known = this.entries.get(name) as Entry<Kinds, K> | undefined;
    if (known) {
      this.entries.delete(name);
      this.entries.set(name, known);
      return known.made;
    }
    const entry: Entry<Kinds, K> = { kind, made: this.withRoom(make, turn) };
    this.entries.set(name, entry);
    entry.made.then(
      (plan) => {
        entry.plan = plan;
        void this.letGo(this.beyondLimits(entry), turn);
      },
      () => {
        if (this.entries.get(name) === entry) this.entries.delete(name);
      },
    );
    return entry.made;
  }

  /** Lets go of plans of these kinds that something has overtaken; gives them back. The caller has the turn. */
  async dropIf(kinds: readonly (keyof Kinds)[], isOvertaken: (plan: Kinds[keyof Kinds]) => boolean): Promise<readonly Kept[]> {
    const entries = [...this.entries.values()].filter(({ kind }) => kinds.includes(kind));
    await Promise.all(entries.map(({ made }) => made.catch(() => undefined)));
    const overtaken = entries.filter(({ plan }) => plan && isOvertaken(plan));
    await this.letGo(overtaken, now);
    return overtaken.map(({ plan }) => plan!);
  }

  dispose(): void {
    for (const { made } of this.entries.values())
      void made.then(
        (plan) => plan.dispose(),
        () => undefined,
      );
    this.entries.clear();
  }

  /** What `make` gives. Where that throws OutOfMemoryError, all plans that are made go, and it is tried once more. */
  async withRoom<P>(make: () => Promise<P>, turn: Turn): Promise<P> {
    try {
      return await make();
    } catch (error) {
      const others = [...this.entries.values()].filter(({ plan }) => plan);
      if (!(error instanceof OutOfMemoryError) || others.length === 0) throw error;
      await this.letGo(others, turn);
      // Memory is free once nothing uses it any more.
      await this.gpu.finished();
      return make();
    }
  }

  private beyondLimits<K extends keyof Kinds>(newest: Entry<Kinds, K>): readonly Entry<Kinds, keyof Kinds>[] {
    const made = [...this.entries.values()].filter(({ kind, plan }) => kind === newest.kind && plan);
    let [plans, bytes] = [made.length, made.reduce((sum, { plan }) => sum + bytesOf(plan!), 0)];
    const old = [];
    for (const entry of made) {
      if (plans <= MAX_PLANS && bytes <= this.budgetBytes) break;
      if (entry === newest) continue;
      old.push(entry);
      plans--;
      bytes -= bytesOf(entry.plan!);
    }
    return old;
  }

  /** From here on nobody gets them; a run that is using one goes first. */
  private async letGo(old: readonly Entry<Kinds, keyof Kinds>[], turn: Turn): Promise<void> {
    if (old.length === 0) return;
    for (const [name, entry] of this.entries) if (old.includes(entry)) this.entries.delete(name);
    await turn(() => {
      for (const { plan } of old) plan!.dispose();
      return Promise.resolve();
    });
  }
}

function bytesOf({ executable: { memory, overheadBytes } }: Kept): number {
  return memory.bytes + overheadBytes;
}
