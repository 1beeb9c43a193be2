/** A training loop's look-out for infinities and NaNs: the guard on the GPU, the inputs since it was last asked, and the error that names the place. */
import type { GpuContext } from "../gpu/context.js";
import { OutOfMemoryError } from "../gpu/errors.js";
import type { PipelineCache } from "../gpu/pipelines.js";
import { DivergedError } from "../tensor/errors.js";
import type { Shape } from "../tensor/shape.js";
import type { Param, Tensor } from "../tensor/tensor.js";
import { firstInGradients, firstNonFinite } from "./diagnose.js";
import { shapesOf } from "./feed.js";
import type { Guard } from "./guard.js";
import type { CheckedInput } from "./inputs.js";
import type { Sgd } from "./optimizer.js";
import type { WeightStore } from "./weight-store.js";

export interface Watched {
  readonly gpu: GpuContext;
  readonly pipelines: PipelineCache;
  readonly store: WeightStore;
  readonly optimizer: Sgd;
  /** The loss of the graph for these shapes, and what it trains. */
  lossFor(shapes: Readonly<Record<string, Shape>>): { readonly loss: Tensor; readonly params: readonly Param[] };
}

export class Watch {
  /** By number, since the loss was last read back: steps are read late, and then have to be done again. */
  private readonly batches = new Map<number, ReadonlyMap<string, CheckedInput>>();

  constructor(
    readonly guard: Guard,
    private readonly of: Watched,
  ) {
    guard.reset();
  }

  add(batch: number, inputs: ReadonlyMap<string, CheckedInput>): void {
    this.batches.set(batch, inputs);
  }

  /** Whether steps were done that nobody has looked at. */
  get isBehind(): boolean {
    return this.batches.size > 0;
  }

  clear(): void {
    this.batches.clear();
  }

  /** What went wrong in this batch. The weights are those in front of its step; the guard lets updates through again. */
  async error(batch: number): Promise<DivergedError> {
    const error = await divergedError(this.of, batch, this.batches.get(batch)!);
    this.guard.reset();
    return error;
  }
}

/** What is not finite in a batch, by doing it again. `skipped`: in mixed precision, the steps in a row that were. */
export async function divergedError(
  { gpu, pipelines, store, optimizer, lossFor }: Watched,
  batch: number,
  inputs: ReadonlyMap<string, CheckedInput>,
  skipped?: number,
): Promise<DivergedError> {
  const { loss, params } = lossFor(shapesOf(inputs));
  store.writeRng(batch);
  // A device that cannot hold this pass, in which nothing is cut or fused as in training, still has the gradients.
  const found = await firstNonFinite({ gpu, pipelines, store, loss, params, batch: inputs }).catch((error: unknown) => {
    if (error instanceof OutOfMemoryError) return null;
    throw error;
  });
  const where = found ?? (await firstInGradients(store, params));
  const step = Math.floor(batch / optimizer.accumulate);
  return new DivergedError({ step: step + 1, ...where }, optimizer.learningRate(step), skipped);
}
