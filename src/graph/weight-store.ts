/** The parameters of a program on the GPU, and what training keeps beside them; shared by all plans of all image sizes. */
import { allocate } from "../gpu/allocate.js";
import { wholeBuffer, type BufferRange } from "../gpu/buffer-range.js";
import type { GpuContext } from "../gpu/context.js";
import { DisposedError } from "../gpu/errors.js";
import { isDiagonal, isSquareWeight } from "../tensor/diagonal.js";
import { WeightsError } from "../tensor/errors.js";
import { SCALING_BYTES } from "../kernels/loss-scale.js";
import { HALF_MAX } from "../tensor/half.js";
import { rngState, type Param, type Tensor } from "../tensor/tensor.js";
import { initialValue, type Weights } from "../tensor/weights.js";
import { joinSlots } from "./arenas.js";
import { checkWeight, type Weight } from "./check-weight.js";
import type { Precision } from "./precision.js";
import { whole, writePieces, type Pieces } from "./pieces.js";
import { placeParams, type PlacedParam } from "./placed-params.js";
import { readOnce } from "./readback.js";

export interface LoadReport {
  /** Parameters that got their values from the weights. */
  readonly matched: readonly string[];
  /** Parameters that the weights do not hold: they keep their values. */
  readonly missing: readonly string[];
  /** Weights that no parameter is called after. */
  readonly unused: readonly string[];
}

/** How loss scaling stands: the factor, and for how many steps in a row it has served. */
export interface ScalingState {
  readonly scale: number;
  readonly good: number;
}

const SCALING_WORDS: Tensor = { ...rngState(), shape: [4], name: "loss scaling" };

/** The arrays of training that have one value per weight. */
export type StateKind = "weight" | "gradient" | "velocity" | "accumulator";

/** For people. */
const KINDS: Readonly<Record<StateKind, string>> = {
  weight: "weights",
  gradient: "gradients",
  velocity: "velocities (momentum)",
  accumulator: "sums of gradients",
};

const STORAGE = (): number => GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;

/** Values of one kind lie in arenas: buffers shared by the parameters with the same multipliers. Those of training are made by `provide`. */
export class WeightStore {
  private readonly arenas: Readonly<Record<StateKind, GPUBuffer[]>> = { weight: [], gradient: [], velocity: [], accumulator: [] };
  private hasScaling = false;
  private disposed = false;
  /** One after the other, so that nothing is made twice. */
  private providing: Promise<unknown> = Promise.resolve();
  /** Grows whenever weights change. */
  version = 0;
  /** The call that is replacing the weights, or broke off in the middle of it: they are neither the old nor the new ones. */
  torn: string | null = null;
  private readonly diagonalNames = new Set<string>();

  private constructor(
    private readonly gpu: GpuContext,
    private readonly entries: ReadonlyMap<string, PlacedParam>,
    private readonly arenaBytes: readonly number[],
    readonly seed: number,
    readonly precision: Precision,
    /** u32 [seed, step]: what dropout draws from. */
    readonly rng: GPUBuffer,
    /** The state of loss scaling (kernels/loss-scale.ts). */
    readonly scaling: GPUBuffer,
  ) {}

  /** With new weights in it. Throws OutOfMemoryError. */
  static async create(
    gpu: GpuContext,
    params: readonly Param[],
    seed: number,
    precision: Precision = "f32",
  ): Promise<WeightStore> {
    const limit = Math.min(gpu.limits.maxStorageBufferBindingSize, gpu.limits.maxBufferSize);
    const { entries, arenas } = placeParams(params, precision, limit);
    const need = { by: "compile", what: "the weights", remedy: "use a smaller net, or dispose other programs" };
    const store = await allocate(gpu, need, (make) => {
      const [rng, scaling] = [make.buffer("rng", 16, STORAGE()), make.buffer("loss scaling", SCALING_BYTES, STORAGE())];
      const made = new WeightStore(gpu, entries, arenas, seed, precision, rng, scaling);
      made.arenas.weight.push(...arenas.map((bytes, i) => make.buffer(`weight ${i}`, bytes, STORAGE())));
      return made;
    });
    try {
      await gpu.scoped("compile", () => {
        for (const param of params) store.write(param.name, "weight", initialValue(param, seed));
      });
      return store;
    } catch (error) {
      store.dispose();
      throw error;
    }
  }

  /** Makes what is missing of these kinds for the parameters `names`, zeros at first: all of it, or none and OutOfMemoryError. */
  provide(by: string, kinds: readonly StateKind[], names: readonly string[]): Promise<void> {
    const made = this.providing.then(() => this.provideNow(by, kinds, names));
    this.providing = made.catch(() => undefined);
    return made;
  }

  private async provideNow(by: string, kinds: readonly StateKind[], names: readonly string[]): Promise<void> {
    const needed = new Set(names.flatMap((name) => this.entry(name).slots.map(({ arena }) => arena)));
    const missing = kinds.flatMap((kind) =>
      [...needed].filter((index) => !this.arenas[kind][index]).map((index) => ({ kind, index })),
    );
    if (missing.length === 0) return;
    const what = `${[...new Set(missing.map(({ kind }) => KINDS[kind]))].join(" and ")} beside the weights`;
    const remedy = "train fewer parameters, as by freezing the trunk, use a smaller net, or dispose other programs";
    const { buffers, dispose } = await allocate(this.gpu, { by, what, remedy }, (make) => ({
      buffers: missing.map(({ kind, index }) => make.buffer(`${kind} ${index}`, this.arenaBytes[index]!, STORAGE())),
      dispose: make.dispose,
    }));
    if (this.disposed) {
      dispose();
      throw new DisposedError(`${by}: this program was disposed: compile the graph again`);
    }
    missing.forEach(({ kind, index }, i) => (this.arenas[kind][index] = buffers[i]!));
  }

  /** Throws WeightsError where a call that replaced the weights broke off. */
  assertWhole(): void {
    if (this.torn === null) return;
    throw new WeightsError(
      `the weights are in part those of a ${this.torn}() that broke off or is under way: wait for it, or call load() with all weights or resume() again`,
    );
  }

  get params(): readonly Param[] {
    return [...this.entries.values()].map((e) => e.param);
  }

  piecesOf(name: string): Pieces {
    return this.entry(name).pieces;
  }

  private entry(name: string): PlacedParam {
    const entry = this.entries.get(name);
    if (!entry)
      throw new WeightsError(`there is no parameter ${name}: the parameters are ${[...this.entries.keys()].join(", ")}`);
    return entry;
  }

  /** Parameters that are not trained and hold zeros off the diagonal of their first two axes. */
  get diagonal(): ReadonlySet<string> {
    return new Set(this.diagonalNames);
  }

  /** Where the values of one kind lie for each piece of a parameter; zeros at first. */
  ranges(name: string, kind: StateKind): readonly BufferRange[] {
    return this.entry(name).slots.map(({ arena, offset, bytes }) => ({ buffer: this.arena(kind, arena), offset, size: bytes }));
  }

  /** Parameters as few ranges: each is all values of one kind for some of `names`, which have the same multipliers, and nothing else. */
  joined(
    names: readonly string[],
  ): readonly { readonly param: Param; readonly bytes: number; range(kind: StateKind): BufferRange }[] {
    const owners = names.flatMap((name) => this.entry(name).slots.map((slot) => ({ slot, param: this.entry(name).param })));
    return joinSlots(owners.map((o) => o.slot)).map(({ arena, start, end }) => ({
      param: owners.find(({ slot }) => slot.arena === arena)!.param,
      bytes: end - start,
      range: (kind) => ({ buffer: this.arena(kind, arena), offset: start, size: end - start }),
    }));
  }

  private arena(kind: StateKind, index: number): GPUBuffer {
    const arena = this.arenas[kind][index];
    if (!arena) throw new Error(`no memory was provided for ${KINDS[kind]}`);
    return arena;
  }

  /**
   * Throws WeightsError for a shape that differs, a value that is not finite, or (strict) a parameter without weights; nothing is loaded then. Throws
   * OutOfMemoryError where the device has no room for the copies on their way; the weights are torn then.
   */
  async load(weights: Weights, strict: boolean): Promise<LoadReport> {
    const names = [...this.entries.keys()];
    const report = {
      matched: names.filter((n) => weights.has(n)),
      missing: names.filter((n) => !weights.has(n)),
      unused: [...weights.keys()].filter((n) => !this.entries.has(n)),
    };
    if (strict && report.missing.length > 0) {
      throw new WeightsError(
        `load: no weights for ${report.missing.join(", ")}: pass them, or { strict: false } to keep their values${report.unused.length > 0 ? ` (unused: ${report.unused.join(", ")})` : ""}`,
      );
    }
    for (const name of report.matched) this.check("load", name, weights.get(name)!);
    await this.writeAll("load", () => {
      for (const name of report.matched) this.write(name, "weight", weights.get(name)!.data);
    });
    if (report.missing.length === 0) this.torn = null;
    return report;
  }

  /** Throws WeightsError where `weight` cannot be the parameter's. */
  check(by: string, name: string, weight: Weight): void {
    const { param, pieces } = this.entry(name);
    checkWeight(by, name, param, weight, pieces.parts[0]!.dtype === "f16" ? HALF_MAX : Infinity);
  }

  /** Writes, whose copies the device may have no room for: the weights are torn then. */
  async writeAll(by: string, writes: () => void): Promise<void> {
    const shortage = (message: string): string =>
      `${by}: the device has no room for copies of the weights on their way to it (${message}): dispose other programs, then call ${by}() again`;
    try {
      await this.gpu.scoped(by, writes, shortage);
    } catch (error) {
      this.torn = by;
      throw error;
    }
  }

  write(name: string, kind: StateKind, data: Float32Array): void {
    const ranges = this.ranges(name, kind);
    if (kind === "weight") {
      this.version++;
      const { shape, lrMult } = this.entry(name).param;
      if (lrMult === 0 && isSquareWeight(shape) && isDiagonal(shape, data)) this.diagonalNames.add(name);
      else this.diagonalNames.delete(name);
    }
    writePieces(this.gpu.device, this.entry(name).pieces, data, (_, i) => ranges[i]!);
  }

  /** The parameters that have values of one kind. */
  paramsWith(kind: StateKind): readonly Param[] {
    return [...this.entries.values()].filter(({ slots }) => this.arenas[kind][slots[0]!.arena]).map(({ param }) => param);
  }

  /** Values of one kind for every parameter that has them, read back. */
  async read(kind: StateKind, by: string): Promise<Weights> {
    const result = new Map<string, { shape: readonly number[]; data: Float32Array }>();
    for (const { name, shape } of this.paramsWith(kind)) result.set(name, { shape, data: await this.readOne(name, kind, by) });
    return result;
  }

  /** One parameter at a time: a 500 MB net must not need another 500 MB of staging. */
  async readOne(name: string, kind: StateKind, by: string): Promise<Float32Array> {
    const need = { by, what: `reading ${name} back`, remedy: "dispose other programs, then try again" };
    const [data] = await readOnce(this.gpu, [{ pieces: this.piecesOf(name), ranges: this.ranges(name, kind) }], need);
    return data as Float32Array;
  }

  clear(encoder: GPUCommandEncoder, kind: StateKind): void {
    this.arenas[kind].forEach((buffer) => encoder.clearBuffer(buffer));
  }

  writeRng(step: number): void {
    this.gpu.device.queue.writeBuffer(this.rng, 0, Uint32Array.of(this.seed >>> 0, step >>> 0));
  }

  /** Counts skipped steps anew, from this loss scale, or from what there is. */
  beginScaling(initial: number, keeps: boolean): void {
    const { queue } = this.gpu.device;
    if (keeps && this.hasScaling) queue.writeBuffer(this.scaling, 8, new Uint32Array(2));
    else this.writeScaling({ scale: initial, good: 0 });
  }

  writeScaling({ scale, good }: ScalingState): void {
    const words = Uint32Array.of(0, good, 0, 0);
    new Float32Array(words.buffer)[0] = scale;
    this.gpu.device.queue.writeBuffer(this.scaling, 0, words);
    this.hasScaling = true;
  }

  /** Undefined where there has been no loss scale. */
  async readScaling(): Promise<ScalingState | undefined> {
    if (!this.hasScaling) return undefined;
    const need = { by: "checkpoint", what: "reading the loss scale back", remedy: "dispose other programs, then try again" };
    const words = (await readOnce(this.gpu, [{ pieces: whole(SCALING_WORDS), ranges: [wholeBuffer(this.scaling)] }], need))[0]!;
    return { scale: new Float32Array(words.buffer)[0]!, good: words[1]! };
  }

  /** Bytes on the GPU, by kind. */
  bytes(kind: StateKind): number {
    return this.arenas[kind].reduce((n, buffer) => n + buffer.size, 0);
  }

  dispose(): void {
    this.disposed = true;
    this.rng.destroy();
    this.scaling.destroy();
    for (const arenas of Object.values(this.arenas)) arenas.forEach((buffer) => buffer.destroy());
  }
}
