/** ONNX's operators with windows and with coordinates, as ops of this engine. */
import { averagePool2d } from "../kernels/average-pool.js";
import type { Pair2, Padding4 } from "../kernels/conv-geometry.js";
import { convTranspose2d } from "../kernels/conv-transpose2d.js";
import { conv2d } from "../kernels/conv2d.js";
import { maxPool2d, maxPool2dIndices } from "../kernels/max-pool.js";
import { pad, type BorderMode } from "../kernels/pad.js";
import { resize, type CoordinateMode, type NearestMode } from "../kernels/resize.js";
import type { PoolAttrs } from "../kernels/window.js";
import type { Shape } from "../tensor/shape.js";
import type { ImportSite } from "./import-site.js";
import { computed, type Value } from "./values.js";

/** [h, w] of an attribute. */
function pair(s: ImportSite, name: string, otherwise: Pair2): Pair2 {
  const [h, w] = s.ints(name) ?? otherwise;
  return [h ?? otherwise[0], w ?? otherwise[1]];
}

/** [top, left, bottom, right], of `pads` or worked out by `auto_pad` from what is left over on each axis. */
function padding(s: ImportSite, leftOver: (axis: 0 | 1) => number): Padding4 {
  const auto = s.text("auto_pad", "NOTSET");
  if (auto === "NOTSET") {
    const [top = 0, left = 0, bottom = 0, right = 0] = s.ints("pads") ?? [];
    return [top, left, bottom, right];
  }
  if (auto === "VALID") return [0, 0, 0, 0];
  if (auto !== "SAME_UPPER" && auto !== "SAME_LOWER") s.refuse(`auto_pad is ${auto}`, "the file is damaged");
  const total = ([0, 1] as const).map((axis) => Math.max(0, leftOver(axis)));
  const before = total.map((n) => (auto === "SAME_UPPER" ? Math.floor(n / 2) : Math.ceil(n / 2)));
  return [before[0]!, before[1]!, total[0]! - before[0]!, total[1]! - before[1]!];
}

/** What windows need beyond the image so that ceil(size / stride) of them fit. */
function windowPadding(s: ImportSite, x: Shape, kernel: Pair2, stride: Pair2, dilation: Pair2): Padding4 {
  return padding(s, (axis) => {
    const size = x[2 + axis]!;
    return (Math.ceil(size / stride[axis]) - 1) * stride[axis] + (kernel[axis] - 1) * dilation[axis] + 1 - size;
  });
}

export function convolution(s: ImportSite): Value {
  const x = s.image(0);
  const weight = s.weight(1);
  const [stride, dilation] = [pair(s, "strides", [1, 1]), pair(s, "dilations", [1, 1])];
  const kernel = [weight.shape[2] ?? 1, weight.shape[3] ?? 1] as const;
  const pads = windowPadding(s, x.shape, kernel, stride, dilation);
  return computed(conv2d(x, weight, s.weightOrNull(2), { stride, dilation, padding: pads, groups: s.int("group", 1) }));
}

export function transposedConvolution(s: ImportSite): Value {
  const x = s.image(0);
  const weight = s.weight(1);
  const [stride, dilation] = [pair(s, "strides", [1, 1]), pair(s, "dilations", [1, 1])];
  const outputPadding = pair(s, "output_padding", [0, 0]);
  const asked = s.ints("output_shape")?.slice(-2);
  /** What must go of the full result. */
  const leftOver = (axis: 0 | 1): number => {
    const size = x.shape[2 + axis]!;
    const full = (size - 1) * stride[axis] + ((weight.shape[2 + axis] ?? 1) - 1) * dilation[axis] + 1 + outputPadding[axis];
    return full - (asked?.[axis] ?? size * stride[axis]);
  };
  const half = (axis: 0 | 1): [number, number] => {
    const [total, isUpper] = [leftOver(axis), s.text("auto_pad", "NOTSET") === "SAME_UPPER"];
    const before = isUpper ? Math.floor(total / 2) : Math.ceil(total / 2);
    return [before, total - before];
  };
  const [rows, columns] = [half(0), half(1)];
  const pads = asked ? ([rows[0], columns[0], rows[1], columns[1]] as const) : padding(s, leftOver);
  const options = { stride, dilation, padding: pads, outputPadding, groups: s.int("group", 1) };
  return computed(convTranspose2d(x, weight, s.weightOrNull(2), options));
}

function poolOf(s: ImportSite, x: Shape): PoolAttrs {
  const kernel = pair(s, "kernel_shape", [1, 1]);
  const [stride, dilation] = [pair(s, "strides", [1, 1]), pair(s, "dilations", [1, 1])];
  const pads = windowPadding(s, x, kernel, stride, dilation);
  return { kernel, stride, dilation, padding: pads, ceil: s.int("ceil_mode", 0) === 1 };
}

export function maxPool(s: ImportSite): readonly Value[] {
  const x = s.image(0);
  const attrs = poolOf(s, x.shape);
  const columnMajor = s.int("storage_order", 0) === 1;
  const indices = s.node.outputs[1] ? [computed(maxPool2dIndices(x, { ...attrs, columnMajor }))] : [];
  return [computed(maxPool2d(x, attrs)), ...indices];
}

export function averagePool(s: ImportSite): Value {
  const x = s.image(0);
  return computed(averagePool2d(x, { ...poolOf(s, x.shape), countIncludePad: s.int("count_include_pad", 0) === 1 }));
}

const BORDERS: Readonly<Record<string, BorderMode>> = { reflect: "reflect", edge: "edge", wrap: "wrap" };

export function padded(s: ImportSite): Value {
  const x = s.tensor(0);
  const rank = x.shape.length;
  const pads = s.ints("pads") ?? s.ints("paddings") ?? s.numbers(1, "the padding") ?? [];
  const axes = s.numbers(3, "the axes") ?? x.shape.map((_, axis) => axis);
  if (pads.length !== 2 * axes.length) s.refuse(`${pads.length} pads are given for ${axes.length} axes`, "the file is damaged");
  const [begin, end] = [0, 1].map((side) => {
    const list = new Array<number>(rank).fill(0);
    axes.forEach((axis, i) => (list[s.axis(axis, rank)] = pads[side * axes.length + i]!));
    return list;
  }) as [number[], number[]];
  const mode = s.text("mode", "constant");
  if (mode === "constant") {
    const value = s.float("value", s.numbers(2, "the value")?.[0] ?? 0);
    return computed(pad(x, { begin, end, value }));
  }
  const border = BORDERS[mode] ?? s.refuse(`mode is ${mode}`, "use constant, reflect, edge or wrap");
  return computed(pad(x, { begin, end, mode: border }));
}

const COORDINATES = ["half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric"];

export function resized(s: ImportSite): Value {
  const x = s.tensor(0);
  const rank = x.shape.length;
  const mode = s.text("mode", "nearest");
  if (mode !== "nearest" && mode !== "linear") s.refuse(`mode is ${mode}`, "use nearest or linear");
  for (const name of ["antialias", "exclude_outside"]) if (s.int(name, 0) !== 0) s.refuse(`${name} is set`, "export it without");
  const policy = s.text("keep_aspect_ratio_policy", "stretch");
  if (policy !== "stretch") s.refuse(`keep_aspect_ratio_policy is ${policy}`, "give the size itself");
  // Upsample and the first Resize know neither coordinates nor sizes.
  const isOld = s.node.op === "Upsample" || s.opset < 11;
  const coordinateMode = isOld ? "asymmetric" : s.text("coordinate_transformation_mode", "half_pixel");
  if (!COORDINATES.includes(coordinateMode))
    s.refuse(`coordinate_transformation_mode is ${coordinateMode}`, `use ${COORDINATES.join(", ")}`);
  const axes = (s.ints("axes") ?? x.shape.map((_, axis) => axis)).map((axis) => s.axis(axis, rank));
  const scales = isOld ? (s.floats("scales") ?? s.numbers(1, "the scale")) : s.numbers(2, "the scale");
  const sizes = isOld ? null : s.numbers(3, "the size");
  const spread = (given: readonly number[], others: (axis: number) => number): number[] =>
    x.shape.map((_, axis) => (axes.includes(axis) ? given[axes.indexOf(axis)]! : others(axis)));
  const to =
    sizes && sizes.length > 0
      ? { size: spread(sizes, (axis) => x.shape[axis]!) }
      : { scales: spread(scales ?? s.refuse("it has no scales and no sizes", "the file is damaged"), () => 1) };
  return computed(
    resize(x, {
      ...to,
      mode,
      coordinateMode: coordinateMode as CoordinateMode,
      nearestMode: (isOld ? "floor" : s.text("nearest_mode", "round_prefer_floor")) as NearestMode,
    }),
  );
}
