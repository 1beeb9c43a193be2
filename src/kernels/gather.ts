/**
 * The one kernel behind every op that only moves data (broadcastTo, slice, pad, crop, transpose, concat and their gradients): along each
 * axis of the output, position p takes the source at (p * mul + shift) / div where that is a whole number in [0, extent), else a
 * fill value. It moves bits, so it serves every dtype.
 */
import { layoutOf, logicalStrides } from "../tensor/layout.js";
import type { Shape } from "../tensor/shape.js";
import { dispatch, grid, inputRef, type Dispatch, type Ref, type Variant } from "./op.js";
import { table } from "./strided.js";

/** What one logical axis of the output reads. */
export interface Source {
  /** Elements between neighbours in the source's memory; 0 repeats it. */
  readonly stride: number;
  /** Positions that the source has along the axis; for stride 0 the output's extent. */
  readonly extent: number;
  readonly shift?: number;
  /** 1 or -1, or a slice's step. */
  readonly mul?: number;
  /** Positive; positions that it does not divide get the fill value. */
  readonly div?: number;
}

/** An axis of the walk, in the output's memory order. */
interface MoveAxis extends Required<Source> {
  readonly dim: number;
  readonly outStride: number;
}

/** A part of the output that one dispatch writes: logical extents and first positions. */
export interface Region {
  readonly start: readonly number[];
  readonly sizes: readonly number[];
}

export interface Move {
  readonly source: Ref;
  /** The shape whose memory order the source has: decides whether its padding lanes may be copied along. */
  readonly sourceShape: Shape;
  readonly output: Shape;
  /** One for each logical axis of the output. */
  readonly axes: readonly Source[];
  readonly fillBits?: number;
  readonly region?: Region;
}

/** Sources of a tensor read as it is: one for each of its axes. */
export function sourcesOf(shape: Shape): Source[] {
  return logicalStrides(shape).map((stride, axis) => ({ stride, extent: shape[axis]! }));
}

/** The bits of an f32. */
export function floatBits(value: number): number {
  return new Uint32Array(Float32Array.of(value).buffer)[0]!;
}

/** `direct`, and `vec4` where whole vec4s move. */
export function gatherVariants(sourceShape: Shape, output: Shape, axes: readonly Source[], fillBits = 0): readonly Variant[] {
  const move: Move = { source: inputRef(0), sourceShape, output, axes, fillBits };
  const direct = { name: "direct", dispatches: [gatherDirect(move)] };
  const vec4 = gatherVec4(move);
  return vec4 ? [direct, { name: "vec4", dispatches: [vec4] }] : [direct];
}

export function gatherDirect(move: Move): Dispatch {
  const all = memoryAxes(move);
  const innermost = all[all.length - 1];
  const isPadded = innermost !== undefined && innermost.dim !== lanesOf(move);
  // An axis with padding lanes stays by itself, for the kernel to tell them from values.
  const axes = isPadded ? [...coalesce(all.slice(0, -1)), innermost] : coalesce(all);
  const lanes = isPadded ? lanesOf(move) : (axes[axes.length - 1]?.dim ?? 1);
  const count = axes.reduce((n, a) => n * a.dim, 1);
  return dispatch("gather.direct", {
    params: { count, lanes, fill: move.fillBits ?? 0, base: baseOf(move), ...fields(axes) },
    buffers: { x: move.source, y: "output" },
    constants: { STEPPED: isStepped(axes) },
    workgroups: grid(count),
  });
}

/** Null where elements do not move in whole vec4s. */
export function gatherVec4(move: Move): Dispatch | null {
  const { fillBits = 0, sourceShape, output } = move;
  const base = baseOf(move);
  let all = memoryAxes(move);
  const innermost = all[all.length - 1];
  if (!innermost || innermost.stride !== 1 || base % 4 !== 0) return null;
  if (innermost.dim !== lanesOf(move)) {
    // Rank 4 with padding lanes: they come along as zeros when the source has the same ones and nothing else is filled in.
    const samePadding =
      sourceShape.length === 4 &&
      output.length === 4 &&
      sourceShape[1] === lanesOf(move) &&
      isIdentity({ ...innermost, dim: lanesOf(move) });
    if (!samePadding || fillBits !== 0) return null;
    all = [...all.slice(0, -1), { ...innermost, extent: innermost.dim }];
  }
  const axes = coalesce(all);
  const last = axes[axes.length - 1];
  if (!last || last.stride !== 1 || last.outStride !== 1 || last.mul !== 1 || last.div !== 1) return null;
  if ([last.dim, last.extent, last.shift].some((v) => v % 4 !== 0)) return null;
  const outer = axes.slice(0, -1);
  if (outer.some((a) => a.stride % 4 !== 0 || a.outStride % 4 !== 0)) return null;
  const quarter = [
    ...outer.map((a) => ({ ...a, stride: a.stride / 4, outStride: a.outStride / 4 })),
    { ...last, dim: last.dim / 4, extent: last.extent / 4, shift: last.shift / 4 },
  ];
  const count = quarter.reduce((n, a) => n * a.dim, 1);
  return dispatch("gather.vec4", {
    params: { count, fill: fillBits, base: base / 4, ...fields(quarter) },
    buffers: { x: move.source, y: "output" },
    constants: { STEPPED: isStepped(quarter) },
    workgroups: grid(count),
  });
}

function memoryAxes({ output, axes, region }: Move): MoveAxis[] {
  const layout = layoutOf(output);
  return layout.axes.map((axis, k) => ({
    shift: 0,
    mul: 1,
    div: 1,
    ...axes[axis]!,
    dim: region ? regionDim(output, region, axis, k) : layout.padded[k]!,
    outStride: layout.strides[k]!,
  }));
}

/** The region's part that ends a padded innermost axis takes the padding lanes with it. */
function regionDim(output: Shape, region: Region, axis: number, position: number): number {
  const { dims, padded } = layoutOf(output);
  const end = region.start[axis]! + region.sizes[axis]!;
  return region.sizes[axis]! + (end === dims[position] ? padded[position]! - dims[position] : 0);
}

function baseOf({ output, region }: Move): number {
  if (!region) return 0;
  return logicalStrides(output).reduce((at, stride, axis) => at + stride * region.start[axis]!, 0);
}

/** Positions of the innermost axis in memory that hold values. */
function lanesOf({ output, region }: Move): number {
  const { axes, dims } = layoutOf(output);
  const last = axes.length - 1;
  return region ? (region.sizes[axes[last]!] ?? 1) : (dims[last] ?? 1);
}

function isIdentity(axis: MoveAxis): boolean {
  return axis.mul === 1 && axis.div === 1 && axis.shift === 0 && axis.extent === axis.dim;
}

/** Merges an axis that is read as it is into the one outside it, which may be shifted. Axes of one position are dropped where they read position 0. */
function coalesce(axes: readonly MoveAxis[]): MoveAxis[] {
  const out: MoveAxis[] = [];
  for (const axis of axes) {
    if (axis.dim === 1 && isIdentity(axis)) continue;
    const outer = out[out.length - 1];
    const merges =
      outer &&
      isIdentity(axis) &&
      outer.mul === 1 &&
      outer.div === 1 &&
      outer.stride === axis.stride * axis.dim &&
      outer.outStride === axis.outStride * axis.dim;
    if (!merges) out.push(axis);
    else {
      out[out.length - 1] = {
        ...outer,
        dim: outer.dim * axis.dim,
        extent: outer.extent * axis.dim,
        shift: outer.shift * axis.dim,
        stride: axis.stride,
        outStride: axis.outStride,
      };
    }
  }
  return out;
}

function isStepped(axes: readonly MoveAxis[]): boolean {
  return axes.some((a) => a.mul !== 1 || a.div !== 1);
}

function fields(axes: readonly MoveAxis[]) {
  return {
    rank: axes.length,
    axes: table(axes.map((a) => [a.dim, a.outStride, a.stride])),
    moves: table(axes.map((a) => [a.mul, a.shift, a.div, a.extent])),
  };
}
