/** The parameters of a program on the GPU, and what training keeps beside them; shared by all plans of all image sizes. */
import { wholeBuffer } from "../gpu/buffer-range.js";
import type { GpuContext } from "../gpu/context.js";
import { WeightsError } from "../tensor/errors.js";
import { byteLength } from "../tensor/layout.js";
import { formatShape, numel, sameShape } from "../tensor/shape.js";
import type { Param, Tensor } from "../tensor/tensor.js";
import { initialValue, type Weights } from "../tensor/weights.js";
import { splitOversized } from "./passes/split.js";
import { writePieces, type Pieces } from "./pieces.js";
import { createReadback } from "./readback.js";

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
  weight: readonly GPUBuffer[];
  gradient?: readonly GPUBuffer[];
  velocity?: readonly GPUBuffer[];
  accumulator?: readonly GPUBuffer[];
}

/** The arrays of training that have one value per weight. */
export type StateKind = "weight" | "gradient" | "velocity" | "accumulator";

export class WeightStore {
  private readonly entries = new Map<string, Entry>();
  /** u32 [seed, step]: what dropout draws from. */
  readonly rng: GPUBuffer;

  constructor(
    private readonly gpu: GpuContext,
    params: readonly Param[],
    readonly seed: number,
  ) {
    this.rng = this.create("rng", 16);
    const limit = Math.min(gpu.limits.maxStorageBufferBindingSize, gpu.limits.maxBufferSize);
    for (const param of params) {
      const pieces = splitOversized([param], limit).leaves.get(param)!;
      const entry: Entry = { param, pieces, weight: this.buffersFor(pieces, param.name) };
      this.entries.set(param.name, entry);
      writePieces(gpu.device, pieces, initialValue(param, seed), (_, i) => wholeBuffer(entry.weight[i]!));
    }
  }

  private create(label: string, size: number): GPUBuffer {
    return this.gpu.device.createBuffer({
      label,
      size,
      usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC,
    });
  }

  private buffersFor(pieces: Pieces, label: string): GPUBuffer[] {
    return pieces.parts.map((part, i) =>
      this.create(pieces.parts.length === 1 ? label : `${label}[${i}]`, byteLength(part.shape)),
    );
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

  /** Buffers of one kind for a parameter, one per piece; made (zeroed) when first asked for. */
  buffers(name: string, kind: StateKind): readonly GPUBuffer[] {
    const entry = this.entry(name);
    return (entry[kind] ??= this.buffersFor(entry.pieces, `${name}:${kind}`));
  }

  has(kind: StateKind): boolean {
    return [...this.entries.values()].some((e) => e[kind] !== undefined);
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
    for (const name of report.matched) checkWeight(name, this.entry(name).param, weights.get(name)!);
    for (const name of report.matched) this.write(name, "weight", weights.get(name)!.data);
    return report;
  }

  write(name: string, kind: StateKind, data: Float32Array): void {
    const buffers = this.buffers(name, kind);
    writePieces(this.gpu.device, this.entry(name).pieces, data, (_, i) => wholeBuffer(buffers[i]!));
  }

  /** Values of one kind for every parameter that has them, read back. */
  async read(kind: StateKind): Promise<Weights> {
    const result = new Map<string, { shape: readonly number[]; data: Float32Array }>();
    for (const { param, pieces, [kind]: buffers } of this.entries.values()) {
      if (!buffers) continue;
      // One parameter at a time: a 500 MB net must not need another 500 MB of staging.
      const readback = createReadback(this.gpu, [{ pieces, dtype: "f32", ranges: buffers.map(wholeBuffer) }]);
      const encoder = this.gpu.device.createCommandEncoder();
      readback.encode(encoder);
      this.gpu.device.queue.submit([encoder.finish()]);
      try {
        const [data] = await readback.read();
        result.set(param.name, { shape: param.shape, data: data as Float32Array });
      } finally {
        readback.dispose();
      }
    }
    return result;
  }

  clear(encoder: GPUCommandEncoder, kind: StateKind): void {
    for (const entry of this.entries.values()) for (const buffer of entry[kind] ?? []) encoder.clearBuffer(buffer);
  }

  writeRng(step: number): void {
    this.gpu.device.queue.writeBuffer(this.rng, 0, Uint32Array.of(this.seed >>> 0, step >>> 0));
  }

  /** Bytes on the GPU, by kind. */
  bytes(kind: StateKind): number {
    return [...this.entries.values()].reduce((n, e) => n + (e[kind] ?? []).reduce((m, b) => m + b.size, 0), 0);
  }

  dispose(): void {
    this.rng.destroy();
    for (const e of this.entries.values())
      for (const kind of ["weight", "gradient", "velocity", "accumulator"] as const) e[kind]?.forEach((b) => b.destroy());
  }
}

function checkWeight(
  name: string,
  param: Tensor,
  weight: { readonly shape: readonly number[]; readonly data: Float32Array },
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
}
