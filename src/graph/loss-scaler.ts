/** The loss scale of a program in mixed precision (kernels/loss-scale.ts): what callers may say of it, and its kernels behind every backward pass. */
import { allocate } from "../gpu/allocate.js";
import { wholeBuffer } from "../gpu/buffer-range.js";
import type { GpuContext } from "../gpu/context.js";
import type { PipelineCache } from "../gpu/pipelines.js";
import { adjustScale, checkGradient, type ScalingRule } from "../kernels/loss-scale.js";
import { InputError } from "../tensor/errors.js";
import { physicalSize } from "../tensor/layout.js";
import type { Param } from "../tensor/tensor.js";
import { bindDispatch, encode, kernelFor, UNIFORM_ALIGNMENT, writeParams, type Bound } from "./bind.js";
import type { Precision } from "./precision.js";
import type { WeightStore } from "./weight-store.js";

/** A loss scale that adapts: where a gradient is not finite, the step is skipped and the scale falls; after many steps without it grows. */
export interface DynamicLossScale {
  /** Where it starts; a program that has trained before, or was resumed, goes on with what it had. Default 65536. */
  readonly initial?: number;
  /** Factor after `interval` good steps in a row. Default 2. */
  readonly growth?: number;
  /** Factor after an overflow. Default 0.5. */
  readonly backoff?: number;
  /** Default 2000. */
  readonly interval?: number;
}

/**
 * By what the loss is multiplied so that small gradients do not vanish in f16. A number stays as it is, and steps whose gradients are not finite are
 * skipped. Powers of two cost no accuracy.
 */
export type LossScale = number | DynamicLossScale;

export interface ScalingSettings {
  readonly initial: number;
  /** Whether a scale from before is kept. */
  readonly keeps: boolean;
  readonly rule: ScalingRule;
}

/** Throws InputError for numbers out of range. */
function scalingSettings(lossScale: LossScale = {}): ScalingSettings {
  const fixed = typeof lossScale === "number";
  const { initial = 65536, growth = 2, backoff = 0.5, interval = 2000 } = fixed ? { initial: lossScale } : lossScale;
  const check = (name: string, value: number, ok: boolean, expected: string): void => {
    if (!ok) throw new InputError(`train: lossScale${name} is ${value}: use ${expected}`);
  };
  check(fixed ? "" : ".initial", initial, initial >= 2 ** -14 && initial <= 2 ** 24, "a number from 2^-14 to 2^24");
  check(".growth", growth, growth >= 1 && growth <= 2 ** 10, "a number from 1 to 1024");
  check(".backoff", backoff, backoff > 0 && backoff <= 1, "a number above 0 and at most 1");
  check(".interval", interval, Number.isInteger(interval) && interval >= 1, "an integer of at least 1");
  const rule = fixed ? { growth: 1, backoff: 1, interval } : { growth, backoff, interval };
  return { initial, keeps: !fixed, rule };
}

/** How a program of this precision scales the loss while it trains; undefined in f32. Throws InputError for options that do not go together. */
export function scalingFor(
  precision: Precision,
  { lossScale, checkFinite }: { readonly lossScale?: LossScale; readonly checkFinite?: boolean },
): ScalingSettings | undefined {
  if (precision === "f16")
    throw new InputError('train: this program keeps its weights in f16: compile with precision "mixed" to train');
  if (precision === "mixed" && checkFinite)
    throw new InputError("train: checkFinite was given but mixed precision skips steps that are not finite: leave it out");
  if (precision === "f32" && lossScale !== undefined) {
    throw new InputError(
      'train: lossScale was given but this program trains in f32: leave it out, or compile with precision "mixed"',
    );
  }
  return precision === "mixed" ? scalingSettings(lossScale) : undefined;
}

/** Steps that are left out one after the other at a loss scale that falls no further: behind so many of them training has diverged. */
const MOST_SKIPPED = 10;

/** Notices when no step serves any more, whatever the loss scale. */
export class SkippedSteps {
  private lossScale = NaN;
  private inARow = 0;
  private atThisScale = 0;

  /** A reading of so many steps, `skipped` of them left out: how many in a row, once that is hopeless; else null. */
  add({ lossScale, skipped }: { readonly lossScale: number; readonly skipped: number }, steps: number): number | null {
    const isNone = skipped === steps;
    this.inARow = isNone ? this.inARow + steps : 0;
    this.atThisScale = isNone && lossScale === this.lossScale ? this.atThisScale + steps : 0;
    this.lossScale = lossScale;
    return this.atThisScale >= MOST_SKIPPED ? this.inARow : null;
  }
}

export class LossScaler {
  private constructor(
    private readonly gpu: GpuContext,
    private readonly store: WeightStore,
    private readonly uniforms: GPUBuffer,
    /** From each of its sources: gradients, or their sums over batches. */
    private readonly checks: (source: "gradient" | "accumulator") => readonly Bound[],
    private readonly adjust: Bound,
  ) {}

  static async create(
    gpu: GpuContext,
    pipelines: PipelineCache,
    store: WeightStore,
    params: readonly Param[],
  ): Promise<LossScaler> {
    const checks = params.flatMap(({ name }) =>
      store.piecesOf(name).parts.map((part, i) => ({ name, i, check: checkGradient(physicalSize(part.shape)) })),
    );
    const adjust = adjustScale({ growth: 1, backoff: 1, interval: 1 });
    const kernels = await Promise.all([kernelFor(pipelines, adjust), kernelFor(pipelines, checkGradient(1))]);
    const need = { by: "train", what: "the kernels of the loss scale", remedy: "dispose other programs" };
    return allocate(gpu, need, (make) => {
      const data = new ArrayBuffer((1 + checks.length) * UNIFORM_ALIGNMENT);
      checks.forEach(({ check }, i) => writeParams(check, new DataView(data), (1 + i) * UNIFORM_ALIGNMENT));
      const buffer = make.buffer("loss scale params", data.byteLength, GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST);
      gpu.device.queue.writeBuffer(buffer, 0, data);
      const scaling = wholeBuffer(store.scaling);
      const bindChecks = (source: "gradient" | "accumulator"): Bound[] =>
        checks.map(({ name, i, check }, at) =>
          bindDispatch(gpu, kernels[1], check, `${name}/check`, { buffer, offset: (1 + at) * UNIFORM_ALIGNMENT }, (binding) =>
            binding === "grad" ? store.ranges(name, source)[i]! : scaling,
          ),
        );
      const fromGradient = bindChecks("gradient");
      let fromAccumulator: Bound[] | undefined;
      return new LossScaler(
        gpu,
        store,
        buffer,
        (source) => (source === "gradient" ? fromGradient : (fromAccumulator ??= bindChecks(source))),
        bindDispatch(gpu, kernels[0], adjust, "loss scale", { buffer, offset: 0 }, () => scaling),
      );
    });
  }

  /** To be called before the first step of a loop. */
  begin({ initial, keeps, rule }: ScalingSettings): void {
    const params = new ArrayBuffer(UNIFORM_ALIGNMENT);
    writeParams(adjustScale(rule), new DataView(params), 0);
    this.gpu.device.queue.writeBuffer(this.uniforms, 0, params);
    this.store.beginScaling(initial, keeps);
  }

  /** Looks through the gradients that the update is about to use. */
  encodeCheck(pass: GPUComputePassEncoder, source: "gradient" | "accumulator"): void {
    encode(pass, this.checks(source));
  }

  /** Behind the update. */
  encodeAdjust(pass: GPUComputePassEncoder): void {
    encode(pass, [this.adjust]);
  }

  dispose(): void {
    this.uniforms.destroy();
  }
}
