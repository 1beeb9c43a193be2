/** The training loop of a program: forward, backward and update per step, with the caller owning the loop. */
import { InputError } from "../tensor/errors.js";
import { numel, type Shape } from "../tensor/shape.js";
import type { Param, Tensor } from "../tensor/tensor.js";
import type { Names } from "./graph.js";
import { Guard } from "./guard.js";
import type { CheckedInput, Data } from "./inputs.js";
import { LossRing } from "./loss-ring.js";
import { scalingFor, SkippedSteps, type LossScale } from "./loss-scaler.js";
import { isSgd, type Optimizer, type Sgd } from "./optimizer.js";
import type { CompiledPlan } from "./plan.js";
import type { Turn } from "./plan-cache.js";
import type { PlanSite } from "./run-plan.js";
import { compileTrain, trainable, trainPlanKey, type TrainPlan } from "./train-plan.js";
import { checkInputs, noRoomForInputs, shapesOf, specializeGraph, upload } from "./feed.js";
import { Updater } from "./updater.js";
import { divergedError, Watch, type Watched } from "./watch.js";

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

export class Trainer<I extends Names, O extends Names> {
  /** Steps done. */
  step = 0;
  /** One for each loss, since each trains the parameters that it depends on. */
  private readonly updaters = new Map<keyof O, Promise<Updater>>();
  private readonly guards = new Map<keyof O, Promise<Guard>>();
  private running = false;

  constructor(
    private readonly site: PlanSite<I, O>,
    private readonly assertUsable: () => void,
  ) {}

  get isRunning(): boolean {
    return this.running;
  }

  async *train(batches: Batches<I>, options: TrainOptions<O>): AsyncGenerator<TrainStep, void, void> {
    const { optimizer, signal, lossEvery = 1, steps = Infinity } = options;
    if (!isSgd(optimizer)) throw new InputError(`train: the optimizer ${optimizer.name} is not known: use sgd(...)`);
    if (!Number.isInteger(lossEvery) || lossEvery < 1)
      throw new InputError(`train: lossEvery is ${lossEvery}: use an integer of at least 1`);
    const lossTensor = this.lossTensor(options.loss);
    const scaling = scalingFor(this.site.store.precision, options);
    if (this.running) throw new InputError("train: this program is training already: finish or abort that loop first");
    const source = iterate(batches);
    this.running = true;
    let ring: LossRing | undefined;
    try {
      const readings = (ring = await this.ringOf(optimizer, scaling !== undefined));
      let updater: Updater | undefined;
      const watch = options.checkFinite ? await this.watch(options.loss, optimizer) : null;
      const skips = scaling && new SkippedSteps();
      /** The batch that was submitted last, and how many steps were done since the loss was read. */
      let latest: { readonly number: number; readonly inputs: ReadonlyMap<string, CheckedInput> } | undefined;
      let unread = 0;
      const look = async (): Promise<Pick<TrainStep, "loss" | "skipped" | "lossScale">> => {
        const { loss, divergedAt, scaling: state } = await readings.read(watch?.guard);
        if (watch && divergedAt !== null) throw await this.diverged(watch, optimizer.accumulate, divergedAt);
        watch?.clear();
        const skipped = state && skips?.add(state, unread);
        unread = 0;
        if (typeof skipped === "number") {
          const { number, inputs } = latest!;
          throw await divergedError(this.watched(options.loss, optimizer), number, inputs, skipped);
        }
        return { loss, ...state };
      };
      let last = performance.now();
      training: for (let done = 0; done < steps && !signal?.aborted; done++) {
        const read = (this.step + 1) % lossEvery === 0;
        for (let part = 0; part < optimizer.accumulate; part++) {
          const batch = await source.next();
          if (batch.done) {
            if (part > 0) await this.site.gpu.scoped("train", () => this.clearAccumulators());
            break training;
          }
          this.assertUsable();
          const checked = checkInputs(this.site.graph, batch.value as Readonly<Record<string, Data>>, [lossTensor]);
          const updates = (updater ??= await this.updaterOf(options.loss, optimizer));
          // Last: until it is submitted nothing else may come, which might let go of it.
          const plan = await this.trainPlan(options.loss, shapesOf(checked), this.site.turn, signal);
          if (scaling && done === 0 && part === 0) updates.scaler!.begin(scaling);
          const number = this.step * optimizer.accumulate + part;
          watch?.add(number, checked);
          if (scaling) latest = { number, inputs: checked };
          const submit = (): void => {
            upload(this.site.gpu, plan, checked);
            this.site.store.writeRng(number);
            watch?.guard.writeBatch(number);
            const lastPart = part === optimizer.accumulate - 1;
            if (lastPart) updates.writeHyper(optimizer, this.step);
            plan.executable.submit((encoder) => {
              watch?.guard.encode(encoder, plan.loss);
              updates.encode(encoder, { accumulate: optimizer.accumulate > 1, update: lastPart });
              if (read) readings.record(encoder, plan.loss, part);
              if (read && lastPart && watch) readings.recordGuard(encoder, watch.guard);
            });
          };
          const submitted = this.site.gpu.scoped("train", submit, noRoomForInputs("train"));
          if (this.site.gpu.checked) await submitted;
          else readings.submitted(submitted);
        }
        unread++;
        const reading = read ? await look() : (await readings.throttle(), { loss: null });
        this.step++;
        const now = performance.now();
        const ms = now - last;
        last = now;
        yield { step: this.step, ms, ...reading };
      }
      if (watch?.isBehind) {
        readings.recordGuardNow(watch.guard);
        await look();
      }
      await readings.settled();
    } finally {
      this.running = false;
      ring?.dispose();
      await source.return?.(undefined);
    }
  }

  async planOf(loss: keyof O, shapes: Readonly<Record<string, Shape>>, turn = this.site.turn): Promise<CompiledPlan> {
    this.lossTensor(loss);
    return this.trainPlan(loss, shapes, turn);
  }

  dispose(): void {
    for (const made of [...this.updaters.values(), ...this.guards.values()])
      void made.then(
        (m) => m.dispose(),
        () => undefined,
      );
  }

  /** The error of a batch that was not finite; the state is then that in front of its step. */
  private async diverged(watch: Watch, accumulate: number, batch: number): Promise<Error> {
    this.step = Math.floor(batch / accumulate);
    await this.site.gpu.scoped("train", () => this.clearAccumulators());
    return watch.error(batch);
  }

  private async watch(loss: keyof O, optimizer: Sgd): Promise<Watch> {
    const { gpu, pipelines, store } = this.site;
    let guard = this.guards.get(loss);
    if (!guard) {
      const { hyper } = await this.updaterOf(loss, optimizer);
      guard = Guard.create(gpu, pipelines, store, trainable(this.site.graph.outputs[loss]!), hyper);
      this.guards.set(loss, guard);
      guard.catch(() => this.guards.delete(loss));
    }
    return new Watch(await guard, this.watched(loss, optimizer));
  }

  private watched(loss: keyof O, optimizer: Sgd): Watched {
    const { gpu, pipelines, store, graph } = this.site;
    const lossFor = (shapes: Readonly<Record<string, Shape>>): { loss: Tensor; params: readonly Param[] } => {
      const tensor = specializeGraph(graph, shapes).outputs[loss]!;
      return { loss: tensor, params: trainable(tensor) };
    };
    return { gpu, pipelines, store, optimizer, lossFor };
  }

  private clearAccumulators(): void {
    const encoder = this.site.gpu.device.createCommandEncoder();
    this.site.store.clear(encoder, "accumulator");
    this.site.gpu.device.queue.submit([encoder.finish()]);
  }

  private lossTensor(name: keyof O): O[keyof O] {
    const tensor = this.site.graph.outputs[name];
    if (!tensor)
      throw new InputError(
        `train: there is no output ${String(name)}: the outputs are ${Object.keys(this.site.graph.outputs).join(", ")}`,
      );
    if (tensor.dtype !== "f32" || numel(tensor.shape) !== 1) {
      throw new InputError(
        `train: the loss ${String(name)} is ${tensor.dtype} [${tensor.shape.join(", ")}]: it must be an f32 scalar, as softmaxCrossEntropy with reduction "mean" gives`,
      );
    }
    return tensor;
  }

  private ringOf({ accumulate }: Sgd, isScaled: boolean): Promise<LossRing> {
    const { gpu, store, plans, turn } = this.site;
    return plans.withRoom(() => LossRing.create(gpu, accumulate, isScaled ? store.scaling : undefined), turn);
  }

  /** With the state that it needs beside the weights: all of that, or none and OutOfMemoryError. */
  private async updaterOf(loss: keyof O, { accumulate }: Sgd): Promise<Updater> {
    const { gpu, pipelines, store, graph, plans, turn } = this.site;
    const params = trainable(graph.outputs[loss]!);
    const kinds = ["gradient", "velocity", ...(accumulate > 1 ? ["accumulator" as const] : [])] as const;
    const names = params.map(({ name }) => name);
    await plans.withRoom(() => store.provide("train", kinds, names), turn);
    let updater = this.updaters.get(loss);
    if (!updater) {
      updater = Updater.create(gpu, pipelines, store, params);
      this.updaters.set(loss, updater);
      updater.catch(() => this.updaters.delete(loss));
    }
    return updater;
  }

  private trainPlan(
    loss: keyof O,
    shapes: Readonly<Record<string, Shape>>,
    turn: Turn,
    signal?: AbortSignal,
  ): Promise<TrainPlan> {
    const { site } = this;
    return site.plans.get(
      "training",
      trainPlanKey(site, { loss, shapes }),
      () => compileTrain(site, { loss, shapes, signal }),
      turn,
    );
  }
}

function iterate<T>(
  batches: Iterable<T> | AsyncIterable<T>,
): AsyncIterator<T, unknown, undefined> | Iterator<T, unknown, undefined> {
  if (Symbol.asyncIterator in batches) return batches[Symbol.asyncIterator]();
  if (Symbol.iterator in batches) return batches[Symbol.iterator]();
  throw new InputError("train: batches is not iterable: pass an array, a generator or an async generator of inputs");
}
