/** A graph on one device: what users run, train, save and profile. */
import type { GpuContext } from "../gpu/context.js";
import { DisposedError } from "../gpu/errors.js";
import type { PipelineCache } from "../gpu/pipelines.js";
import type { Shape } from "../tensor/shape.js";
import type { TypedArray, Weights } from "../tensor/weights.js";
import { createCheckpoint, readCheckpoint, type Checkpoint, type ResumeOptions } from "./checkpoint.js";
import type { ChoiceBook } from "./choice-book.js";
import { choiceBookFor, type CompileOptions } from "./compile-options.js";
import type { Graph, Names } from "./graph.js";
import { checkInputs, outputNames, shapesOf, specializeGraph, upload } from "./feed.js";
import type { CheckedInput, Data } from "./inputs.js";
import { choiceDeviceOf, compilePlan, type CompiledPlan, type Plan } from "./plan.js";
import { PreparedWeights } from "./prepared-weights.js";
import { profilePlan, type Profile, type ProfileOptions } from "./profile.js";
import { createReadback, type Readback } from "./readback.js";
import { Trainer, type Batches, type TrainOptions, type TrainStep } from "./train.js";
import { WeightStore, type LoadReport } from "./weight-store.js";

/** Plans kept per program: one per combination of input shapes and outputs, the least recently used goes first. */
const MAX_PLANS = 16;

interface RunPlan extends CompiledPlan {
  readonly readback: Readback;
}

/** A value for every input of a graph. */
export type Inputs<I> = { readonly [N in keyof I]: Data };
/** Values for some of them. */
export type SomeInputs<I> = { readonly [N in keyof I]?: Data };

export interface Program<I extends Names, O extends Names> extends Disposable {
  /** The plan of the graph's own shapes, all outputs. */
  readonly plan: Plan;
  /**
   * Puts weights on the GPU. Throws WeightsError for a shape that differs, a value that is not finite, or (strict, the default) a parameter without weights;
   * nothing is loaded then.
   */
  load(weights: Weights, options?: { strict?: boolean }): Promise<LoadReport>;
  /** The current weights, read back. */
  save(): Promise<Weights>;
  /**
   * One forward pass. Inputs are row-major arrays, images, or `{ data, shape }` for another size than the graph's (a plan per shape is kept, the
   * weights are shared). With `outputs`, only these are computed, and only the inputs that they need have to be given.
   * Throws InputError, DisposedError, DeviceLostError.
   */
  run<K extends keyof O>(
    inputs: SomeInputs<I>,
    options: { readonly outputs: readonly K[] },
  ): Promise<{ readonly [N in K]: TypedArray }>;
  run(inputs: Inputs<I>, options?: { readonly outputs?: readonly (keyof O)[] }): Promise<{ readonly [N in keyof O]: TypedArray }>;
  /** The plan that run() would use for inputs of these shapes. */
  planFor(shapes: { readonly [N in keyof I]?: Shape }, options?: { readonly outputs?: readonly (keyof O)[] }): Promise<Plan>;
  /** The plan of a training step for this loss: forward, backward; the optimiser's update is beside it. */
  trainingPlan(loss: keyof O, shapes?: { readonly [N in keyof I]?: Shape }): Promise<Plan>;
  /** Trains, a step per batch (or per `accumulate` batches): the caller owns the loop. See {@link TrainOptions}. */
  train(batches: Batches<I>, options: TrainOptions<O>): AsyncGenerator<TrainStep, void, void>;
  /** Everything that a resumed run needs to give the same bits: weights, optimiser state, step, seed, chosen variants. */
  checkpoint(): Promise<Checkpoint>;
  /**
   * Goes on from a checkpoint. Throws WeightsError where it is damaged or of another graph, VariantError (unless `strict` is false) where a variant
   * that it was made with does not apply on this device; nothing is changed then.
   */
  resume(checkpoint: Checkpoint, options?: ResumeOptions): Promise<void>;
  /** Time of each node of a forward pass, or of a training step, and of all together; next to what the device can do. See {@link ProfileOptions}. */
  profile(inputs: Inputs<I>, options?: ProfileOptions<keyof O>): Promise<Profile>;
}

export async function createProgram<I extends Names, O extends Names>(
  gpu: GpuContext,
  pipelines: PipelineCache,
  graph: Graph<I, O>,
  options: CompileOptions,
  onDispose: () => void,
): Promise<Program<I, O>> {
  gpu.assertUsable();
  options.signal?.throwIfAborted();
  const store = await gpu.scoped("compile", () => new WeightStore(gpu, graph.params, options.seed ?? 1));
  const program = new GraphProgram(gpu, pipelines, graph, options, store, onDispose);
  try {
    await program.prepare();
  } catch (error) {
    program[Symbol.dispose]();
    throw error;
  }
  return program;
}

class GraphProgram<I extends Names, O extends Names> implements Program<I, O> {
  private readonly plans = new Map<string, Promise<RunPlan>>();
  private readonly trainer: Trainer<I, O>;
  private readonly choices: ChoiceBook;
  private readonly prepared: PreparedWeights;
  private first: RunPlan | undefined;
  private disposed = false;
  /** Runs follow each other: they share buffers. */
  private tail: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly gpu: GpuContext,
    private readonly pipelines: PipelineCache,
    private readonly graph: Graph<I, O>,
    private readonly options: CompileOptions,
    private readonly store: WeightStore,
    private readonly onDispose: () => void,
  ) {
    this.choices = choiceBookFor(gpu, pipelines, options);
    this.prepared = new PreparedWeights(gpu, pipelines, store);
    this.trainer = new Trainer(gpu, pipelines, graph, store, this.choices, this.submitBudgetMs, () => this.assertUsable());
  }

  private get submitBudgetMs(): number {
    return this.options.submitBudgetMs ?? 100;
  }

  async prepare(): Promise<void> {
    this.first = await this.runPlan({}, Object.keys(this.graph.outputs), this.options);
  }

  get plan(): Plan {
    return this.first!.plan;
  }

  private assertUsable(): void {
    if (this.disposed) throw new DisposedError("this program was disposed: compile the graph again");
    this.gpu.assertUsable();
  }

  private exclusive<T>(work: () => Promise<T>): Promise<T> {
    const result = this.tail.then(work);
    this.tail = result.catch(() => undefined);
    return result;
  }

  async load(weights: Weights, { strict = true }: { strict?: boolean } = {}): Promise<LoadReport> {
    this.assertUsable();
    return this.exclusive(() => this.gpu.scoped("load", () => this.store.load(weights, strict)));
  }

  async save(): Promise<Weights> {
    this.assertUsable();
    return this.exclusive(() => this.store.read("weight"));
  }

  async run<K extends keyof O>(
    inputs: SomeInputs<I>,
    options: { readonly outputs: readonly K[] },
  ): Promise<{ readonly [N in K]: TypedArray }>;
  async run(
    inputs: Inputs<I>,
    options?: { readonly outputs?: readonly (keyof O)[] },
  ): Promise<{ readonly [N in keyof O]: TypedArray }>;
  async run(
    inputs: SomeInputs<I>,
    options: { readonly outputs?: readonly (keyof O)[] } = {},
  ): Promise<{ readonly [N in keyof O]: TypedArray }> {
    this.assertUsable();
    const names = outputNames(this.graph, options.outputs);
    const checked = this.check(inputs, names);
    await this.runPlan(shapesOf(checked), names);
    return this.exclusive(async () => {
      this.assertUsable();
      // Again, in turn: a resume in between may have replaced it.
      const plan = await this.runPlan(shapesOf(checked), names);
      const submit = (): void => {
        upload(this.gpu, plan, checked);
        plan.executable.submit((encoder) => plan.readback.encode(encoder));
      };
      if (this.gpu.checked) await this.gpu.scoped("run", submit);
      else submit();
      const values = await plan.readback.read();
      return Object.fromEntries(names.map((name, i) => [name, values[i]])) as { readonly [N in keyof O]: TypedArray };
    });
  }

  async planFor(
    shapes: { readonly [N in keyof I]?: Shape },
    options: { readonly outputs?: readonly (keyof O)[] } = {},
  ): Promise<Plan> {
    this.assertUsable();
    return (await this.runPlan(shapes as Readonly<Record<string, Shape>>, outputNames(this.graph, options.outputs))).plan;
  }

  async trainingPlan(loss: keyof O, shapes: { readonly [N in keyof I]?: Shape } = {}): Promise<Plan> {
    this.assertUsable();
    return (await this.trainer.planOf(loss, shapes as Readonly<Record<string, Shape>>)).plan;
  }

  train(batches: Batches<I>, options: TrainOptions<O>): AsyncGenerator<TrainStep, void, void> {
    this.assertUsable();
    return this.trainer.train(batches, options);
  }

  async checkpoint(): Promise<Checkpoint> {
    this.assertUsable();
    return this.exclusive(() => createCheckpoint(this.store, this.trainer, this.choices));
  }

  async resume(checkpoint: Checkpoint, options: ResumeOptions = {}): Promise<void> {
    this.assertUsable();
    return this.exclusive(async () => {
      readCheckpoint(checkpoint, this.store, this.trainer, this.choices, choiceDeviceOf(this.gpu), options);
      await this.trainer.dropStalePlans();
      const stale = await this.choices.takeStale(this.plans);
      stale.forEach(disposePlan);
      if (stale.includes(this.first!)) this.first = await this.runPlan({}, Object.keys(this.graph.outputs));
    });
  }

  async profile(inputs: Inputs<I>, options: ProfileOptions<keyof O> = {}): Promise<Profile> {
    this.assertUsable();
    const names = Object.keys(this.graph.outputs);
    const checked = this.check(inputs, names);
    const shapes = shapesOf(checked);
    return this.exclusive(async () => {
      const plan = await (options.loss === undefined ? this.runPlan(shapes, names) : this.trainer.planOf(options.loss, shapes));
      upload(this.gpu, plan, checked);
      return profilePlan(this.gpu, plan.executable, options);
    });
  }

  [Symbol.dispose](): void {
    if (this.disposed) return;
    this.disposed = true;
    for (const pending of this.plans.values()) void pending.then(disposePlan, () => undefined);
    this.trainer.dispose();
    this.prepared.dispose();
    this.store.dispose();
    this.onDispose();
  }

  /** The inputs that these outputs need, checked. */
  private check(inputs: SomeInputs<I>, outputs: readonly string[]): Map<string, CheckedInput> {
    const tensors = outputs.map((name) => this.graph.outputs[name as keyof O]!);
    return checkInputs(this.graph, inputs as Readonly<Record<string, Data>>, tensors);
  }

  private runPlan(
    shapes: Readonly<Record<string, Shape>>,
    names: readonly string[],
    observed: Pick<CompileOptions, "onProgress" | "signal"> = {},
  ): Promise<RunPlan> {
    const key = JSON.stringify([names, Object.entries(this.graph.inputs).map(([n, t]) => shapes[n] ?? t.shape)]);
    const known = this.plans.get(key);
    if (known) {
      this.plans.delete(key);
      this.plans.set(key, known);
      return known;
    }
    const made = this.compileRun(shapes, names, observed);
    this.plans.set(key, made);
    made.catch(() => this.plans.delete(key));
    for (const [old, plan] of this.plans) {
      if (this.plans.size <= MAX_PLANS) break;
      this.plans.delete(old);
      // A run that is using it goes first.
      void this.exclusive(() => plan.then(disposePlan, () => undefined));
    }
    return made;
  }

  private async compileRun(
    shapes: Readonly<Record<string, Shape>>,
    names: readonly string[],
    { onProgress, signal }: Pick<CompileOptions, "onProgress" | "signal">,
  ): Promise<RunPlan> {
    const graph = specializeGraph(this.graph, shapes);
    const tensors = names.map((name) => graph.outputs[name as keyof O]!);
    const compiled = await compilePlan({
      gpu: this.gpu,
      pipelines: this.pipelines,
      store: this.store,
      outputs: tensors,
      training: false,
      prepared: this.prepared,
      submitBudgetMs: this.submitBudgetMs,
      choices: this.choices,
      onKernel: (done, total) => onProgress?.({ stage: "kernels", done, total }),
      signal,
    });
    const items = tensors.map((t, i) => ({
      pieces: compiled.outputs[i]!,
      dtype: t.dtype,
      ranges: compiled.outputs[i]!.parts.map((p) => compiled.executable.rangeOf(p)),
    }));
    return { ...compiled, readback: createReadback(this.gpu, items) };
  }
}

function disposePlan(plan: RunPlan): void {
  plan.readback.dispose();
  plan.executable.dispose();
}
