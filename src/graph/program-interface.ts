/** What users run, train, save and profile: a graph on one device. */
import type { Shape } from "../tensor/shape.js";
import type { TypedArray, Weights } from "../tensor/weights.js";
import type { Checkpoint, CheckpointFile, ResumeOptions } from "./checkpoint.js";
import type { Names } from "./graph.js";
import type { Inputs, SomeInputs } from "./inputs.js";
import type { OnGpuOptions } from "./on-gpu.js";
import type { Plan } from "./plan.js";
import type { Profile, ProfileOptions } from "./profile.js";
import type { SomeBatches, TotalsOptions } from "./totals.js";
import type { Batches, TrainOptions, TrainStep } from "./train.js";
import type { LoadReport } from "./weight-store.js";

export interface Program<I extends Names, O extends Names> extends Disposable {
  /** The plan of the graph's own shapes, all outputs. */
  readonly plan: Plan;
  /**
   * Puts weights on the GPU. Throws WeightsError for a shape that differs, a value that is not finite, or (strict, the default) a parameter without weights;
   * nothing is loaded then. OutOfMemoryError where the device has no room for the copies on their way: the program then wants load() or resume() again.
   */
  load(weights: Weights, options?: { strict?: boolean }): Promise<LoadReport>;
  /** The current weights, read back. Throws OutOfMemoryError, as checkpoint() does. */
  save(): Promise<Weights>;
  /**
   * One forward pass. Inputs are row-major arrays, images, or `{ data, shape }` for another size than the graph's (a plan per shape is kept, the
   * weights are shared). With `outputs`, only these are computed, and only the inputs that they need have to be given.
   * Throws InputError, OutOfMemoryError, DisposedError, DeviceLostError; after an OutOfMemoryError the program is as it was.
   */
  run<K extends keyof O>(
    inputs: SomeInputs<I>,
    options: { readonly outputs: readonly K[] },
  ): Promise<{ readonly [N in K]: TypedArray }>;
  run(inputs: Inputs<I>, options?: { readonly outputs?: readonly (keyof O)[] }): Promise<{ readonly [N in keyof O]: TypedArray }>;
  /**
   * One forward pass whose results stay on the GPU: nothing is read back. Behind its last dispatch, in the same submit, `record` gets the command encoder and
   * where each output lies, and adds what is to become of it: a copy, a pass of its own, onto a canvas. Resolves when the GPU is done with it. Throws as run() does, and
   * InputError for an output that lies in several buffers.
   */
  runOnGpu<K extends keyof O>(inputs: SomeInputs<I>, options: OnGpuOptions<K>): Promise<void>;
  /** Integer outputs summed over many runs, on the GPU, exact to 2^53: the confusion matrix of a whole set with one read-back. Throws as run() does. */
  total<K extends keyof O>(batches: SomeBatches<I>, options: TotalsOptions<K>): Promise<{ readonly [N in K]: Float64Array }>;
  /** The plan that run() would use for inputs of these shapes. */
  planFor(shapes: { readonly [N in keyof I]?: Shape }, options?: { readonly outputs?: readonly (keyof O)[] }): Promise<Plan>;
  /** The plan of a training step for this loss: forward, backward; the optimiser's update is beside it. */
  trainingPlan(loss: keyof O, shapes?: { readonly [N in keyof I]?: Shape }): Promise<Plan>;
  /** Trains, a step per batch (or per `accumulate` batches): the caller owns the loop. See {@link TrainOptions}. Throws OutOfMemoryError where there is no room for a step. */
  train(batches: Batches<I>, options: TrainOptions<O>): AsyncGenerator<TrainStep, void, void>;
  /** Everything that a resumed run needs to give the same bits: weights, optimiser state, step, seed, chosen variants. */
  checkpoint(): Promise<Checkpoint>;
  /**
   * The bytes of the same checkpoint piece by piece, as they are read back: what it takes in memory is its largest tensor, not all of them. For
   * `fs.writeFile(path, pieces)` and `RunStore.write`. From the first piece to the last, or until the loop is left, the program's other calls wait.
   */
  checkpointPieces(): AsyncGenerator<Uint8Array, void, void>;
  /**
   * Goes on from a checkpoint. Throws WeightsError where it is damaged or of another graph, VariantError (unless `strict` is false) where a variant
   * that it was made with does not apply on this device; nothing is changed then. `{ file }` is read tensor by tensor: a checkpoint of any size then needs memory for
   * its largest tensor only. What is wrong with its values is found on the way: after an error there, or a `signal`, calls that need weights throw
   * WeightsError until load() or resume() has replaced them all.
   */
  resume(checkpoint: Checkpoint | CheckpointFile, options?: ResumeOptions): Promise<void>;
  /** Time of each node of a forward pass, or of a training step, and of all together; next to what the device can do. See {@link ProfileOptions}. */
  profile(inputs: Inputs<I>, options?: ProfileOptions<keyof O>): Promise<Profile>;
}
