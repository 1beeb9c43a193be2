/**
 * The variants of one node against each other on this device: each is checked against `direct` on seeded random data, then timed. A variant
 * that is wrong here, or does not compile, takes no part.
 */
import { allocate } from "../gpu/allocate.js";
import { wholeBuffer } from "../gpu/buffer-range.js";
import type { GpuContext } from "../gpu/context.js";
import { KernelCompileError } from "../gpu/errors.js";
import type { PipelineCache } from "../gpu/pipelines.js";
import { SMALLER } from "../gpu/scopes.js";
import type { Stopwatch } from "../gpu/stopwatch.js";
import type { DiagonalWeight } from "../kernels/conv-depthwise.js";
import { opOf } from "../kernels/ops.js";
import type { Variant } from "../kernels/op.js";
import { secondOf } from "../kernels/second.js";
import { keepDiagonal } from "../tensor/diagonal.js";
import { byteLength, type Numbers } from "../tensor/layout.js";
import { numbersIn, toMemory } from "../tensor/memory.js";
import { uniform } from "../tensor/random.js";
import { numel, type TensorSpec } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { encode } from "./bind.js";
import { buildExecutable, type Executable } from "./executable.js";
import { withPreparation } from "./planned-variant.js";
import { applicationOf, signatureOf } from "./signature.js";

export interface Lab {
  readonly gpu: GpuContext;
  readonly pipelines: PipelineCache;
  readonly stopwatch: Stopwatch;
  /** Nothing is begun that has not been once this says so. */
  readonly over: () => boolean;
  /** By `performance.now()`. */
  readonly until: number;
}

export interface Outcome {
  /** ms of each variant that was timed. */
  readonly ms: Readonly<Record<string, number>>;
  /** Why others were not. */
  readonly rejected: Readonly<Record<string, string>>;
  /** Those that the time did not reach to. */
  readonly unmeasured: readonly string[];
  /** ms of `direct`, once, the compiling run left out. */
  readonly directMs: number;
}

/** Of a store as f16, as WGSL allows it; most drivers keep to half of it. */
const HALF_ROUNDING = 2 ** -10;

/**
 * `variants`: `direct` first; what one has in `prepared` is made before it is timed. Throws what a lost or full device throws, and
 * KernelCompileError where `direct` does not compile.
 */
export async function contest(lab: Lab, node: Tensor, variants: readonly Variant[], flops: number): Promise<Outcome> {
  const { gpu } = lab;
  const bench = await workbench(lab, node, flops);
  const ms: Record<string, number> = {};
  const rejected: Record<string, string> = {};
  const unmeasured: string[] = [];
  try {
    const [direct, ...others] = variants as [Variant, ...Variant[]];
    using plain = await bench.mount(direct);
    let data = bench.randomInputs();
    await bench.write(data);
    let want = await plain.output(); // the first run, which compiles, is not timed
    const positive = data.map((values) => (values instanceof Float32Array ? values.map(Math.abs) : values));
    await bench.write(positive);
    const directMs = await plain.once();
    // |y - direct| <= errorFactor 4 sqrt(terms) u direct(|inputs|), design.md 8, where a term is a multiply-add.
    const scale = await plain.output();
    // Roots and logarithms of negative numbers say nothing.
    if (want instanceof Float32Array && !want.every(Number.isFinite)) [data, want] = [positive, scale];
    await bench.write(data);
    ms[direct.name] = await plain.time();
    const terms = Math.max(1, flops / 2 / Math.max(1, numel(node.shape)));
    const storing = node.dtype === "f16" ? 2 * HALF_ROUNDING : 0;
    // The last first: the rule takes the last that it may, so that the time reaches to what it would take.
    for (const variant of others.toReversed()) {
      if (lab.over()) {
        unmeasured.push(variant.name);
        continue;
      }
      try {
        using mounted = await bench.mount(variant);
        const wrong = firstError(
          await mounted.output(),
          want,
          scale,
          (variant.errorFactor ?? 1) * 4 * Math.sqrt(terms) * 2 ** -24 + storing,
        );
        if (wrong === undefined) ms[variant.name] = await mounted.time();
        else rejected[variant.name] = wrong;
      } catch (error) {
        gpu.assertUsable();
        if (!(error instanceof KernelCompileError)) throw error;
        rejected[variant.name] = `does not compile here: ${error.message.split("\n")[0]}`;
      }
    }
    return { ms, rejected, unmeasured, directMs };
  } finally {
    bench[Symbol.dispose]();
  }
}

interface Mounted extends Disposable {
  /** Runs once and reads the output as it lies in memory. */
  output(): Promise<Numbers>;
  /** Runs once: wall time in ms. */
  once(): Promise<number>;
  /** Median time in ms, by repetition. */
  time(): Promise<number>;
}

interface Workbench extends Disposable {
  mount(variant: Variant): Promise<Mounted>;
  /** By input, in memory order; one array for a tensor that is several inputs. */
  randomInputs(): Numbers[];
  write(values: readonly Numbers[]): Promise<void>;
}

/** The node's inputs and a place to read its output from. */
async function workbench(lab: Lab, node: Tensor, flops: number): Promise<Workbench> {
  const { gpu, pipelines, stopwatch } = lab;
  const { device } = gpu;
  const leafOf = new Map([...new Set(node.inputs)].map((t): [Tensor, Tensor] => [t, { ...t, inputs: [] }]));
  const leaves = [...leafOf.values()];
  const diagonal = (node.attrs as DiagonalWeight).diagonal && leafOf.get(node.inputs[1]!);
  const target: Tensor = { ...node, inputs: node.inputs.map((t) => leafOf.get(t)!) };
  const op = opOf(node.op);
  const second = op.second && secondOf(target, op, target.inputs, target.attrs);
  const bytes = byteLength(node.shape, node.dtype);
  const signature = signatureOf(applicationOf(node));
  const need = { by: "tune", what: `the inputs and output of one ${node.op}`, remedy: SMALLER };
  const storage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
  const { staging, buffers, dispose } = await allocate(gpu, need, (make) => ({
    staging: make.buffer("tune readback", bytes, GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST),
    buffers: leaves.map((leaf) => make.buffer(`tuned ${node.op}`, byteLength(leaf.shape, leaf.dtype), storage)),
    dispose: make.dispose,
  }));
  const persistent = new Map(leaves.map((leaf, i) => [leaf, wholeBuffer(buffers[i]!)]));

  const mount = async (variant: Variant): Promise<Mounted> => {
    const step = {
      node: target,
      ...(second ? { second } : {}),
      name: `tune ${node.op}`,
      variant: withPreparation(variant),
      signature,
      flops,
      bytes,
    };
    const executable: Executable = await buildExecutable({
      gpu,
      pipelines,
      lowered: { steps: [step], leaves, storageOf: (t) => t, choices: [] },
      outputs: [target],
      persistent,
      submitBudgetMs: Infinity,
    });
    const { buffer, offset } = executable.rangeOf(target);
    // A run finds its weights prepared: here by the runs before.
    const timed = executable.steps[0]!.bound.slice(variant.prepared?.dispatches.length ?? 0);
    const output = async (): Promise<Numbers> => {
      executable.submit((encoder) => encoder.copyBufferToBuffer(buffer, offset, staging, 0, bytes));
      await gpu.mapped(staging);
      const copy = staging.getMappedRange().slice(0);
      staging.unmap();
      return numbersIn(node, copy);
    };
    return {
      output,
      async once() {
        const start = performance.now();
        executable.submit((encoder) => encoder.copyBufferToBuffer(buffer, offset, staging, 0, 16));
        await gpu.mapped(staging);
        staging.unmap();
        return performance.now() - start;
      },
      time: async () => (await stopwatch.time((pass) => encode(pass, timed), { until: lab.until })).ms,
      [Symbol.dispose]: () => executable.dispose(),
    };
  };
  return {
    mount,
    randomInputs: () =>
      leaves.map((leaf, i) => {
        const values = randomValues(leaf, i + 1);
        return leaf === diagonal && values instanceof Float32Array ? keepDiagonal(leaf.shape, values) : values;
      }),
    write: (values) =>
      gpu.scoped("tune", () => leaves.forEach((leaf, i) => device.queue.writeBuffer(buffers[i]!, 0, toMemory(leaf, values[i]!)))),
    [Symbol.dispose]: dispose,
  };
}

/** Random numbers drawn, then repeated: a prime, so that no stride of a kernel meets its repetition. */
const PERIOD = 65_521;

/** Floats in [-1, 1); integers 0 or 1, which as labels and indices are always in range. Row-major. */
function randomValues({ shape, dtype }: TensorSpec, seed: number): Numbers {
  const random = uniform(seed);
  const count = numel(shape);
  const isFloat = dtype === "f32" || dtype === "f16";
  const out = isFloat ? new Float32Array(count) : dtype === "i32" ? new Int32Array(count) : new Uint32Array(count);
  for (let i = 0; i < Math.min(count, PERIOD); i++) out[i] = isFloat ? 2 * random() - 1 : Math.floor(2 * random());
  for (let i = PERIOD; i < count; i += PERIOD) out.copyWithin(i, 0, Math.min(PERIOD, count - i));
  return out;
}

/** In words; undefined where all elements are within `factor` of their scale. Integers must be equal. */
function firstError(got: Numbers, want: Numbers, scale: Numbers, factor: number): string | undefined {
  const exact = !(want instanceof Float32Array);
  for (let i = 0; i < want.length; i++) {
    const bound = exact ? 0 : factor * Math.max(Math.abs(want[i]!), Math.abs(scale[i]!)) + 1e-30;
    const same = Object.is(got[i], want[i]) || Math.abs(got[i]! - want[i]!) <= bound;
    if (!same) return `wrong: element ${i} in memory is ${got[i]} where direct has ${want[i]}, beyond its bound of ${bound}`;
  }
  return undefined;
}
