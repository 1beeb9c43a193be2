/** A graph on one device: its plans, its weights, its trainer, and the turns that they take. */
import type { GpuContext } from "../gpu/context.js";
import { DisposedError } from "../gpu/errors.js";
import type { PipelineCache } from "../gpu/pipelines.js";
import type { Shape } from "../tensor/shape.js";
import type { TypedArray, Weights } from "../tensor/weights.js";
import {
  checkpointPieces,
  createCheckpoint,
  readCheckpoint,
  type Checkpoint,
  type CheckpointFile,
  type ResumeOptions,
} from "./checkpoint.js";
import type { ChoiceBook } from "./choice-book.js";
import { choiceBookFor, type CompileOptions } from "./compile-options.js";
import type { Graph, Names } from "./graph.js";
import { checkInputs, noRoomForInputs, outputNames, shapesOf, upload } from "./feed.js";
import type { CheckedInput, Data, Inputs, SomeInputs } from "./inputs.js";
import { oneRange, type OnGpuOptions } from "./on-gpu.js";
import { choiceDeviceOf, type Plan } from "./plan.js";
import { checkPrecision } from "./precision.js";
import { PreparedWeights } from "./prepared-weights.js";
import { profilePlan, type Profile, type ProfileOptions } from "./profile.js";
import type { Program } from "./program-interface.js";
import { now, PlanCache, type Turn } from "./plan-cache.js";
import { compileRun, ifSubmitted, runPlanKey, type PlanSite, type RunPlan, type RunPlanOptions } from "./run-plan.js";
import { sumOver, type SomeBatches, type TotalsOptions } from "./totals.js";
import { Trainer, type Batches, type TrainOptions, type TrainStep } from "./train.js";
import { WeightStore, type LoadReport } from "./weight-store.js";

export async function createProgram<I extends Names, O extends Names>(
  gpu: GpuContext,
  pipelines: PipelineCache,
  graph: Graph<I, O>,
  options: CompileOptions,
  onDispose: () => void,
): Promise<Program<I, O>> {
  gpu.assertUsable();
  options.signal?.throwIfAborted();
  const { seed = 1, precision = "f32" } = options;
  checkPrecision(gpu, precision);
  const store = await WeightStore.create(gpu, graph.params, seed, precision);
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
  private readonly trainer: Trainer<I, O>;
  private readonly choices: ChoiceBook;
  private readonly prepared: PreparedWeights;
  private readonly site: PlanSite<I, O>;
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
    const submitBudgetMs = options.submitBudgetMs ?? 100;
    this.site = {
      gpu,
      pipelines,
      graph,
      store,
      prepared: this.prepared,
      choices: this.choices,
      submitBudgetMs,
      plans: new PlanCache(gpu, options.planBudgetBytes),
      turn: (work) => this.exclusive(work),
    };
    this.trainer = new Trainer(this.site, () => this.assertWhole());
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

  /** Also of the weights. In turn: what replaces them goes first. */
  private assertWhole(): void {
    this.assertUsable();
    this.store.assertWhole();
  }

  /** In turn, tried once more without other plans where there is no room. */
  private readonly withRoom = <T>(make: () => Promise<T>): Promise<T> => this.site.plans.withRoom(make, now);

  private exclusive<T>(work: () => Promise<T>): Promise<T> {
    const result = this.tail.then(work);
    this.tail = result.catch(() => undefined);
    return result;
  }

  async load(weights: Weights, { strict = true }: { strict?: boolean } = {}): Promise<LoadReport> {
    this.assertUsable();
    return this.exclusive(async () => {
      const report = await this.store.load(weights, strict);
      await this.dropStalePlans();
      return report;
    });
  }

  async save(): Promise<Weights> {
    this.assertUsable();
    return this.exclusive(() => {
      this.assertWhole();
      return this.withRoom(() => this.store.read("weight", "save"));
    });
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
    const ask = (encoder: GPUCommandEncoder, plan: RunPlan): void => plan.readback.encode(encoder);
    const values = await this.submit(inputs, names, ask, (plan, submitted) => ifSubmitted(submitted, plan.readback.read()));
    return Object.fromEntries(names.map((name, i) => [name, values[i]])) as { readonly [N in keyof O]: TypedArray };
  }

  async total<K extends keyof O>(
    batches: SomeBatches<I>,
    options: TotalsOptions<K>,
  ): Promise<{ readonly [N in K]: Float64Array }> {
    this.assertUsable();
    const names = outputNames(this.graph, options.outputs);
    const tensors = names.map((name) => this.graph.outputs[name as keyof O]!);
    return sumOver(this.gpu, this.pipelines, tensors, batches, options, (inputs, finish, after) =>
      this.submit(inputs, names, finish, after),
    );
  }

  async runOnGpu<K extends keyof O>(inputs: SomeInputs<I>, { outputs, record }: OnGpuOptions<K>): Promise<void> {
    this.assertUsable();
    const names = outputNames(this.graph, outputs);
    const hand = (encoder: GPUCommandEncoder, { outputs: pieces, executable }: RunPlan): void => {
      const ranges = names.map((name, i) => [name, oneRange(name, pieces[i]!, executable)] as const);
      record(encoder, Object.fromEntries(ranges) as { readonly [N in K]: GPUBufferBinding });
    };
    await this.submit(inputs, names, hand, (_, submitted) => ifSubmitted(submitted, this.gpu.finished()), { isRead: false });
  }

  /** One forward pass; `finish` adds to its last submit, `after` ends its turn, and is told whether the submit was good. */
  private async submit<T>(
    inputs: SomeInputs<I>,
    names: readonly string[],
    finish: (encoder: GPUCommandEncoder, plan: RunPlan) => void,
    after: (plan: RunPlan, submitted: Promise<void>) => Promise<T>,
    kind: Pick<RunPlanOptions, "isRead"> = { isRead: true },
  ): Promise<T> {
    const checked = this.check(inputs, names);
    await this.runPlan(shapesOf(checked), names, kind);
    return this.exclusive(async () => {
      this.assertWhole();
      // Again, in turn: a resume in between may have replaced it.
      const plan = await this.runPlan(shapesOf(checked), names, { ...kind, turn: now });
      const submit = (): void => {
        upload(this.gpu, plan, checked);
        plan.executable.submit((encoder) => finish(encoder, plan));
      };
      const submitted = this.gpu.scoped("run", submit, noRoomForInputs("run"));
      if (this.gpu.checked) await submitted;
      return after(plan, submitted);
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
    return this.exclusive(() => {
      this.assertWhole();
      return createCheckpoint(this.store, this.trainer, this.choices, this.withRoom);
    });
  }

  async *checkpointPieces(): AsyncGenerator<Uint8Array, void, void> {
    this.assertUsable();
    let leave: () => void = () => undefined;
    const left = new Promise<void>((resolve) => (leave = resolve));
    await new Promise<void>((resolve) => void this.exclusive(() => (resolve(), left)));
    try {
      this.assertWhole();
      yield* checkpointPieces(this.store, this.trainer, this.choices, this.withRoom);
    } finally {
      leave();
    }
  }

  async resume(checkpoint: Checkpoint | CheckpointFile, options: ResumeOptions = {}): Promise<void> {
    this.assertUsable();
    return this.exclusive(async () => {
      const { gpu, store, trainer: state, choices, withRoom } = this;
      await readCheckpoint(checkpoint, { store, state, choices, device: choiceDeviceOf(gpu), withRoom }, options);
      await this.dropStalePlans();
    });
  }

  /** The caller has the turn. */
  private async dropStalePlans(): Promise<void> {
    const { diagonal } = this.store;
    // A training loop takes a plan of the weights as they are with its next step.
    const kinds = this.trainer.isRunning ? (["run"] as const) : (["run", "training"] as const);
    const dropped = await this.site.plans.dropIf(kinds, (plan) => this.choices.hasOvertaken(plan, diagonal));
    if (dropped.includes(this.first!)) this.first = await this.runPlan({}, Object.keys(this.graph.outputs), { turn: now });
  }

  async profile(inputs: Inputs<I>, options: ProfileOptions<keyof O> = {}): Promise<Profile> {
    this.assertUsable();
    const names = Object.keys(this.graph.outputs);
    const checked = this.check(inputs, names);
    const shapes = shapesOf(checked);
    return this.exclusive(async () => {
      const plan = await (options.loss === undefined
        ? this.runPlan(shapes, names, { turn: now })
        : this.trainer.planOf(options.loss, shapes, now));
      this.assertWhole();
      await this.gpu.scoped("profile", () => upload(this.gpu, plan, checked), noRoomForInputs("profile"));
      return profilePlan(this.gpu, plan.executable, options);
    });
  }

  [Symbol.dispose](): void {
    if (this.disposed) return;
    this.disposed = true;
    this.site.plans.dispose();
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
    {
      isRead = true,
      turn = this.site.turn,
      ...observed
    }: Partial<Omit<RunPlanOptions, "shapes" | "names">> & { readonly turn?: Turn } = {},
  ): Promise<RunPlan> {
    const options = { shapes, names, isRead, ...observed };
    return this.site.plans.get("run", runPlanKey(this.graph, options), () => compileRun(this.site, options), turn);
  }
}
