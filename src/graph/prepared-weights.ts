/** Weights in the form that kernels want them in (op.ts: Preparing): beside the weights, shared by all plans of a program, made anew when these change. */
import { allocate } from "../gpu/allocate.js";
import { wholeBuffer, type BufferRange } from "../gpu/buffer-range.js";
import type { GpuContext } from "../gpu/context.js";
import type { PipelineCache } from "../gpu/pipelines.js";
import type { Preparing } from "../kernels/op.js";
import { bindAll, kernelFor, packUniforms, type Bound } from "./bind.js";
import { inputsRead } from "./planned-variant.js";
import type { WeightStore } from "./weight-store.js";

export interface Preparation {
  /** Where each prepared buffer lies. */
  readonly ranges: readonly BufferRange[];
  /** Bytes of all of them. */
  readonly bytes: number;
  readonly bound: readonly Bound[];
  /** Whether the weights are others than when it was last submitted. */
  isDue(): boolean;
  /** To be called with each submit that holds `bound`. */
  submitted(): void;
}

interface Entry {
  readonly text: string;
  readonly reads: readonly BufferRange[];
  readonly made: Promise<Preparation>;
}

export class PreparedWeights {
  private entries: readonly Entry[] = [];
  private readonly made: (() => void)[] = [];
  private disposed = false;

  constructor(
    private readonly gpu: GpuContext,
    private readonly pipelines: PipelineCache,
    private readonly store: WeightStore,
  ) {}

  /**
   * What `preparing` makes of the inputs that lie at `rangeOf`, parameters all; the same object for every node and plan that asks for the same.
   * `name` is for labels. Throws OutOfMemoryError, KernelCompileError, DeviceLostError; the next that asks tries anew.
   */
  of(name: string, preparing: Preparing, rangeOf: (input: number) => BufferRange): Promise<Preparation> {
    const text = JSON.stringify(preparing);
    const reads = inputsRead(preparing).map(rangeOf);
    const known = this.entries.find((e) => e.text === text && e.reads.every((range, i) => isSame(range, reads[i]!)));
    if (known) return known.made;
    const made = this.make(name, preparing, rangeOf);
    const entry: Entry = { text, reads, made };
    this.entries = [...this.entries, entry];
    made.catch(() => (this.entries = this.entries.filter((e) => e !== entry)));
    return made;
  }

  private async make(
    name: string,
    { bytes, dispatches }: Preparing,
    rangeOf: (input: number) => BufferRange,
  ): Promise<Preparation> {
    const { gpu, store } = this;
    const kernels = await Promise.all(dispatches.map((d) => kernelFor(this.pipelines, d)));
    const need = { by: "compile", what: `weights of ${name} as its kernels want them`, remedy: "use a smaller net" };
    const { dispose, ...preparation } = await allocate(gpu, need, (make): Preparation & Pick<typeof make, "dispose"> => {
      const create = (label: string, size: number, usage: number): GPUBuffer => make.buffer(`${label} of ${name}`, size, usage);
      const storage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
      const ranges = bytes.map((size) => wholeBuffer(create("prepared", Math.max(16, Math.ceil(size / 16) * 16), storage)));
      const { data, offsets } = packUniforms(dispatches);
      const uniforms = create("preparing params", data.byteLength, GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST);
      gpu.device.queue.writeBuffer(uniforms, 0, data);
      const bound = bindAll(gpu, { name, dispatches, kernels, uniforms, offsets }, (ref) => {
        if (typeof ref === "object" && "input" in ref) return rangeOf(ref.input);
        if (typeof ref === "object" && "prepared" in ref) return ranges[ref.prepared]!;
        throw new Error(`${name}: a preparation binds inputs and prepared buffers only`);
      });
      let version = -1;
      return {
        ranges,
        bytes: ranges.reduce((n, r) => n + r.size, 0),
        bound,
        isDue: () => version !== store.version,
        submitted: () => (version = store.version),
        dispose: make.dispose,
      };
    });
    if (this.disposed) dispose();
    else this.made.push(dispose);
    return preparation;
  }

  dispose(): void {
    this.disposed = true;
    this.made.forEach((dispose) => dispose());
  }
}

function isSame(a: BufferRange, b: BufferRange): boolean {
  return a.buffer === b.buffer && a.offset === b.offset && a.size === b.size;
}
