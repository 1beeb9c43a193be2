/** What a case of an op's table is checked against: its values, the reference's result on them, and how far from it a kernel may be. */
import { REFERENCE } from "../../src/reference/ops.js";
import { floats, ints, type NdArray } from "../../src/reference/nd-array.js";
import { opOf, type OpAttrs, type OpName } from "../../src/kernels/ops.js";
import { layoutOf } from "../../src/tensor/layout.js";
import { uniform } from "../../src/tensor/random.js";
import { formatShape, numel, type TensorSpec } from "../../src/tensor/shape.js";
import type { CaseInput, OpCase, OpCheck } from "./op-cases.js";
import type { RunResult } from "./run-variant.js";

const U = 2 ** -24;

export function makeValues(of: CaseInput, mode: "integers" | "floats", seed: number): Float32Array | Int32Array {
  const random = uniform(seed);
  const integer = mode === "integers" || (of.dtype ?? "f32") !== "f32";
  const value = of.values ?? (() => (integer ? Math.floor(random() * 7) - 3 : random() * 2 - 1));
  const out = (of.dtype ?? "f32") === "f32" ? new Float32Array(numel(of.shape)) : new Int32Array(numel(of.shape));
  for (let i = 0; i < out.length; i++)
    out[i] =
      mode === "integers" && of.values && (of.dtype ?? "f32") === "f32" ? Math.round(3 * value(i, random)) : value(i, random);
  return out;
}

export function toNd(spec: TensorSpec, data: Float32Array | Int32Array): NdArray {
  return spec.dtype === "f32" ? floats(spec.shape, Float64Array.from(data)) : ints(spec.shape, Int32Array.from(data));
}

export function reference<K extends OpName>(name: K, values: readonly NdArray[], attrs: OpAttrs<K>, output: TensorSpec): NdArray {
  const fn = REFERENCE[name] as unknown as (i: readonly NdArray[], a: OpAttrs<K>, o: TensorSpec) => NdArray;
  return fn(values, attrs, output);
}

function referenceOfSecond<K extends OpName>(name: K, values: readonly NdArray[], attrs: OpAttrs<K>, spec: TensorSpec): NdArray {
  // The reference of `second` leaves its first input alone.
  return REFERENCE.second([values[0]!, ...values], { op: name, attrs, ...spec }, spec);
}

export interface Expected {
  readonly spec: TensorSpec;
  readonly want: NdArray;
  /** Of each element, for f32; none for integers, which are exact. */
  readonly bounds: Float64Array | undefined;
}

/** Of the output, and of the second one where the op has one. */
export function expectedOf<K extends OpName>(
  name: K,
  c: OpCase<K>,
  check: OpCheck<K>,
  specs: readonly TensorSpec[],
  values: readonly (Float32Array | Int32Array)[],
): { readonly output: TensorSpec; readonly second: TensorSpec | undefined; readonly expected: readonly Expected[] } {
  const op = opOf(name);
  const output = op.infer(specs, c.attrs);
  const nds = specs.map((s, i) => toNd(s, values[i]!));
  const second = op.second?.(specs, c.attrs);
  const expected = [output, ...(second ? [second] : [])].map((spec, which) => {
    const of = (inputs: readonly NdArray[]): NdArray =>
      which === 0 ? reference(name, inputs, c.attrs, spec) : referenceOfSecond(name, inputs, c.attrs, spec);
    const want = of(nds);
    const bounds = spec.dtype === "f32" ? errorBounds(c, check, specs, nds, want, of) : undefined;
    return { spec, want, bounds };
  });
  return { output, second, expected };
}

/** Throws at the first element that is further off than `allowed(index)`. */
export function checkValues(
  where: string,
  got: Omit<RunResult, "second">,
  { spec, want }: Expected,
  allowed: (index: number) => number,
): void {
  if (got.guardBroken !== -1) throw new Error(`${where} wrote behind its output, at element ${got.guardBroken}`);
  for (let i = 0; i < want.data.length; i++) {
    const bound = allowed(i);
    // The reference holds u32 in an Int32Array: the same bits.
    const expected = spec.dtype === "u32" ? want.data[i]! >>> 0 : want.data[i]!;
    const error = Math.abs(got.values[i]! - expected);
    if (!(error <= bound)) {
      throw new Error(
        `${where}: element ${i} of ${formatShape(spec.shape)} is ${got.values[i]}, the reference says ${expected} (error ${error}, bound ${bound})`,
      );
    }
  }
  checkPadding(where, spec, got.memory);
}

function errorBounds<K extends OpName>(
  c: OpCase<K>,
  check: OpCheck<K>,
  specs: readonly TensorSpec[],
  nds: readonly NdArray[],
  want: NdArray,
  of: (values: readonly NdArray[]) => NdArray,
): Float64Array {
  const { bound } = check;
  if ("abs" in bound) return Float64Array.from(want.data, (v) => bound.abs + bound.rel * Math.abs(v));
  const absolute = nds.map((nd, i) => (specs[i]!.dtype === "f32" ? floats(nd.shape, Float64Array.from(nd.data, Math.abs)) : nd));
  const factor = 4 * Math.sqrt(Math.max(1, bound.terms(specs, c.attrs))) * U;
  return Float64Array.from(of(absolute).data, (v) => factor * Math.abs(v) + 1e-30);
}

function checkPadding(where: string, output: TensorSpec, memory: Uint32Array | Uint16Array): void {
  if (output.shape.length !== 4) return;
  const { dims, padded, size } = layoutOf(output.shape);
  for (let i = 0; i < size; i++) {
    if (i % padded[3]! >= dims[3]! && memory[i] !== 0)
      throw new Error(`${where}: padding lane at element ${i} holds bits 0x${memory[i]!.toString(16)}, not zero`);
  }
}
