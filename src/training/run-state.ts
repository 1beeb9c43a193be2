/** Where a run stands, and how it is kept: a checkpoint of the program beside a line of JSON that says which, replaced last and whole. */
import { InputError } from "../tensor/errors.js";
import type { Weights } from "../tensor/weights.js";
import type { FileSource } from "../weights/bytes.js";
import { safetensorsPieces } from "../weights/safetensors.js";
import { differenceOf, type Settings } from "./settings.js";

/** A file's content: its bytes, or pieces of them one behind the other, to be taken once and in order. `for await` takes any such pieces. */
export type FileData = Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/** Files of a run by name. fcn-webgpu/data has one over a folder; a page may keep them in its origin's private file system. */
export interface RunStore {
  /** Null where there is no such file. The bytes are the caller's. */
  read(name: string): Promise<Uint8Array | null>;
  /**
   * Where a file can be read from piece by piece: its address, a Blob, a stream, ...; null where there is no such file. A store without it is asked to read() checkpoints, which
   * then lie in memory whole, and may be more than read() can give: Node's readFile ends at 2 GiB.
   */
  open?(name: string): Promise<FileSource | null>;
  /**
   * All of it or nothing: a crash in between, or pieces that end in an error, must leave the file as it was. Weights and checkpoints come in pieces, which are not kept
   * in memory by the runner and need not be by the store.
   */
  write(name: string, data: FileData): Promise<void>;
  remove(name: string): Promise<void>;
  /** Adds a line, and the newline that ends it, to a file, which is made where there is none. */
  append(name: string, line: string): Promise<void>;
}

export interface RunState {
  /** Index of the stage. */
  readonly stage: number;
  /** Steps done in it. */
  readonly step: number;
  /** The checkpoint's file. */
  readonly checkpoint: string;
}

const STATE_FILE = "run.json";
const FORMAT = "fcn-webgpu-training/1";

/** A run as its store keeps it: which checkpoint is the last. */
export class KeptRun {
  private constructor(
    private readonly store: RunStore,
    private readonly settings: Settings,
    /** Where it stood when it was opened; null for a run that has not begun. */
    readonly state: RunState | null,
    /** The state's file, as this run knows it. */
    private text: string | null,
  ) {}

  /** Throws InputError where the store holds a run of other settings, or a damaged one. */
  static async open(store: RunStore, settings: Settings): Promise<KeptRun> {
    const text = await textOf(store);
    if (text === null) return new KeptRun(store, settings, null, null);
    const state = parse(text);
    if (state["format"] !== FORMAT)
      throw new InputError(
        `trainFcn: ${STATE_FILE} has format ${JSON.stringify(state["format"])}, expected ${FORMAT}: it is of another version`,
      );
    const difference = differenceOf((state["settings"] ?? {}) as Settings, settings);
    if (difference !== null) throw new InputError(`trainFcn: the run that is kept here began with ${difference}`);
    return new KeptRun(store, settings, state as unknown as RunState, text);
  }

  /**
   * The checkpoint first, then the state that names it, then the checkpoint before goes. Throws InputError, and writes nothing, where somebody else has written a state since
   * this run did: two runs in one place would remove each other's checkpoints.
   */
  async keep(state: RunState, checkpoint: FileData): Promise<void> {
    const before = await textOf(this.store);
    if (before !== this.text)
      throw new InputError(
        `trainFcn: ${STATE_FILE} was ${before === null ? "removed" : "written"} by something else while this run went on, as a second run into the same place would: give each run a folder of its own; what is kept here goes on with the same settings`,
      );
    await this.store.write(state.checkpoint, checkpoint);
    const text = `${JSON.stringify({ format: FORMAT, ...state, settings: this.settings }, null, 2)}\n`;
    await this.store.write(STATE_FILE, new TextEncoder().encode(text));
    const old = this.text === null ? null : (parse(this.text)["checkpoint"] as string);
    this.text = text;
    if (old !== null && old !== state.checkpoint) await this.store.remove(old);
  }
}

async function textOf(store: RunStore): Promise<string | null> {
  const bytes = await store.read(STATE_FILE);
  return bytes && new TextDecoder().decode(bytes);
}

function parse(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch (cause) {
    throw new InputError(`trainFcn: ${STATE_FILE} is not JSON: it was changed by something else; remove it to begin anew`, {
      cause,
    });
  }
}

/** A stage's weights alone, for prediction and other programs. */
export async function writeWeights(
  store: RunStore,
  name: string,
  weights: Weights,
  metadata: Record<string, string>,
): Promise<void> {
  await store.write(name, safetensorsPieces({ tensors: weights, metadata }));
}
