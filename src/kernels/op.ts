/**
 * What the engine needs to know of an op, in one object (docs/adding-an-op.md). A family file in this folder holds the ops that are
 * each other's derivatives and reads in the same order: header with formula, layouts and size rule; attributes with defaults; the
 * public function; the op object; the choice of variants with its reason; dispatch geometry.
 */
import type { SHADERS } from "../shaders.gen.js";
import type { Tensor } from "../tensor/tensor.js";
import { checkNumel, type TensorSpec } from "../tensor/shape.js";

/** What a choice of kernels may depend on. */
export interface DeviceTraits {
  /** A CPU pretending to be a GPU (SwiftShader, lavapipe): no caches to block for, barriers slow. */
  readonly software: boolean;
  /** Lanes of a subgroup where the device has subgroups of one size only, else 0. */
  readonly subgroupSize: number;
  readonly maxInvocations: number;
  readonly maxWorkgroupStorage: number;
  readonly maxBindingBytes: number;
}

export interface Op<A extends object> {
  readonly name: string;
  /** Shape and dtype of the output. Throws ShapeError naming the op, the axis and both shapes. */
  infer(inputs: readonly TensorSpec[], attrs: A): TensorSpec;
  /** Ways to compute it on this device, `direct` first (simplest, always applicable), best last: the last whose `fromFlops` is reached is the default. Pure. */
  variants(inputs: readonly TensorSpec[], output: TensorSpec, attrs: A, device: DeviceTraits): readonly Variant[];
  /** Floating-point operations of the direct algorithm; a multiply-add counts as two. */
  flops(inputs: readonly TensorSpec[], output: TensorSpec, attrs: A): number;
  /** Of an op that computes two tensors: the other one (second.ts), which dispatches write as `second`. Absent: there is one output. */
  second?(inputs: readonly TensorSpec[], attrs: A): TensorSpec;
  /** True where the output is the first input's bytes under another shape: no kernel runs, the memory is shared. */
  alias?(inputs: readonly TensorSpec[], output: TensorSpec): boolean;
  /** Inputs whose values only decide where the output comes from (a mask, a maximum): a variant that rounds more than `direct` must not make them. */
  decidedBy?(attrs: A): readonly number[];
  /** Gradients with respect to each input, as graph nodes; null where there is none (labels, indices). */
  grad(dy: Tensor, inputs: readonly Tensor[], y: Tensor, attrs: A): readonly (Tensor | null)[];
}

/** One way to compute an op: a fixed list of dispatches over its inputs, its output and scratch buffers. */
export interface Variant {
  readonly name: string;
  readonly dispatches: readonly Dispatch[];
  /** Bytes of each scratch buffer, alive only while this node runs. */
  readonly scratchBytes?: readonly number[];
  /** The first scratch buffers hold values of these inputs as they are, and are stored in their type; scratchBytes are for f32. */
  readonly copies?: readonly number[];
  readonly prepared?: Preparing;
  /** Largest error against `direct` that this variant may make, as a factor on the reduction bound of design.md 8 (1 unless told). */
  readonly errorFactor?: number;
  /** Flops of the node from which on the variant is worth its compilation; below, the rule stays with a simpler one (0 unless told). */
  readonly fromFlops?: number;
}

/**
 * What a variant makes of weights before it can run: values that depend on nothing but the inputs that its dispatches read, so that they need
 * making only when those have changed. Where all of these are parameters, inference keeps the buffers beside the weights and makes their
 * values after each load; elsewhere they are scratch and made in every run. The dispatches write nothing but prepared buffers, read nothing
 * but inputs and prepared buffers, and do not depend on the size of images; the variant's own dispatches only read prepared buffers.
 */
export interface Preparing {
  /** Bytes of each prepared buffer. */
  readonly bytes: readonly number[];
  /** Run before those of the variant. */
  readonly dispatches: readonly Dispatch[];
  /** As `fromFlops` of the variant, where they are made in every run; that of the variant unless told. */
  readonly inRunFromFlops?: number;
}

/**
 * Where a binding comes from: the n-th input, the output, the second output, the n-th scratch or prepared buffer, or 16 zero bytes for an
 * operand that is absent.
 */
export type Ref =
  { readonly input: number } | { readonly scratch: number } | { readonly prepared: number } | "output" | "second" | "absent";

export interface Dispatch {
  readonly shader: ShaderName;
  readonly params: Readonly<Record<string, number | readonly number[]>>;
  readonly constants: Readonly<Record<string, number | boolean>>;
  readonly buffers: Readonly<Record<string, Ref>>;
  /** Those of the buffers that hold f16 (half.ts); none unless told. */
  readonly halves?: readonly string[];
  /** Workgroups on each axis. */
  readonly workgroups: readonly [x: number, y: number, z: number];
}

// ── Types read off the shaders, so that a forgotten uniform field, a misspelt constant or a missing buffer does not compile. ────
type Shaders = typeof SHADERS;
export type ShaderName = keyof Shaders;
type ParamValue<T> = T extends `vec${string}` | `array${string}` | `mat${string}` ? readonly number[] : number;
export type Params<S extends ShaderName> = {
  readonly [K in keyof Shaders[S]["params"]]: Shaders[S]["params"][K] extends { type: infer T } ? ParamValue<T> : never;
};
export type Buffers<S extends ShaderName> = { readonly [K in Shaders[S]["buffers"][number]["name"]]: Ref };
export type Constants<S extends ShaderName> = { readonly [K in keyof Shaders[S]["constants"]]?: number | boolean };

/** A dispatch, checked against its shader by the compiler. */
export function dispatch<S extends ShaderName>(
  shader: S,
  of: {
    readonly params: Params<S>;
    readonly buffers: Buffers<S>;
    readonly workgroups: readonly [number, number, number];
    readonly constants?: Constants<S>;
  },
): Dispatch {
  return {
    shader,
    params: of.params,
    buffers: of.buffers,
    constants: (of.constants ?? {}) as Dispatch["constants"],
    workgroups: of.workgroups,
  };
}

/** The same dispatch on other buffers. */
export function rebind(of: Dispatch, swap: (ref: Ref) => Ref): Dispatch {
  return { ...of, buffers: Object.fromEntries(Object.entries(of.buffers).map(([name, ref]) => [name, swap(ref)])) };
}

/** The n-th input of the op. */
export function inputRef(index: number): Ref {
  return { input: index };
}

/** The n-th scratch buffer of the variant. */
export function scratchRef(index: number): Ref {
  return { scratch: index };
}

/** The n-th prepared buffer of the variant. */
export function preparedRef(index: number): Ref {
  return { prepared: index };
}

/** Invocations per workgroup of one-dimensional kernels (`override WG` in the shaders). */
export const WORKGROUP_SIZE = 64;

export const MAX_WORKGROUPS_PER_AXIS = 65535;

/**
 * Workgroups for `invocations` of a one-dimensional kernel, folded into two axes where one is not enough. Such a kernel finds its
 * index as `id.y * (workgroups.x * WG) + id.x` and returns when that is not below its count.
 */
export function grid(invocations: number, workgroupSize: number = WORKGROUP_SIZE): [number, number, number] {
  const groups = Math.max(1, Math.ceil(invocations / workgroupSize));
  if (groups <= MAX_WORKGROUPS_PER_AXIS) return [groups, 1, 1];
  const y = Math.ceil(groups / MAX_WORKGROUPS_PER_AXIS);
  return [Math.ceil(groups / y), y, 1];
}

/** A node of the graph: the op applied to tensors. Its shape is inferred here, so mistakes surface at the line that builds them. */
export function apply<A extends object>(op: Op<A>, inputs: readonly Tensor[], attrs: A, name = ""): Tensor {
  const spec = op.infer(inputs, attrs);
  checkNumel(op.name, spec.shape);
  return { shape: spec.shape, dtype: spec.dtype, name, op: op.name, inputs, attrs };
}
