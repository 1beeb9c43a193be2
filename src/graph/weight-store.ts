/** The parameters of a program on the GPU, and what training keeps beside them; shared by all plans of all image sizes. */
import { wholeBuffer, type BufferRange } from "../gpu/buffer-range.js";
import type { GpuContext } from "../gpu/context.js";
import { isDiagonal, isSquareWeight } from "../tensor/diagonal.js";
import { WeightsError } from "../tensor/errors.js";
import { SCALING_BYTES } from "../kernels/loss-scale.js";
import { HALF_MAX } from "../tensor/half.js";
import { byteLength } from "../tensor/layout.js";
import { formatShape, numel, sameShape } from "../tensor/shape.js";
import { rngState, type Param, type Tensor } from "../tensor/tensor.js";
import { initialValue, type Weights } from "../tensor/weights.js";
import { joinSlots, packArenas, type Slot } from "./arenas.js";
import { isHalfWeight } from "./passes/half.js";
import { splitOversized } from "./passes/split.js";
import type { Precision } from "./precision.js";
import { whole, writePieces, type Pieces } from "./pieces.js";
import { readOnce } from "./readback.js";

export interface LoadReport {
  /** Parameters that got their values from the weights. */
  readonly matched: readonly string[];
  /** Parameters that the weights do not hold: they keep their values. */
  readonly missing: readonly string[];
  /** Weights that no parameter is called after. */
  readonly unused: readonly string[];
}

interface Entry {
  readonly param: Param;
  readonly pieces: Pieces;
  /** Where each piece lies, in the arenas of every kind. */
  readonly slots: readonly Slot[];
}

/** How loss scaling stands: the factor, and for how many steps in a row it has served. */
export interface ScalingState {
  readonly scale: number;
  readonly good: number;
}

const SCALING_WORDS: Tensor = { ...rngState(), shape: [4], name: "loss scaling" };

/** The arrays of training that have one value per weight. */
export type StateKind = "weight" | "gradient" | "velocity" | "accumulator";

/** Values of one kind lie in arenas: buffers shared by the parameters with the same multipliers. An arena is made when first asked for. */
export class WeightStore {
  private readonly entries = new Map<string, Entry>();
  private readonly arenaBytes: readonly number[];
  private readonly arenas: Readonly<Record<StateKind, GPUBuffer[]>> = { weight: [], gradient: [], velocity: [], accumulator: [] };
  /** u32 [seed, step]: what dropout draws from. */
  readonly rng: GPUBuffer;
  /** The state of loss scaling (kernels/loss-scale.ts). */
  readonly scaling: GPUBuffer;
  private hasScaling = false;
  /** Grows whenever weights change. */
  version = 0;
  private readonly diagonalNames = new Set<string>();

  constructor(
    private readonly gpu: GpuContext,
    params: readonly Param[],
    readonly seed: number,
    readonly precision: Precision = "f32",
  ) {
    this.rng = this.create("rng", 16);
    this.scaling = this.create("loss scaling", SCALING_BYTES);
    const limit = Math.min(gpu.limits.maxStorageBufferBindingSize, gpu.limits.maxBufferSize);
    const cut = params.map((param) => {
      const pieces = splitOversized([param], limit).leaves.get(param)!;
      const dtype = precision === "f16" && isHalfWeight(param) ? "f16" : "f32";
      return { param, pieces: { ...pieces, parts: pieces.parts.map((part): Tensor => ({ ...part, dtype })) } };
    });
    const items = cut.flatMap(({ param: { lrMult, decayMult }, pieces }) =>
      pieces.parts.map((part) => ({ bytes: byteLength(part.shape, part.dtype), group: `${lrMult} ${decayMult}` })),
    );
    const { slots, arenas } = packArenas(items, limit);
    this.arenaBytes = arenas;
    let next = 0;
    for (const { param, pieces } of cut) {
      this.entries.set(param.name, { param, pieces, slots: pieces.parts.map(() => slots[next++]!) });
      this.write(param.name, "weight", initialValue(param, seed));
    }
  }

  private create(label: string, size: number): GPUBuffer {
    return this.gpu.device.createBuffer({
      label,
      size,
      usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC,
    });
  }

  get params(): readonly Param[] {
    return [...this.entries.values()].map((e) => e.param);
  }

  piecesOf(name: string): Pieces {
    return this.entry(name).pieces;
  }

  private entry(name: string): Entry {
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
    return (this.arenas[kind][index] ??= this.create(`${kind} ${index}`, this.arenaBytes[index]!));
  }

  has(kind: StateKind): boolean {
    return this.arenas[kind].length > 0;
  }

  /** Throws WeightsError for a shape that differs, a value that is not finite, or (strict) a parameter without weights. Nothing is loaded then. */
  load(weights: Weights, strict: boolean): LoadReport {
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
    for (const name of report.matched) {
      const { param, pieces } = this.entry(name);
      checkWeight(name, param, weights.get(name)!, pieces.parts[0]!.dtype === "f16" ? HALF_MAX : Infinity);
    }
    for (const name of report.matched) this.write(name, "weight", weights.get(name)!.data);
    return report;
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
  async read(kind: StateKind): Promise<Weights> {
    const result = new Map<string, { shape: readonly number[]; data: Float32Array }>();
    for (const { name, shape } of this.paramsWith(kind)) result.set(name, { shape, data: await this.readOne(name, kind) });
    return result;
  }

  /** One parameter at a time: a 500 MB net must not need another 500 MB of staging. */
  async readOne(name: string, kind: StateKind): Promise<Float32Array> {
    const [data] = await readOnce(this.gpu, [{ pieces: this.piecesOf(name), ranges: this.ranges(name, kind) }]);
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
    const words = (await readOnce(this.gpu, [{ pieces: whole(SCALING_WORDS), ranges: [wholeBuffer(this.scaling)] }]))[0]!;
    return { scale: new Float32Array(words.buffer)[0]!, good: words[1]! };
  }

  /** Bytes on the GPU, by kind. */
  bytes(kind: StateKind): number {
    return this.arenas[kind].reduce((n, buffer) => n + buffer.size, 0);
  }

  dispose(): void {
    this.rng.destroy();
    this.scaling.destroy();
    for (const arenas of Object.values(this.arenas)) arenas.forEach((buffer) => buffer.destroy());
  }
}

function checkWeight(
  name: string,
  param: Tensor,
  weight: { readonly shape: readonly number[]; readonly data: Float32Array },
  largest: number,
): void {
  if (!sameShape(weight.shape, param.shape)) {
    throw new WeightsError(
      `load: ${name} has shape ${formatShape(weight.shape)} but the graph expects ${formatShape(param.shape)}: convert the weights, or leave ${name} out and pass { strict: false }`,
    );
  }
  if (weight.data.length !== numel(param.shape))
    throw new WeightsError(
      `load: ${name} ${formatShape(param.shape)} takes ${numel(param.shape)} values but has ${weight.data.length}`,
    );
  const bad = weight.data.findIndex((v) => !Number.isFinite(v));
  if (bad !== -1) throw new WeightsError(`load: ${name} holds ${weight.data[bad]} at index ${bad}: the weights are damaged`);
  const large = weight.data.findIndex((v) => Math.abs(v) > largest);
  if (large !== -1) {
    throw new WeightsError(
      `load: ${name} holds ${weight.data[large]} at index ${large} but an f16 is at most ${largest}: compile with precision "f32" or "mixed"`,
    );
  }
}
