/** A training state as bytes: a safetensors file with the weights, the velocities beside them, and the rest in its metadata. */
import { WeightsError } from "../tensor/errors.js";
import { formatShape, numel, sameShape, type Shape } from "../tensor/shape.js";
import type { FileSource, ReadOptions } from "../weights/bytes.js";
import type { NamedTensor } from "../weights/read-placed.js";
import { bytesOf, openSafetensors, safetensorsHead, viewSafetensors } from "../weights/safetensors.js";
import type { ChoiceBook } from "./choice-book.js";
import type { ChoiceDevice } from "./choose.js";
import type { ScalingState, WeightStore } from "./weight-store.js";

export interface Checkpoint {
  readonly bytes: Uint8Array;
}

/** A checkpoint where it is kept: read tensor by tensor, so that it is never in memory whole, and may have more bytes than an array can. */
export interface CheckpointFile {
  /** A file, Blob, address, response or stream. */
  readonly file: FileSource;
}

interface TrainingState {
  step: number;
}

/** `onProgress` and `signal` are of a file; a signal that comes while the weights are replaced leaves them torn, as a damaged file does. */
export interface ResumeOptions extends ReadOptions {
  /** Refuse a checkpoint whose run used variants that cannot be had here (the default); else they are replaced, and the plans' choices say so. */
  readonly strict?: boolean;
}

/** Makes something, a second time where there was no room for it and some could be made. */
type WithRoom = <T>(make: () => Promise<T>) => Promise<T>;

const FORMAT = "fcn-webgpu-checkpoint/2";
const VELOCITY = "velocity:";

/** A checkpoint's file as it is read back, its head and then tensor by tensor: one of them is in memory at a time. */
export async function* checkpointPieces(
  store: WeightStore,
  state: TrainingState,
  choices: ChoiceBook,
  withRoom: WithRoom,
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
  for (const { of, kind } of tensors) yield bytesOf(await withRoom(() => store.readOne(of, kind, "checkpoint")));
}

/** The same file as bytes, in one array that each tensor is read into. */
export async function createCheckpoint(
  store: WeightStore,
  state: TrainingState,
  choices: ChoiceBook,
  withRoom: WithRoom,
): Promise<Checkpoint> {
  const size = tensorsOf(store).reduce((sum, { shape }) => sum + 4 * numel(shape), 0);
  let bytes: Uint8Array | null = null;
  let at = 0;
  for await (const piece of checkpointPieces(store, state, choices, withRoom)) {
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

/** What a file says of itself before its tensors, and these, to be taken once and in order. */
interface Source {
  readonly metadata: Readonly<Record<string, string>>;
  readonly shapes: ReadonlyMap<string, Shape>;
  readonly tensors: Iterable<NamedTensor> | AsyncIterable<NamedTensor>;
  close(): Promise<void>;
}

async function openCheckpoint(checkpoint: Checkpoint | CheckpointFile, options: ReadOptions): Promise<Source> {
  if ("bytes" in checkpoint) {
    const { tensors, metadata } = viewSafetensors(checkpoint.bytes);
    const named = [...tensors].map(([name, tensor]) => ({ name, ...tensor }));
    const shapes = new Map(named.map(({ name, shape }) => [name, shape]));
    return { metadata, shapes, tensors: named, close: () => Promise.resolve() };
  }
  const file = await openSafetensors(checkpoint.file, options);
  const shapes = new Map(file.entries.map(({ name, shape }) => [name, shape]));
  return { metadata: file.metadata, shapes, tensors: file.tensors(), close: () => file.close() };
}

export interface Resumed {
  readonly store: WeightStore;
  readonly state: TrainingState;
  readonly choices: ChoiceBook;
  readonly device: ChoiceDevice;
  readonly withRoom: WithRoom;
}

/**
 * Throws, before anything changes, WeightsError where the checkpoint is damaged, of another graph, or of another seed, VariantError where a variant cannot be
 * had, and OutOfMemoryError where the device has no room for the velocities. Of a file the values are seen one tensor after the other: where one is damaged, or reading
 * breaks off, the store is torn.
 */
export async function readCheckpoint(
  checkpoint: Checkpoint | CheckpointFile,
  { store, state, choices, device, withRoom }: Resumed,
  { strict = true, ...reading }: ResumeOptions,
): Promise<void> {
  const source = await openCheckpoint(checkpoint, reading);
  try {
    const { step, lossScale } = checkHead(source, store);
    const chooseAsBefore = choices.read(source.metadata["variants"] ?? "", device, strict);
    const trained = store.params.map(({ name }) => name).filter((name) => source.shapes.has(VELOCITY + name));
    await withRoom(() => store.provide("resume", ["velocity"], trained));
    await replaceAll(source, store);
    if (lossScale) store.writeScaling(lossScale);
    state.step = step;
    chooseAsBefore();
  } finally {
    await source.close();
  }
}

/** Weights and velocities are those of the file. Those that are at hand are looked at first, so that damaged ones change nothing. */
async function replaceAll({ tensors, shapes }: Source, store: WeightStore): Promise<void> {
  const names = new Set(store.params.map(({ name }) => name));
  const write = ({ name, data }: NamedTensor): void => {
    const of = name.slice(VELOCITY.length);
    if (names.has(name)) store.write(name, "weight", data);
    else if (name.startsWith(VELOCITY) && names.has(of)) store.write(of, "velocity", data);
  };
  const check = (tensor: NamedTensor): void => {
    if (names.has(tensor.name)) store.check("resume", tensor.name, tensor);
  };
  const clear = (): void => {
    for (const { name, shape } of store.paramsWith("velocity"))
      if (!shapes.has(VELOCITY + name)) store.write(name, "velocity", new Float32Array(numel(shape)));
  };
  if (Symbol.iterator in tensors) {
    const all = [...tensors];
    all.forEach(check);
    await store.writeAll("resume", () => (all.forEach(write), clear()));
  } else {
    store.torn = "resume";
    for await (const tensor of tensors) {
      check(tensor);
      await store.writeAll("resume", () => write(tensor));
    }
    await store.writeAll("resume", clear);
  }
  store.torn = null;
}

/** Throws WeightsError for a file that is not a checkpoint of this graph and seed. */
function checkHead(
  { metadata, shapes }: Source,
  store: WeightStore,
): { readonly step: number; readonly lossScale: ScalingState | undefined } {
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
    const weight = shapes.get(param.name);
    if (!weight) throw new WeightsError(`resume: the checkpoint has no ${param.name}: it is of another graph`);
    const velocity = shapes.get(VELOCITY + param.name);
    for (const shape of [weight, ...(velocity ? [velocity] : [])]) {
      if (!sameShape(shape, param.shape))
        throw new WeightsError(
          `resume: ${param.name} has shape ${formatShape(shape)} but the graph expects ${formatShape(param.shape)}`,
        );
    }
  }
  return { step, lossScale: parseScaling(metadata["lossScale"]) };
}
