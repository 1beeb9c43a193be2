/**
 * Index arithmetic that the generic kernels share: the positions of an output in memory order, with the distance that each operand
 * moves along every axis. Neighbouring axes that all operands walk as one are merged, so that most shapes need one or two divisions.
 */
import { layoutOf, logicalStrides } from "../tensor/layout.js";
import type { Shape } from "../tensor/shape.js";

/** Axes that a generic kernel can walk: `array<vec4u, 8>` in the uniforms. */
const MAX_AXES = 8;

/** One axis of a walk: its extent and the distance in elements that each operand moves per step. */
export interface Axis {
  readonly extent: number;
  readonly strides: readonly number[];
}

/** Merges axis k into axis k - 1 where every operand steps over the two as over one; drops axes of extent 1. Outermost first. */
export function coalesce(axes: readonly Axis[]): Axis[] {
  const out: Axis[] = [];
  for (const axis of axes) {
    if (axis.extent === 1) continue;
    const outer = out[out.length - 1];
    if (outer && outer.strides.every((s, i) => s === axis.strides[i]! * axis.extent)) {
      out[out.length - 1] = { extent: outer.extent * axis.extent, strides: axis.strides };
    } else out.push(axis);
  }
  return out;
}

/** Logical strides of an operand seen through numpy broadcasting to `shape`: 0 along the axes it repeats on. */
export function broadcastStrides(operand: Shape, shape: Shape): number[] {
  const strides = logicalStrides(operand);
  const missing = shape.length - operand.length;
  return shape.map((_, i) => (i < missing || operand[i - missing] === 1 ? 0 : strides[i - missing]!));
}

/**
 * The positions of a tensor of `shape` in memory order, padding lanes included, with the distances of `operands` (strides by
 * logical axis). `lanes` is how many positions of the innermost axis hold values: the kernel writes zeros from there on.
 */
export function walk(
  shape: Shape,
  operands: readonly (readonly number[])[],
): { readonly axes: readonly Axis[]; readonly lanes: number } {
  const { axes, dims, padded, strides } = layoutOf(shape);
  const all = axes.map((axis, k): Axis => ({ extent: padded[k]!, strides: [strides[k]!, ...operands.map((o) => o[axis]!)] }));
  const last = dims.length - 1;
  const isPadded = last >= 0 && dims[last] !== padded[last];
  const merged = isPadded ? [...coalesce(all.slice(0, last)), all[last]!] : coalesce(all);
  const innermost = merged[merged.length - 1];
  return { axes: merged, lanes: isPadded ? dims[last]! : (innermost?.extent ?? 1) };
}

/** A uniform table of axes, `array<vec4, 8>`: up to four numbers each, zeros behind them. */
export function table(rows: readonly (readonly number[])[]): number[] {
  if (rows.length > MAX_AXES) throw new Error(`a walk of ${rows.length} axes: generic kernels take ${MAX_AXES}`);
  const out = new Array<number>(4 * MAX_AXES).fill(0);
  rows.forEach((row, k) => row.forEach((value, i) => (out[4 * k + i] = value)));
  return out;
}

/** The table of a walk: of each axis the extent and the strides of the operands (up to three), without the walked tensor's own. */
export function axisTable(axes: readonly Axis[]): number[] {
  return table(axes.map((a) => [a.extent, ...a.strides.slice(1)]));
}
