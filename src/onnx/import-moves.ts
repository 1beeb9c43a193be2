/** ONNX's operators that only move values, on tensors and on known numbers: shapes are computed by the same operators as images are cut by. */
import { concat } from "../kernels/concat.js";
import { fill } from "../kernels/elementwise.js";
import { broadcastTo } from "../kernels/reduce.js";
import { reshape, transpose } from "../kernels/reshape.js";
import { slice } from "../kernels/slice.js";
import { broadcastShapes, numel, type Shape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import type { ImportSite } from "./import-site.js";
import { computed, numbers, type Constant, type Value } from "./values.js";

/** The same values under another shape. */
function reshaped(s: ImportSite, shape: Shape): Value {
  const known = s.constant(0);
  if (!known) return computed(reshape(s.tensor(0), shape));
  if (numel(shape) !== numel(known.shape))
    s.refuse(`${numel(known.shape)} values do not fit [${shape.join(", ")}]`, "the file is damaged");
  // A weight stays the parameter that it is, by its own name and shape.
  if (known.isFloat && numel(known.shape) > 1) return computed(reshape(s.weight(0), shape));
  return { ...known, shape };
}

export function reshapeOf(s: ImportSite): Value {
  const from = s.shapeOf(0);
  const asked = s.ints("shape") ?? s.numbers(1, "the shape") ?? s.refuse("it has no shape", "the file is damaged");
  const keepsZero = s.int("allowzero", 0) === 1;
  const shape = asked.map((d, axis) => (d === 0 && !keepsZero ? from[axis]! : d));
  const rest = numel(shape.filter((d) => d !== -1));
  return reshaped(
    s,
    shape.map((d) => (d === -1 ? numel(from) / rest : d)),
  );
}

export function flattened(s: ImportSite): Value {
  const from = s.shapeOf(0);
  const axis = s.int("axis", 1);
  const at = axis < 0 ? axis + from.length : axis;
  return reshaped(s, [numel(from.slice(0, at)), numel(from.slice(at))]);
}

export function squeezed(s: ImportSite): Value {
  const from = s.shapeOf(0);
  const axes = (s.ints("axes") ?? s.numbers(1, "the axes"))?.map((axis) => s.axis(axis, from.length));
  return reshaped(
    s,
    from.filter((d, axis) => (axes ? !axes.includes(axis) : d !== 1)),
  );
}

export function unsqueezed(s: ImportSite): Value {
  const from = [...s.shapeOf(0)];
  const given = s.ints("axes") ?? s.numbers(1, "the axes") ?? [];
  const rank = from.length + given.length;
  const axes = given.map((axis) => s.axis(axis, rank));
  const shape = Array.from({ length: rank }, (_, axis) => (axes.includes(axis) ? 1 : from.shift()!));
  return reshaped(s, shape);
}

export function transposed(s: ImportSite): Value {
  const x = s.constant(0) ? s.weight(0) : s.tensor(0);
  return computed(transpose(x, s.ints("perm") ?? undefined));
}

export function concatenated(s: ImportSite): Value {
  const rank = s.shapeOf(0).length;
  const axis = s.axis(s.int("axis", 1), rank);
  const all = s.inputs.map((_, i) => s.constant(i));
  if (all.every((c) => c !== null && c.shape.length <= 1)) {
    const data = (all as Constant[]).flatMap((c) => Array.from(c.data));
    return numbers(
      [data.length],
      data,
      (all as Constant[]).some((c) => c.isFloat),
    );
  }
  return computed(
    concat(
      s.inputs.map((_, i) => s.tensor(i)),
      axis,
    ),
  );
}

interface Range {
  readonly start: number;
  readonly size: number;
  readonly step: number;
}

/** ONNX clamps starts and ends to the axis, whichever way the step goes. */
function rangeOf(extent: number, start: number, end: number, step: number): Range {
  const fromFront = (n: number): number => (n < 0 ? n + extent : n);
  const clamp = (n: number, low: number, high: number): number => Math.min(Math.max(n, low), high);
  const [first, last] =
    step > 0
      ? [clamp(fromFront(start), 0, extent), clamp(fromFront(end), 0, extent)]
      : [clamp(fromFront(start), 0, extent - 1), clamp(fromFront(end), -1, extent - 1)];
  return { start: first, size: Math.max(0, Math.ceil((last - first) / step)), step };
}

export function sliced(s: ImportSite): Value {
  const from = s.shapeOf(0);
  const list = (name: string, index: number): readonly number[] | null => s.ints(name) ?? s.numbers(index, `its ${name}`);
  const damaged = (): never => s.refuse("it has no starts and ends", "the file is damaged");
  const [starts, ends] = [list("starts", 1) ?? damaged(), list("ends", 2) ?? damaged()];
  const axes = (list("axes", 3) ?? starts.map((_, i) => i)).map((axis) => s.axis(axis, from.length));
  const steps = list("steps", 4) ?? starts.map(() => 1);
  const ranges = from.map((extent, axis): Range => {
    const i = axes.indexOf(axis);
    return i === -1 ? { start: 0, size: extent, step: 1 } : rangeOf(extent, starts[i]!, ends[i]!, steps[i]!);
  });
  const known = s.constant(0);
  if (known && from.length === 1) {
    const [{ start, size, step }] = ranges as [Range];
    return numbers(
      [size],
      Array.from({ length: size }, (_, i) => known.data[start + i * step]!),
      known.isFloat,
    );
  }
  const attrs = { starts: ranges.map((r) => r.start), sizes: ranges.map((r) => r.size), steps: ranges.map((r) => r.step) };
  return computed(slice(s.tensor(0), attrs));
}

export function split(s: ImportSite): readonly Value[] {
  const x = s.tensor(0);
  const axis = s.axis(s.int("axis", 0), x.shape.length);
  const extent = x.shape[axis]!;
  const count = s.node.outputs.length;
  const part = Math.ceil(extent / count);
  const even = Array.from({ length: count }, (_, i) => Math.min(part, extent - i * part));
  const sizes = s.ints("split") ?? s.numbers(1, "the sizes") ?? even;
  let start = 0;
  return sizes.map((size) => {
    const starts = x.shape.map((_, a) => (a === axis ? start : 0));
    start += size;
    return computed(slice(x, { starts, sizes: x.shape.map((d, a) => (a === axis ? size : d)) }));
  });
}

export function expanded(s: ImportSite): Value {
  const asked = s.numbers(1, "the shape") ?? s.refuse("it has no shape", "the file is damaged");
  const known = s.constant(0);
  const shape = broadcastShapes("Expand", s.shapeOf(0), asked);
  if (known && numel(known.shape) === 1 && known.isFloat) return computed(fill(shape, known.data[0]!));
  return computed(broadcastTo(s.tensor(0), shape));
}

export function shapeOf(s: ImportSite): Value {
  const shape = s.shapeOf(0);
  const at = (n: number): number => Math.min(Math.max(n < 0 ? n + shape.length : n, 0), shape.length);
  const part = shape.slice(at(s.int("start", 0)), at(s.int("end", shape.length)));
  return numbers([part.length], part);
}

export function gathered(s: ImportSite): Value {
  const known = s.constant(0);
  const indices = s.constant(1);
  if (!known || !indices || known.shape.length !== 1)
    return s.refuse("it looks values up", "only shapes are looked up here: export without indexing, or slice");
  const at = Array.from(indices.data, (i) => (i < 0 ? i + known.data.length : i));
  if (at.some((i) => !(i >= 0 && i < known.data.length))) s.refuse("an index is outside its values", "the file is damaged");
  return numbers(
    indices.shape,
    at.map((i) => known.data[i]!),
    known.isFloat,
  );
}

export function constantOfShape(s: ImportSite): Value {
  const shape = s.numbers(0, "the shape") ?? [];
  const value = s.attributeTensor("value");
  const of = value?.data[0] ?? 0;
  const isFloat = value?.isFloat ?? true;
  if (isFloat) return computed(fill(shape, of));
  if (numel(shape) > 65536) s.refuse(`it makes ${numel(shape)} whole numbers`, "the file is damaged");
  return numbers(shape, new Array<number>(numel(shape)).fill(of));
}

/** Casts that change nothing: between floats, and between whole numbers. */
export function cast(s: ImportSite): Value {
  const to = s.int("to", 1);
  const isFloat = [1, 10, 11, 16].includes(to);
  const known = s.constant(0);
  if (known) {
    const data = isFloat || !known.isFloat ? known.data : Array.from(known.data, Math.trunc);
    return { ...known, isFloat, data };
  }
  const x: Tensor = s.tensor(0);
  const isSame = x.dtype === "f32" ? isFloat : [6, 7, 12].includes(to);
  return isSame ? computed(x) : s.refuse(`it casts ${x.dtype} to data type ${to}`, "export outputs in front of it");
}
