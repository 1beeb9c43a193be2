/**
 * The engine's half of the harness: answers the runner's commands, in a page or in a process of Node. One workload is prepared at a time; it is
 * timed a visit at a time, so that the runner can let engines take turns.
 */
import { encodeFloats } from "./base64.js";
import { countGpuWork, type GpuCounters } from "./counters.js";
import { makeData } from "./data.js";
import type { Engine, EngineHost, Prepared, RunResult } from "./engine.js";
import { messageOf } from "./host.js";
import type { FirstRun, GpuCounts } from "./report.js";
import { WORKLOADS, type Workload } from "./workloads.js";

/** What the runner hands to a session when it starts. */
export interface SessionArgs {
  readonly engine: string;
  readonly packages: string;
  readonly platform: EngineHost["platform"];
}

/** How a session talks to the runner: `Page` of scripts/browser has this, and node-child.ts makes it. Everything that crosses is JSON. */
export interface Channel {
  readonly args: unknown;
  /** The adapter's name where the browser keeps it from pages. */
  readonly hiddenAdapter: string | null;
  send(message: unknown): void;
  receive(): Promise<unknown>;
}

export type Command =
  | { readonly kind: "prepare"; readonly workload: string }
  /** Takes samples until `budgetMs` are over or `most` are there; one at least. */
  | { readonly kind: "visit"; readonly budgetMs: number; readonly most: number }
  | { readonly kind: "release" }
  | { readonly kind: "end" };

export interface Replies {
  readonly open: { readonly about: string; readonly webgpu: boolean };
  readonly prepare: PrepareReply;
  readonly visit: VisitReply;
  readonly release: null;
}

export interface PrepareReply {
  /** Why the engine cannot do this workload; everything else is empty then. */
  readonly cannot: string | null;
  readonly first: FirstRun;
  /** What the first runs computed, for the runner to check: the output of one, or the losses of the first training steps. Base64 of f32. */
  readonly outputs: string;
  readonly pipelines: number;
  readonly notes: readonly string[];
}

export interface VisitReply {
  readonly samplesMs: readonly number[];
  /** Of one run; without pipelines, which the first run makes. */
  readonly counts: Omit<GpuCounts, "pipelines"> | null;
  readonly gpuErrors: readonly string[];
}

export type Answer =
  | { readonly reply: unknown }
  /** `lostBefore`: the device was gone before the command came. */
  | { readonly error: string; readonly lostBefore: boolean };

/** Steps whose losses are compared. Later ones depend on earlier gradients and velocities. */
const CHECKED_STEPS = 4;

/** Under this, a run that does not count comes first in each visit: other engines have had the caches since. */
const SHORT_RUN_MS = 50;

/** The `main` of an engine's process. The engines that it can be, by name; `args.engine` says which. */
export function serveEngine(engines: Readonly<Record<string, Engine>>): (channel: Channel) => Promise<null> {
  return async (channel) => {
    const { engine: name, platform, ...args } = channel.args as SessionArgs;
    // Workers that a package starts have no page to resolve a path against.
    const packages = platform === "page" ? new URL(args.packages, location.href).href : args.packages;
    const engine = engines[name]!;
    const counters = countGpuWork();
    const { finished, nextSubmitDone, submits } = counters;
    const answer = async (work: () => unknown): Promise<void> => {
      const lostBefore = counters.lost() !== null;
      try {
        if (lostBefore) throw new Error(counters.lost()!);
        const reply = (await work()) ?? null;
        // On a lost device everything seems to succeed, and at once.
        await nextTask();
        if (counters.lost() !== null) throw new Error(counters.lost()!);
        channel.send({ reply } satisfies Answer);
      } catch (error) {
        channel.send({ error: describe(error, counters.errors), lostBefore } satisfies Answer);
      }
    };
    await answer(async (): Promise<Replies["open"]> => {
      const about = await engine.open({ packages, platform, finished, nextSubmitDone, submits });
      return { about, webgpu: engine.webgpu };
    });
    const bench = new Bench(engine, counters);
    for (;;) {
      const command = (await channel.receive()) as Command;
      if (command.kind === "end") return null;
      await answer(() => bench.obey(command));
    }
  };
}

class Bench {
  private prepared: Prepared | null = null;
  private lastMs = Infinity;
  private liveBefore = 0;

  constructor(
    private readonly engine: Engine,
    private readonly counters: GpuCounters,
  ) {}

  async obey(command: Exclude<Command, { kind: "end" }>): Promise<unknown> {
    if (command.kind === "prepare") return await this.prepare(WORKLOADS.find(({ id }) => id === command.workload)!);
    if (command.kind === "visit") return await this.visit(command.budgetMs, command.most);
    return await this.release();
  }

  private async prepare(workload: Workload): Promise<PrepareReply> {
    const cannot = this.engine.cannot(workload);
    if (cannot !== null) return { cannot, first: { prepareMs: 0, runMs: 0 }, outputs: "", pipelines: 0, notes: [] };
    const data = makeData(workload);
    this.counters.restart();
    this.liveBefore = this.counters.liveBytes();
    const started = performance.now();
    this.prepared = await this.engine.prepare(workload, data);
    const prepareMs = performance.now() - started;
    const { ms: runMs, result } = await this.timed(true);
    const { pipelines } = this.counters.counts;
    const outputs = [await readAndRelease(result)];
    if (workload.kind === "training")
      while (outputs.length < CHECKED_STEPS) outputs.push(await readAndRelease((await this.timed(true)).result));
    const { notes = [] } = this.prepared;
    return { cannot, first: { prepareMs, runMs }, outputs: encodeFloats(joined(outputs)), pipelines, notes };
  }

  private async visit(budgetMs: number, most: number): Promise<VisitReply> {
    if (this.lastMs < SHORT_RUN_MS) await (await this.timed(false)).result.release();
    const samplesMs: number[] = [];
    // Engines give buffers back late: the peak is that since the workload was prepared.
    const { dispatches, passes, submits } = this.counters.counts;
    for (let total = 0; samplesMs.length < 1 || (samplesMs.length < most && total < budgetMs); total += this.lastMs) {
      const { ms, result } = await this.timed(false);
      await result.release();
      samplesMs.push(ms);
    }
    const now = this.counters.counts;
    const perRun = (count: number): number => count / samplesMs.length;
    const counts = {
      dispatches: perRun(now.dispatches - dispatches),
      passes: perRun(now.passes - passes),
      submits: perRun(now.submits - submits),
      peakBytes: now.peakBytes - this.liveBefore,
    };
    return { samplesMs, counts: this.engine.webgpu ? counts : null, gpuErrors: [...this.counters.errors] };
  }

  private async release(): Promise<null> {
    const { prepared } = this;
    this.prepared = null;
    this.lastMs = Infinity;
    await prepared?.release();
    return null;
  }

  private async timed(read: boolean): Promise<{ ms: number; result: RunResult }> {
    const started = performance.now();
    const result = await this.prepared!.run(read);
    const ms = performance.now() - started;
    this.lastMs = ms;
    return { ms, result };
  }
}

async function readAndRelease(result: RunResult): Promise<Float32Array> {
  const values = await result.read();
  await result.release();
  return values;
}

/** After what is waiting already, a device's loss for one. */
async function nextTask(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve));
}

function joined(parts: readonly Float32Array[]): Float32Array {
  return parts.length === 1 ? parts[0]! : Float32Array.from(parts.flatMap((part) => [...part]));
}

function describe(error: unknown, gpuErrors: readonly string[]): string {
  const named = error instanceof Error && error.name !== "Error";
  const own = named ? `${error.name}: ${error.message}` : messageOf(error);
  return [own, ...gpuErrors.map((text) => `GPU: ${text}`)].join("; ").slice(0, 2000);
}
