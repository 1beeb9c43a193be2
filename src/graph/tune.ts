/**
 * The autotuner: measures the variants of each distinct node of a plan once per device, within a time budget, and remembers the winners. It
 * never fails a compile: what it could not measure or keep goes by the rule, and the plan's choices and a warning say so.
 */
import type { GpuContext, GpuInfo } from "../gpu/context.js";
import type { PipelineCache } from "../gpu/pipelines.js";
import { createStopwatch } from "../gpu/stopwatch.js";
import type { Variant } from "../kernels/op.js";
import { opOf } from "../kernels/ops.js";
import { formatShape } from "../tensor/shape.js";
import { isLeaf, topological, type Tensor } from "../tensor/tensor.js";
import { noVerdict, type ChoiceDevice, type Verdict } from "./choose.js";
import type { OnProgress } from "./compile-options.js";
import { contest, type Outcome } from "./contest.js";
import { estimateMs } from "./estimate.js";
import { plannedVariants, type PlanKind } from "./planned-variant.js";
import { applicationOf, signatureOf } from "./signature.js";
import { formatTable, hash, parseTable, sourceHash, type Entry } from "./tune-table.js";
import type { TuneStore } from "./tune-store.js";

export interface TuneOptions {
  /** Most time to spend on measuring for each plan that is compiled (a size, a training step), in ms. Default 20,000. */
  readonly budgetMs?: number;
  /** Where winners are kept: a folder in Node, the name of an IndexedDB database in a page. Default: the user's cache folder, "fcn-webgpu". */
  readonly cache?: string;
}

const BUDGET_MS = 20_000;

export interface TunerSettings extends Omit<TuneOptions, "cache"> {
  readonly gpu: GpuContext;
  readonly pipelines: PipelineCache;
  readonly store: TuneStore | undefined;
  readonly onProgress: OnProgress;
  readonly onWarning: (warning: string) => void;
}

export interface Tuner {
  readonly verdicts: ReadonlyMap<string, Verdict>;
  /**
   * Comes to a verdict on each node behind `outputs` that has a choice, but for signatures in `settled`. What is timed is what a run of a plan of
   * that kind costs: without the preparation of weights that it keeps. The signal ends the measuring: what is left goes by the rule.
   */
  tune(
    outputs: readonly Tensor[],
    device: ChoiceDevice,
    kind: PlanKind,
    settled: ReadonlyMap<string, unknown>,
    signal?: AbortSignal,
  ): Promise<void>;
}

interface Job {
  readonly signature: string;
  readonly node: Tensor;
  readonly variants: readonly Variant[];
  readonly flops: number;
  readonly kernels: string;
}

export function createTuner(settings: TunerSettings): Tuner {
  const { gpu, store, onProgress, onWarning, budgetMs = BUDGET_MS } = settings;
  const verdicts = new Map<string, Verdict>();
  let tail: Promise<unknown> = Promise.resolve();
  let entries: Promise<Map<string, Entry>> | undefined;

  async function load(): Promise<Map<string, Entry>> {
    if (!store) return new Map();
    try {
      const text = await store.read();
      return text === undefined ? new Map<string, Entry>() : parseTable(text);
    } catch (error) {
      onWarning(`tune: the cache in ${store.where} cannot be read and is made anew (${messageOf(error)})`);
      return new Map();
    }
  }

  async function save(found: ReadonlyMap<string, Entry>): Promise<void> {
    if (!store || found.size === 0) return;
    try {
      // Others may have written since.
      const text = await store.read().catch(() => undefined);
      let old: Map<string, Entry>;
      try {
        old = text === undefined ? new Map<string, Entry>() : parseTable(text);
      } catch {
        old = new Map(); // damaged: said when it was first read
      }
      await store.write(formatTable(gpu.info, new Map([...old, ...found])));
    } catch (error) {
      onWarning(`tune: the cache in ${store.where} cannot be written, so the next start measures again (${messageOf(error)})`);
    }
  }

  async function measure(jobs: Job[], onDone: () => void, signal: AbortSignal | undefined): Promise<Map<string, Entry>> {
    const found = new Map<string, Entry>();
    const until = performance.now() + budgetMs;
    const over = (): boolean => signal?.aborted === true || performance.now() >= until;
    const stopwatch = await createStopwatch(gpu);
    const guess = costGuess(gpu.info.software);
    try {
      // Always the largest that the time left is thought to be enough for.
      jobs.sort((a, b) => b.flops - a.flops);
      while (jobs.length > 0 && !over()) {
        const next = jobs.findIndex((job) => guess.ms(job) <= until - performance.now());
        if (next < 0) break;
        const job = jobs.splice(next, 1)[0]!;
        const start = performance.now();
        try {
          const outcome = await contest({ ...settings, stopwatch, over, until }, job.node, job.variants, job.flops);
          guess.learn(job, outcome.directMs, performance.now() - start);
          const entry: Entry = { kernels: job.kernels, ms: outcome.ms, rejected: outcome.rejected };
          // What the end of the time left open is measured next time.
          if (outcome.unmeasured.length === 0) found.set(job.signature, entry);
          verdicts.set(job.signature, verdictOf(entry, outcome.unmeasured));
        } catch (error) {
          gpu.assertUsable();
          onWarning(`tune: ${describe(job.node)} could not be measured (${messageOf(error)})`);
          verdicts.set(job.signature, noVerdict("could not be measured"));
        }
        onDone();
      }
    } finally {
      stopwatch[Symbol.dispose]();
    }
    const reason = signal?.aborted ? "measuring was aborted" : `the budget of ${budgetMs} ms did not reach to measuring it`;
    for (const { signature } of jobs) verdicts.set(signature, noVerdict(reason));
    return found;
  }

  async function tune(...[outputs, device, kind, settled, signal]: Parameters<Tuner["tune"]>): Promise<void> {
    const jobs = jobsOf(outputs, device, kind).filter(
      ({ node, signature }) => !isSettled(node, settled) && !isMeasured(verdicts.get(signature)),
    );
    if (jobs.length === 0) return;
    const known = await (entries ??= load());
    const open = jobs.filter((job) => {
      const entry = known.get(job.signature);
      if (entry?.kernels !== job.kernels) return true;
      verdicts.set(job.signature, verdictOf(entry));
      return false;
    });
    let done = jobs.length - open.length;
    const tell = (): void => onProgress({ stage: "tune", done, total: jobs.length });
    tell();
    if (open.length === 0) return;
    const onDone = (): void => (done++, tell());
    const found = await measure(open, onDone, signal);
    for (const [signature, entry] of found) known.set(signature, entry);
    await save(found);
  }

  return {
    verdicts,
    tune(...args) {
      const result = tail.then(() => tune(...args));
      tail = result.catch(() => undefined);
      return result;
    },
  };
}

/** What an entry of the cache is valid for, besides its kernels: this adapter in this browser, or this version of Node. */
export function tuneKey({ vendor, architecture, device, description }: GpuInfo): string {
  const { process, navigator } = globalThis as {
    process?: { version?: string };
    navigator?: { userAgent?: string };
  };
  return hash(JSON.stringify([vendor, architecture, device, description, process?.version, navigator?.userAgent]));
}

/** Whether a checkpoint says which variant computes it, where its values decide or where they do not. */
function isSettled(node: Tensor, settled: ReadonlyMap<string, unknown>): boolean {
  const application = applicationOf(node);
  return [false, true].some((decides) => settled.has(signatureOf({ ...application, decides })));
}

/** One job for each signature that has more than one variant. */
function jobsOf(outputs: readonly Tensor[], device: ChoiceDevice, kind: PlanKind): Job[] {
  const jobs = new Map<string, Job>();
  for (const node of topological(outputs)) {
    if (isLeaf(node)) continue;
    const op = opOf(node.op);
    if (op.alias?.(node.inputs, node)) continue;
    const application = applicationOf(node);
    const variants = plannedVariants(application, node, device, kind);
    if (variants.length === 1) continue;
    const signature = signatureOf(application);
    if (jobs.has(signature)) continue;
    const flops = op.flops(node.inputs, node, node.attrs);
    jobs.set(signature, { signature, node, variants, flops, kernels: sourceHash(variants) });
  }
  return [...jobs.values()];
}

function verdictOf({ ms, rejected }: Entry, unmeasured: readonly string[] = []): Verdict {
  const notes = [
    ...Object.entries(rejected).map(([name, reason]) => `${name} ${reason}`),
    ...unmeasured.map((name) => `${name} not measured: the time was up`),
  ];
  return { ms, unmeasured, notes };
}

/** Whether the time reached to every variant. */
function isMeasured(verdict: Verdict | undefined): boolean {
  return verdict !== undefined && Object.keys(verdict.ms).length > 0 && verdict.unmeasured.length === 0;
}

/** How long a contest will take: `direct` about four times, and what else contests of the op took, as far as known. */
function costGuess(software: boolean): {
  ms(job: Job): number;
  learn(job: Job, directMs: Outcome["directMs"], allMs: number): void;
} {
  const perFlop = new Map<string, number>();
  const overhead = new Map<string, number>();
  return {
    ms({ node, flops }) {
      const directMs = (perFlop.get(node.op) ?? estimateMs({ flops: 1, bytes: 0 }, software)) * flops;
      return 4 * directMs + (overhead.get(node.op) ?? 0);
    },
    learn({ node, flops }, directMs, allMs) {
      if (flops > 0) perFlop.set(node.op, directMs / flops);
      overhead.set(node.op, Math.max(0, allMs - 4 * directMs));
    },
  };
}

function describe({ op, inputs }: Tensor): string {
  return `${op} of ${inputs.map((t) => formatShape(t.shape)).join(" ")}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
