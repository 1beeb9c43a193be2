/** A training state as bytes: a safetensors file with the weights, the velocities beside them, and the rest in its metadata. */
import { WeightsError } from "../tensor/errors.js";
import { bytesOf, safetensorsHead, viewSafetensors } from "../weights/safetensors.js";
import { formatShape, numel, sameShape, type Shape } from "../tensor/shape.js";
import type { ChoiceBook } from "./choice-book.js";
import type { ChoiceDevice } from "./choose.js";
import type { ScalingState, WeightStore } from "./weight-store.js";

export interface Checkpoint {
  readonly bytes: Uint8Array;
}

interface TrainingState {
  step: number;
}

export interface ResumeOptions {
  /** Refuse a checkpoint whose run used variants that cannot be had here (the default); else they are replaced, and the plans' choices say so. */
  readonly strict?: boolean;
}

const FORMAT = "fcn-webgpu-checkpoint/2";
const VELOCITY = "velocity:";

/** A checkpoint's file as it is read back, its head and then tensor by tensor: one of them is in memory at a time. */
export async function* checkpointPieces(
  store: WeightStore,
  state: TrainingState,
  choices: ChoiceBook,
): AsyncGenerator<Uint8Array, void, void> {
  const tensors = tensorsOf(store);
  const lossScale = await store.readScaling();
  yield safetensorsHead(tensors, {
    format: FORMAT,
    step: String(state.step),
    seed: String(store.seed),
    variants: choices.write(),
    ...(lossScale ? { lossScale: JSON.stringify(lossScale) } : {}),
  });
  for (const { of, kind } of tensors) yield bytesOf(await store.readOne(of, kind));
}

/** The same file as bytes, in one array that each tensor is read into. */
export async function createCheckpoint(store: WeightStore, state: TrainingState, choices: ChoiceBook): Promise<Checkpoint> {
  const size = tensorsOf(store).reduce((sum, { shape }) => sum + 4 * numel(shape), 0);
  let bytes: Uint8Array | null = null;
  let at = 0;
  for await (const piece of checkpointPieces(store, state, choices)) {
    bytes ??= new Uint8Array(piece.length + size);
    bytes.set(piece, at);
    at += piece.length;
  }
  return { bytes: bytes! };
}

interface Stored {
  /** In the file. */
  readonly name: string;
  readonly shape: Shape;
  /** The parameter. */
  readonly of: string;
  readonly kind: "weight" | "velocity";
}

/** What a checkpoint of this store holds, in the order of the file. */
function tensorsOf(store: WeightStore): readonly Stored[] {
  const list = (kind: Stored["kind"], prefix: string): Stored[] =>
    store.paramsWith(kind).map(({ name, shape }) => ({ name: prefix + name, shape, of: name, kind }));
  return [...list("weight", ""), ...list("velocity", VELOCITY)];
}

/** Of a run in mixed precision; undefined for the others. */
function parseScaling(text: string | undefined): ScalingState | undefined {
  if (text === undefined) return undefined;
  try {
    const { scale, good } = JSON.parse(text) as Partial<ScalingState>;
    if (scale !== undefined && scale > 0 && Number.isFinite(scale) && Number.isSafeInteger(good)) return { scale, good: good! };
  } catch {
    // Said below.
  }
  throw new WeightsError(`resume: the checkpoint's loss scale is ${text}: the file is damaged`);
}

/**
 * Throws, before anything changes, WeightsError where the checkpoint is damaged, of another graph, or of another seed, and VariantError where a
 * variant cannot be had.
 */
export function readCheckpoint(
  checkpoint: Checkpoint,
  store: WeightStore,
  state: TrainingState,
  choices: ChoiceBook,
  device: ChoiceDevice,
  { strict = true }: ResumeOptions,
): void {
  const { tensors, metadata } = viewSafetensors(checkpoint.bytes);
  if (metadata["format"] !== FORMAT)
    throw new WeightsError(
      `resume: the file's format is ${metadata["format"] ?? "not given"}, expected ${FORMAT}: for plain weights use load()`,
    );
  const step = Number(metadata["step"]);
  if (!Number.isSafeInteger(step) || step < 0)
    throw new WeightsError(`resume: the checkpoint's step is ${metadata["step"]}: the file is damaged`);
  if (Number(metadata["seed"]) !== store.seed) {
    throw new WeightsError(
      `resume: the checkpoint was made with seed ${metadata["seed"]} but this program has ${store.seed}: compile with { seed: ${metadata["seed"]} }`,
    );
  }
  for (const param of store.params) {
    const weight = tensors.get(param.name);
    if (!weight) throw new WeightsError(`resume: the checkpoint has no ${param.name}: it is of another graph`);
    const velocity = tensors.get(VELOCITY + param.name);
    for (const value of [weight, ...(velocity ? [velocity] : [])]) {
      if (!sameShape(value.shape, param.shape))
        throw new WeightsError(
          `resume: ${param.name} has shape ${formatShape(value.shape)} but the graph expects ${formatShape(param.shape)}`,
        );
    }
  }
  const lossScale = parseScaling(metadata["lossScale"]);
  const chooseAsBefore = choices.read(metadata["variants"] ?? "", device, strict);
  store.load(new Map(store.params.map((p) => [p.name, tensors.get(p.name)!])), true);
  for (const param of store.params) {
    const velocity = tensors.get(VELOCITY + param.name);
    if (velocity) store.write(param.name, "velocity", velocity.data);
    else if (store.has("velocity")) store.write(param.name, "velocity", new Float32Array(tensors.get(param.name)!.data.length));
  }
  if (lossScale) store.writeScaling(lossScale);
  state.step = step;
  chooseAsBefore();
}
