/** The training loop of a program: forward, backward and update per step, with the caller owning the loop. */
import type { BufferRange } from "../gpu/buffer-range.js";
import type { GpuContext } from "../gpu/context.js";
import type { PipelineCache } from "../gpu/pipelines.js";
import { scale } from "../kernels/elementwise.js";
import { InputError } from "../tensor/errors.js";
import { numel, type Shape } from "../tensor/shape.js";
import { isParam, lossScaleOf, topological, type Param, type Tensor } from "../tensor/tensor.js";
import type { ChoiceBook } from "./choice-book.js";
import { gradients } from "./gradients.js";
import type { Graph, Names } from "./graph.js";
import { Guard } from "./guard.js";
import type { Data } from "./inputs.js";
import { LossRing } from "./loss-ring.js";
import { scalingFor, type LossScale } from "./loss-scaler.js";
import { isSgd, type Optimizer, type Sgd } from "./optimizer.js";
import { compilePlan, type CompiledPlan } from "./plan.js";
import { checkInputs, shapesOf, specializeGraph, upload } from "./feed.js";
import { Updater } from "./updater.js";
import { Watch } from "./watch.js";
import type { WeightStore } from "./weight-store.js";

export type Batches<I> = Iterable<{ readonly [K in keyof I]: Data }> | AsyncIterable<{ readonly [K in keyof I]: Data }>;

export interface TrainOptions<O> {
  /** The output to minimise: a scalar. */
  readonly loss: keyof O;
  readonly optimizer: Optimizer;
  /** Stop after so many steps. Default: when the batches end. */
  readonly steps?: number;
  /** Read the loss back every so many steps; on the others it is null. Default 1. Larger is faster where readback is slow (Firefox: 100 ms). */
  readonly lossEvery?: number;
  /** In mixed precision: by what the loss is multiplied, and gradients are divided by again in the update. Default: one that adapts, from 65536. */
  readonly lossScale?: LossScale;
  /** Ends the loop after the step in progress. */
  readonly signal?: AbortSignal;
  /**
   * Look at the loss and every gradient before each update, on the GPU, and throw DivergedError, which names the first layer, where one is infinite or NaN; the
   * weights are then those of the step before. It is found when the loss is read back; inputs are kept until then. Default false.
   */
  readonly checkFinite?: boolean;
}

export interface TrainStep {
  /** 1 after the first step of the program's life; goes on across train() calls and checkpoints. */
  readonly step: number;
  /** Mean over the step's batches; null on steps that are not read back. */
  readonly loss: number | null;
  /** Wall time since the step before. */
  readonly ms: number;
  /** In mixed precision, on steps that are read back: how many since the last reading left the weights as they were, for a gradient that was not finite. */
  readonly skipped?: number;
  /** In mixed precision, on steps that are read back: the loss scale of the next step. */
  readonly lossScale?: number;
}

interface TrainPlan extends CompiledPlan {
  readonly loss: BufferRange;
}

const MAX_TRAIN_PLANS = 8;

export class Trainer<I extends Names, O extends Names> {
  /** Steps done. */
  step = 0;
  private readonly plans = new Map<string, Promise<TrainPlan>>();
  /** One for each loss, since each trains the parameters that it depends on. */
  private readonly updaters = new Map<keyof O, Promise<Updater>>();
  private readonly guards = new Map<keyof O, Promise<Guard>>();
  private running = false;

  constructor(
    private readonly gpu: GpuContext,
    private readonly pipelines: PipelineCache,
    private readonly graph: Graph<I, O>,
    private readonly store: WeightStore,
    private readonly choices: ChoiceBook,
    private readonly submitBudgetMs: number,
    private readonly assertUsable: () => void,
  ) {}

  async *train(batches: Batches<I>, options: TrainOptions<O>): AsyncGenerator<TrainStep, void, void> {
    const { optimizer, signal, lossEvery = 1, steps = Infinity } = options;
    if (!isSgd(optimizer)) throw new InputError(`train: the optimizer ${optimizer.name} is not known: use sgd(...)`);
    if (!Number.isInteger(lossEvery) || lossEvery < 1)
      throw new InputError(`train: lossEvery is ${lossEvery}: use an integer of at least 1`);
    const lossTensor = this.lossTensor(options.loss);
    const scaling = scalingFor(this.store.precision, options);
    if (this.running) throw new InputError("train: this program is training already: finish or abort that loop first");
    this.running = true;
    const ring = new LossRing(this.gpu, optimizer.accumulate, scaling && this.store.scaling);
    const source = iterate(batches);
    try {
      const watch = options.checkFinite ? await this.watch(options.loss, optimizer) : null;
      const look = async (): Promise<Pick<TrainStep, "loss" | "skipped" | "lossScale">> => {
        const { loss, divergedAt, scaling: state } = await ring.read(watch?.guard);
        if (watch && divergedAt !== null) throw await this.diverged(watch, optimizer.accumulate, divergedAt);
        watch?.clear();
        return { loss, ...state };
      };
      let last = performance.now();
      training: for (let done = 0; done < steps && !signal?.aborted; done++) {
        const read = (this.step + 1) % lossEvery === 0;
        for (let part = 0; part < optimizer.accumulate; part++) {
          const batch = await source.next();
          if (batch.done) {
            if (part > 0) await this.gpu.scoped("train", () => this.clearAccumulators());
            break training;
          }
          this.assertUsable();
          const checked = checkInputs(this.graph, batch.value as Readonly<Record<string, Data>>, [lossTensor]);
          const plan = await this.trainPlan(options.loss, shapesOf(checked), signal);
          const updater = await this.updaterOf(options.loss);
          if (scaling && done === 0 && part === 0) updater.scaler!.begin(scaling);
          const number = this.step * optimizer.accumulate + part;
          watch?.add(number, checked);
          const submit = (): void => {
            upload(this.gpu, plan, checked);
            this.store.writeRng(number);
            watch?.guard.writeBatch(number);
            const lastPart = part === optimizer.accumulate - 1;
            if (lastPart) updater.writeHyper(optimizer, this.step);
            plan.executable.submit((encoder) => {
              watch?.guard.encode(encoder, plan.loss);
              updater.encode(encoder, { accumulate: optimizer.accumulate > 1, update: lastPart });
              if (read) ring.record(encoder, plan.loss, part);
              if (read && lastPart && watch) ring.recordGuard(encoder, watch.guard);
            });
          };
          if (this.gpu.checked) await this.gpu.scoped("train", submit);
          else submit();
        }
        const reading = read ? await look() : (await ring.throttle(), { loss: null });
        this.step++;
        const now = performance.now();
        const ms = now - last;
        last = now;
        yield { step: this.step, ms, ...reading };
      }
      if (watch?.isBehind) {
        ring.recordGuardNow(watch.guard);
        await look();
      }
    } finally {
      this.running = false;
      ring.dispose();
      await source.return?.(undefined);
    }
  }

  async planOf(loss: keyof O, shapes: Readonly<Record<string, Shape>>): Promise<CompiledPlan> {
    this.lossTensor(loss);
    return this.trainPlan(loss, shapes);
  }

  dispose(): void {
    for (const made of [...this.updaters.values(), ...this.guards.values()])
      void made.then(
        (m) => m.dispose(),
        () => undefined,
      );
    for (const plan of this.plans.values())
      void plan.then(
        (p) => p.executable.dispose(),
        () => undefined,
      );
  }

  /** Lets go of plans that a load or a checkpoint's choices have overtaken. */
  async dropStalePlans(): Promise<void> {
    if (this.running) return; // the next step takes a plan of the weights as they are then
    for (const plan of await this.choices.takeStale(this.plans, this.store.diagonal)) plan.executable.dispose();
  }

  /** The error of a batch that was not finite; the state is then that in front of its step. */
  private async diverged(watch: Watch, accumulate: number, batch: number): Promise<Error> {
    this.step = Math.floor(batch / accumulate);
    await this.gpu.scoped("train", () => this.clearAccumulators());
    return watch.error(batch);
  }

  private async watch(loss: keyof O, optimizer: Sgd): Promise<Watch> {
    const { gpu, pipelines, store } = this;
    let guard = this.guards.get(loss);
    if (!guard) {
      const { hyper } = await this.updaterOf(loss);
      guard = Guard.create(gpu, pipelines, store, trainable(this.graph.outputs[loss]!), hyper);
      this.guards.set(loss, guard);
      guard.catch(() => this.guards.delete(loss));
    }
    const lossFor = (shapes: Readonly<Record<string, Shape>>): { loss: Tensor; params: readonly Param[] } => {
      const tensor = specializeGraph(this.graph, shapes).outputs[loss]!;
      return { loss: tensor, params: trainable(tensor) };
    };
    return new Watch(await guard, { gpu, pipelines, store, optimizer, lossFor });
  }

  private clearAccumulators(): void {
    const encoder = this.gpu.device.createCommandEncoder();
    this.store.clear(encoder, "accumulator");
    this.gpu.device.queue.submit([encoder.finish()]);
  }

  private lossTensor(name: keyof O): O[keyof O] {
    const tensor = this.graph.outputs[name];
    if (!tensor)
      throw new InputError(
        `train: there is no output ${String(name)}: the outputs are ${Object.keys(this.graph.outputs).join(", ")}`,
      );
    if (tensor.dtype !== "f32" || numel(tensor.shape) !== 1) {
      throw new InputError(
        `train: the loss ${String(name)} is ${tensor.dtype} [${tensor.shape.join(", ")}]: it must be an f32 scalar, as softmaxCrossEntropy with reduction "mean" gives`,
      );
    }
    return tensor;
  }

  private updaterOf(loss: keyof O): Promise<Updater> {
    let updater = this.updaters.get(loss);
    if (!updater) {
      updater = Updater.create(this.gpu, this.pipelines, this.store, trainable(this.graph.outputs[loss]!));
      this.updaters.set(loss, updater);
      updater.catch(() => this.updaters.delete(loss));
    }
    return updater;
  }

  private trainPlan(loss: keyof O, shapes: Readonly<Record<string, Shape>>, signal?: AbortSignal): Promise<TrainPlan> {
    const sizes = Object.entries(this.graph.inputs).map(([n, t]) => shapes[n] ?? t.shape);
    const key = JSON.stringify([loss, sizes, [...this.store.diagonal]]);
    let plan = this.plans.get(key);
    if (!plan) {
      plan = this.compileTrain(loss, shapes, signal);
      this.plans.set(key, plan);
      plan.catch(() => this.plans.delete(key));
      const oldest = [...this.plans.keys()][0]!;
      if (this.plans.size > MAX_TRAIN_PLANS) {
        void this.plans.get(oldest)!.then(
          (p) => p.executable.dispose(),
          () => undefined,
        );
        this.plans.delete(oldest);
      }
    }
    return plan;
  }

  private async compileTrain(
    loss: keyof O,
    shapes: Readonly<Record<string, Shape>>,
    signal: AbortSignal | undefined,
  ): Promise<TrainPlan> {
    const graph = specializeGraph(this.graph, shapes);
    const lossTensor = graph.outputs[loss]!;
    const params = trainable(lossTensor);
    const seed = this.store.precision === "mixed" ? lossScaleOf(lossTensor.shape) : undefined;
    const grads = distinct(gradients(lossTensor, params, seed));
    const gradientsOf = new Map<Tensor, string>(grads.map((g, i) => [g, params[i]!.name]));
    const compiled = await compilePlan({
      gpu: this.gpu,
      pipelines: this.pipelines,
      store: this.store,
      outputs: [lossTensor, ...grads],
      gradientsOf,
      training: true,
      submitBudgetMs: this.submitBudgetMs,
      choices: this.choices,
      tuneSignal: signal,
    });
    return { ...compiled, loss: compiled.executable.rangeOf(compiled.outputs[0]!.parts[0]!) };
  }
}

/** What a loss trains: the parameters it depends on, but for the frozen ones. The others keep their values. */
function trainable(loss: Tensor): Param[] {
  return topological([loss]).filter((t): t is Param => isParam(t) && t.lrMult !== 0);
}

/**
 * Each gradient is a tensor of its own that nothing else reads: two parameters that are added share one, and a dispatch that writes one
 * gradient must not read another, which lies in the same buffer.
 */
function distinct(grads: readonly Tensor[]): Tensor[] {
  const read = new Set(topological(grads).flatMap((node) => node.inputs));
  const seen = new Set<Tensor>();
  return grads.map((g) => {
    const shared = seen.has(g) || read.has(g) || g.op === "reshape" || g.inputs.length === 0;
    seen.add(g);
    return shared ? scale(g, 1) : g;
  });
}

function iterate<T>(
  batches: Iterable<T> | AsyncIterable<T>,
): AsyncIterator<T, unknown, undefined> | Iterator<T, unknown, undefined> {
  if (Symbol.asyncIterator in batches) return batches[Symbol.asyncIterator]();
  if (Symbol.iterator in batches) return batches[Symbol.iterator]();
  throw new InputError("train: batches is not iterable: pass an array, a generator or an async generator of inputs");
}
