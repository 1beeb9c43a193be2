/** Ops whose ONNX form takes more than a line or two: what operators.ts puts into its table. */
import type { ConvEpilogue, ConvGeometry } from "../kernels/conv-geometry.js";
import type { OpAttrs } from "../kernels/ops.js";
import type { PoolWindow } from "../kernels/window.js";
import { numel } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import type { Extent, Site } from "./emitter.js";
import { OnnxError } from "./errors.js";
import type { Attributes } from "./messages.js";
import { describe } from "./samples.js";

export function scalar(s: Site<object>, value: number): string {
  return s.constant("f32", [], [value]);
}

/** Each number of a shape-like attribute. */
export function extents<A extends object, K extends keyof A & string>(s: Site<A>, what: string, key: K): Extent[] {
  const list = (node: Tensor): readonly number[] => (node.attrs as Record<K, readonly number[]>)[key];
  return list(s.node).map((_, i) => s.extent(what, (instance) => list(instance)[i]!));
}

/** A sum over axes, or their mean; some reduced axes may stay as 1. */
export function reduced(s: Site<object>, op: string, x: string, { axes, keep }: OpAttrs<"reduceSum">): string {
  const y = s.add(op, [x, s.vector(axes)], { keepdims: keep.length > 0 ? 1 : 0 });
  const dropped = axes.filter((axis) => !keep.includes(axis));
  return keep.length > 0 && dropped.length > 0 ? s.add("Squeeze", [y, s.vector(dropped)]) : y;
}

/** A sum over axes divided by the number of its terms (globalAveragePool) is a mean, whatever that number is. */
export function mean(s: Site<OpAttrs<"sum">>): string | null {
  const isMean = s.instances.every(({ attrs, inputs }) => {
    const [total] = inputs as [Tensor];
    if (inputs.length !== 1 || total.op !== "reduceSum") return false;
    const terms = numel((total.attrs as OpAttrs<"reduceSum">).axes.map((axis) => total.inputs[0]!.shape[axis]!));
    return (attrs as OpAttrs<"sum">).coefficients[0] === 1 / terms;
  });
  const total = s.node.inputs[0]!;
  return isMean ? reduced(s, "ReduceMean", s.valueOf(total.inputs[0]!), total.attrs as OpAttrs<"reduceSum">) : null;
}

export function weightedSum(s: Site<OpAttrs<"sum">>): string {
  const terms = s.inputs.map((x, k) => {
    const coefficient = s.extent("a coefficient", (i) => (i.attrs as OpAttrs<"sum">).coefficients[k]!);
    if (typeof coefficient !== "number")
      throw new OnnxError(`exportOnnx: a coefficient of ${describe(s.node)} is the size of an axis`);
    return coefficient === 1 ? x : s.add("Mul", [x, scalar(s, coefficient)]);
  });
  return terms.length === 1 ? terms[0]! : s.add(terms.length === 2 ? "Add" : "Sum", terms);
}

/** Beyond any axis, as ONNX's `ends`: all that is left. */
const TO_THE_END = 2 ** 31 - 1;

/** Crops whose size is that of another tensor take it from there; offsets follow from the coordinate map and are the same at every size. */
export function slice(s: Site<OpAttrs<"slice">>): string {
  const { steps } = s.attrs;
  const at = (node: Tensor, axis: number) => {
    const attrs = node.attrs as OpAttrs<"slice">;
    const [start, size, extent] = [attrs.starts[axis]!, attrs.sizes[axis]!, node.inputs[0]!.shape[axis]!];
    return { start, size, extent, end: start + size * steps[axis]! };
  };
  const isWhole = (axis: number): boolean =>
    s.instances.every((i) => at(i, axis).start === 0 && at(i, axis).size === at(i, axis).extent && steps[axis] === 1);
  const axes = steps.map((_, axis) => axis).filter((axis) => !isWhole(axis));
  if (axes.length === 0) return s.inputs[0]!;
  const starts = axes.map((axis) => s.extent(`the start on axis ${axis}`, (i) => at(i, axis).start));
  const ends = axes.map((axis): Extent => {
    const instances = s.instances.map((i) => at(i, axis));
    // Backwards to the first place: -1 would be the last.
    if (instances.every(({ end }) => end < 0)) return -TO_THE_END;
    const fromEnd = instances.map(({ end, extent }) => end - extent);
    if (fromEnd.every((n) => n >= 0)) return TO_THE_END;
    const isAlike = fromEnd.every((n) => n === fromEnd[0]) && instances.some(({ end }) => end !== instances[0]!.end);
    return isAlike ? fromEnd[0]! : s.extent(`the end on axis ${axis}`, (i) => at(i, axis).end);
  });
  const vectors = [starts, ends, axes, axes.map((axis) => steps[axis]!)].map((v) => s.vector(v));
  return s.add("Slice", [s.inputs[0]!, ...vectors]);
}

/** Each place on an axis takes its value from one of x: numpy's modes, as indices, since ONNX's Pad lacks one and engines differ in others. */
export function padBorder(s: Site<OpAttrs<"padBorder">>): string {
  const { begin, end, mode } = s.attrs;
  const whole = (value: number): string => s.constant("i64", [], [value]);
  const mirrored = (places: string, period: string, far: number): string => {
    const folded = s.add("Mod", [places, period]);
    return s.add("Min", [folded, s.add("Sub", [period, s.add("Add", [folded, whole(far)])])]);
  };
  return begin.reduce((x, before, axis) => {
    const after = end[axis]!;
    if (before === 0 && after === 0) return x;
    const size = s.add("Squeeze", [s.add("Shape", [x], { start: axis, end: axis + 1 })]);
    const places = s.add("Range", [whole(-before), s.add("Add", [size, whole(after)]), whole(1)]);
    const twice = s.add("Add", [size, size]);
    const indices = {
      edge: () => s.add("Min", [s.add("Max", [places, whole(0)]), s.add("Sub", [size, whole(1)])]),
      wrap: () => s.add("Mod", [places, size]),
      symmetric: () => mirrored(places, twice, 1),
      // One place is mirrored onto itself: its period would be 0.
      reflect: () => mirrored(places, s.add("Max", [s.add("Sub", [twice, whole(2)]), whole(1)]), 0),
    }[mode]();
    return s.add("Gather", [x, indices], { axis });
  }, s.inputs[0]!);
}

/** Extents that depend on the size are the input's at the same place (0), some tensor's, or, once, what is left (-1). */
export function reshape(s: Site<OpAttrs<"reshape">>): string {
  const isInputs = (axis: number): boolean => s.instances.every((i) => i.inputs[0]!.shape[axis] === i.shape[axis]);
  const found = s.node.shape.map((_, axis) => s.find((i) => i.shape[axis]!));
  const open = found.flatMap((extent, axis) => (typeof extent !== "number" && !isInputs(axis) ? [axis] : []));
  const left = open.length === 1 ? open[0] : open.find((axis) => found[axis] === null);
  const shape = found.map((extent, axis): Extent => {
    if (typeof extent === "number") return extent;
    if (isInputs(axis)) return 0;
    return axis === left ? -1 : s.extent(`extent ${axis}`, (i) => i.shape[axis]!);
  });
  return s.add("Reshape", [s.inputs[0]!, s.vector(shape)]);
}

export function matmul(s: Site<OpAttrs<"matmul">>): string {
  const { alpha, beta, transA, transB } = s.attrs;
  const [a, b, c] = s.inputs as [string, string, string | undefined];
  if (s.node.inputs.every(({ shape }) => shape.length <= 2)) {
    const attributes = { alpha: { float: alpha }, beta: { float: beta }, transA: transA ? 1 : 0, transB: transB ? 1 : 0 };
    return s.add("Gemm", s.inputs, attributes);
  }
  const turned = (x: string, index: number, isTurned: boolean): string => {
    const axes = s.node.inputs[index]!.shape.map((_, i) => i);
    return isTurned ? s.add("Transpose", [x], { perm: [...axes.slice(0, -2), axes.at(-1)!, axes.at(-2)!] }) : x;
  };
  const times = (x: string, factor: number): string => (factor === 1 ? x : s.add("Mul", [x, scalar(s, factor)]));
  const product = times(s.add("MatMul", [turned(a, 0, transA), turned(b, 1, transB)]), alpha);
  return c === undefined ? product : s.add("Add", [product, times(c, beta)]);
}

/** Attributes of Conv and ConvTranspose. Throws OnnxError for what only a compiled plan has. */
export function convolution(s: Site<ConvGeometry & ConvEpilogue>): Attributes {
  const { stride, padding, dilation, groups, relu, extra } = s.attrs;
  if (relu || extra !== "none")
    throw new OnnxError(`exportOnnx: ${describe(s.node)} is a fused node: export the graph as it was built`);
  const kernel = s.node.inputs[1]!.shape.slice(2);
  return { kernel_shape: kernel, strides: stride, pads: padding, dilations: dilation, group: groups };
}

export function pooling({ kernel, stride, padding, dilation, ceil }: PoolWindow): Attributes {
  return { kernel_shape: kernel, strides: stride, pads: padding, dilations: dilation, ceil_mode: ceil ? 1 : 0 };
}

export function averagePool(s: Site<OpAttrs<"averagePool2d">>): string {
  return s.add("AveragePool", s.inputs, { ...pooling(s.attrs), count_include_pad: s.attrs.countIncludePad ? 1 : 0 });
}

/** ONNX's operators take one axis; over several it is what the formula says. */
export function softmax(s: Site<OpAttrs<"softmax">>, op: "Softmax" | "LogSoftmax"): string {
  const { axes } = s.attrs;
  if (axes.length === 1) return s.add(op, s.inputs, { axis: axes[0]! });
  const x = s.inputs[0]!;
  const shifted = s.add("Sub", [x, s.add("ReduceMax", [x, s.vector(axes)], { keepdims: 1 })]);
  const powers = s.add("Exp", [shifted]);
  const total = s.add("ReduceSum", [powers, s.vector(axes)], { keepdims: 1 });
  return op === "Softmax" ? s.add("Div", [powers, total]) : s.add("Sub", [shifted, s.add("Log", [total])]);
}

/** By the output's size where the scale is nothing but sizes' quotient, else by the scale. */
export function resize(s: Site<OpAttrs<"resize">>): string {
  const attrs = s.instances.map((i) => i.attrs as OpAttrs<"resize">);
  const { axis, mode, coordinateMode, nearestMode, scale } = s.attrs;
  const attributes = { axes: [axis], mode, coordinate_transformation_mode: coordinateMode, nearest_mode: nearestMode };
  const x = s.inputs[0]!;
  const byScale = (): string => s.add("Resize", [x, "", s.constant("f32", [1], [scale])], attributes);
  const isConstant = attrs.every((a) => a.scale === scale);
  const isQuotient = attrs.every((a) => Math.abs(a.scale * a.from - a.to) < 1e-6);
  if (isConstant && (!isQuotient || attrs.some(({ to }) => to !== attrs[0]!.to))) return byScale();
  if (!isQuotient)
    throw new OnnxError(
      `exportOnnx: the scale of ${describe(s.node)} depends on the size of the inputs: give it a size instead, or leave the axis out of dynamic`,
    );
  const size = s.vector([s.extent("the size", (i) => (i.attrs as OpAttrs<"resize">).to)]);
  return s.add("Resize", [x, "", "", size], attributes);
}
