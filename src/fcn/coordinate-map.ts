/**
 * Coordinate maps: where the elements of a tensor lie in the image, derived from the graph itself (fcn.md 1.6; Caffe's coord_map.py). Along each
 * axis element i of a tensor is centred at image coordinate x = stride i + offset:
 *
 *   conv, pool   (kernel K, stride s, padding p, dilation d):  offset += stride (((K - 1) d) / 2 - p), then stride *= s
 *   transposed conv:                                           stride /= s, then offset -= stride (((K - 1) d) / 2 - p)
 *   crop and slice from o with step t:                         offset += stride o, then stride *= t
 *   elementwise ops, LRN, dropout, sums, concat of channels:   unchanged; all operands must agree
 *
 * The paper's crops follow: two tensors of one stride fit together when a is cropped at (offset_b - offset_a) / stride.
 */
import type { ConcatAttrs } from "../kernels/concat.js";
import type { ConvTranspose2dAttrs } from "../kernels/conv-transpose2d.js";
import type { Conv2dAttrs } from "../kernels/conv2d.js";
import { crop2d } from "../kernels/crop.js";
import type { PadAttrs } from "../kernels/pad.js";
import { slice, type SliceAttrs } from "../kernels/slice.js";
import type { PoolWindow } from "../kernels/window.js";
import { ShapeError } from "../tensor/errors.js";
import { formatShape } from "../tensor/shape.js";
import { topological, type Tensor } from "../tensor/tensor.js";

/** One axis: element i is centred at image coordinate `stride * i + offset`. */
export interface AxisMap {
  /** Image pixels between neighbours. */
  readonly stride: number;
  /** Image coordinate of element 0's centre; coordinates count pixel centres from 0. */
  readonly offset: number;
  /** Image coordinates that element 0 can depend on, first and last; those of element i lie `stride * i` further on. */
  readonly field: readonly [first: number, last: number];
}

/** Rows and columns. */
export type CoordinateMap = readonly [h: AxisMap, w: AxisMap];

const IDENTITY: AxisMap = { stride: 1, offset: 0, field: [0, 0] };

/**
 * Where `tensor` lies in `input`, the image that it is computed from (default: the one input that it has a map to). Both have rows and columns
 * on their last two axes. Throws ShapeError where there is no such input, where operands are out of line with each other, and at ops that move
 * pixels in other ways (reshape, resize).
 *
 * @example formatCoordinateMap(coordinateMap(pool4))   // "x = 16 i - 91.5, receptive field 100"
 */
export function coordinateMap(tensor: Tensor, input?: Tensor): CoordinateMap {
  const from = input ?? onlyInput([tensor]);
  const map = mapsFrom(from, [tensor]).get(tensor);
  if (!map)
    throw new ShapeError(
      `coordinateMap: ${describe(tensor)} does not depend on ${describe(from)}: pass the image that it is computed from`,
    );
  return map;
}

/** Extent of the receptive field, rows and columns, in pixels of the image. */
export function receptiveField(map: CoordinateMap): readonly [h: number, w: number] {
  return [map[0].field[1] - map[0].field[0] + 1, map[1].field[1] - map[1].field[0] + 1];
}

/** `x = 32 i + 12.5, receptive field 404`; rows and columns apart where they differ. */
export function formatCoordinateMap(map: CoordinateMap): string {
  const [rows, columns] = map.map(formatAxis);
  return rows === columns ? `x = ${rows}` : `y = ${rows}; x = ${columns}`;
}

function formatAxis({ stride, offset, field }: AxisMap): string {
  const sign = offset < 0 ? "-" : "+";
  return `${stride} i ${sign} ${Math.abs(offset)}, receptive field ${field[1] - field[0] + 1}`;
}

/**
 * Where b begins in a: the offset, rows and columns, at which a is cropped to b. Both must have one stride. Throws ShapeError, giving both maps,
 * where the strides differ, the offset is no integer or negative, or b ends beyond a.
 */
export function cropOffset(a: Tensor, b: Tensor, input?: Tensor): readonly [h: number, w: number] {
  const { starts, fail } = placeOf(a, b, input);
  starts.forEach((offset, axis) => {
    const name = AXES[axis]!;
    if (offset < 0) fail(`the offset of the ${name} is ${offset}`, "a must begin before b: use more padding");
    const [size, wanted] = [extentOf(a, axis), extentOf(b, axis)];
    if (offset + wanted > size) fail(`${wanted} ${name} from ${offset} on exceed the ${size} there are`, "use more padding");
  });
  return starts;
}

const AXES = ["rows", "columns"] as const;

interface Place {
  /** Index in a of b's first row and column: negative where b begins before a. */
  readonly starts: readonly [h: number, w: number];
  readonly fail: (why: string, remedy: string) => never;
}

function placeOf(a: Tensor, b: Tensor, input: Tensor | undefined): Place {
  const from = input ?? onlyInput([a, b]);
  const maps = mapsFrom(from, [a, b]);
  const [mapA, mapB] = [maps.get(a), maps.get(b)];
  if (!mapA || !mapB)
    throw new ShapeError(
      `cropOffset: ${describe(mapA ? b : a)} does not depend on ${describe(from)}: pass the image that both are computed from`,
    );
  const fail = (why: string, remedy: string): never => {
    throw new ShapeError(
      `cropOffset: ${why} (${describe(a)}: ${formatCoordinateMap(mapA)}; ${describe(b)}: ${formatCoordinateMap(mapB)}): ${remedy}`,
    );
  };
  const along = (axis: 0 | 1): number => {
    const [p, q] = [mapA[axis], mapB[axis]];
    if (!isClose(p.stride, q.stride))
      fail(`the strides of the ${AXES[axis]} are ${p.stride} and ${q.stride}`, "bring both to one stride by upsampling");
    const exact = (q.offset - p.offset) / p.stride;
    const offset = Math.round(exact);
    if (!isClose(exact, offset))
      fail(
        `the offset of the ${AXES[axis]} is ${exact}`,
        "it must be an integer: change the upsampling kernel or a padding by one",
      );
    // Not -0.
    return offset + 0;
  };
  return { starts: [along(0), along(1)], fail };
}

function extentOf(tensor: Tensor, axis: number): number {
  return tensor.shape[tensor.shape.length - 2 + axis]!;
}

/**
 * a and b [N, C, H, W] cropped to the rows and columns that they share; themselves where they cover the same. Throws ShapeError where the strides
 * or places differ as in {@link cropOffset}, or they share nothing.
 */
export function cropTogether(a: Tensor, b: Tensor, input?: Tensor): readonly [a: Tensor, b: Tensor] {
  const { starts, fail } = placeOf(a, b, input);
  const ofA = starts.map((start) => Math.max(0, start));
  const ofB = starts.map((start) => Math.max(0, -start));
  const sizes = [0, 1].map((axis) => Math.min(extentOf(a, axis) - ofA[axis]!, extentOf(b, axis) - ofB[axis]!));
  sizes.forEach((size, axis) => {
    if (size < 1) fail(`they share no ${AXES[axis]!}`, "use more padding");
  });
  const cropped = (x: Tensor, begin: readonly number[]): Tensor =>
    sizes.every((size, axis) => size === extentOf(x, axis))
      ? x
      : slice(x, { starts: [0, 0, ...begin], sizes: [x.shape[0]!, x.shape[1]!, ...sizes] });
  return [cropped(a, ofA), cropped(b, ofB)];
}

/** a cropped to b's rows and columns where b lies in it; a itself where they cover the same. Throws ShapeError as {@link cropOffset}. */
export function cropLike(a: Tensor, b: Tensor, input?: Tensor): Tensor {
  const offset = cropOffset(a, b, input);
  const isWhole = [0, 1].every((axis) => extentOf(a, axis) === extentOf(b, axis));
  // With equal sizes the offset is 0: nothing else fits.
  return isWhole ? a : crop2d(a, b, { offset });
}

function isClose(a: number, b: number): boolean {
  return Math.abs(a - b) < 1e-6;
}

function describe(tensor: Tensor): string {
  return `${tensor.name || tensor.op} ${formatShape(tensor.shape)}`;
}

/** The one input with rows and columns that all of `tensors` have a map to. */
function onlyInput(tensors: readonly Tensor[]): Tensor {
  const candidates = topological(tensors).filter((node) => node.op === "input" && node.shape.length >= 3);
  const found = candidates.filter((candidate) => {
    const maps = mapsFrom(candidate, tensors);
    return tensors.every((tensor) => maps.has(tensor));
  });
  if (found.length !== 1) {
    const names = tensors.map(describe).join(" and ");
    throw new ShapeError(
      `coordinateMap: ${names} depend on ${found.length} images: ${found.length === 0 ? "there is nothing to map to" : "say which by the argument input"}`,
    );
  }
  return found[0]!;
}

/** Maps of everything between `input` and `tensors`; what does not depend on the input has none. */
function mapsFrom(input: Tensor, tensors: readonly Tensor[]): Map<Tensor, CoordinateMap> {
  const maps = new Map<Tensor, CoordinateMap>([[input, [IDENTITY, IDENTITY]]]);
  for (const node of topological(tensors)) {
    if (maps.has(node)) continue;
    const operands = node.inputs.map((x) => maps.get(x)).filter((map) => map !== undefined);
    const first = operands[0];
    if (first) maps.set(node, step(node, first, operands));
  }
  return maps;
}

/** The map of a node from those of its operands. */
function step(node: Tensor, x: CoordinateMap, operands: readonly CoordinateMap[]): CoordinateMap {
  switch (node.op) {
    case "conv2d": {
      const { stride, padding, dilation } = node.attrs as Conv2dAttrs;
      const kernel = node.inputs[1]!.shape;
      return both((axis) => windowed(x[axis], kernel[2 + axis]!, stride[axis], padding[axis], dilation[axis]));
    }
    case "maxPool2d":
    case "averagePool2d": {
      const { kernel, stride, padding, dilation } = node.attrs as PoolWindow;
      return both((axis) => windowed(x[axis], kernel[axis], stride[axis], padding[axis], dilation[axis]));
    }
    case "convTranspose2d": {
      const { stride, padding, dilation, crop } = node.attrs as ConvTranspose2dAttrs;
      const kernel = node.inputs[1]!.shape;
      return both((axis) =>
        moved(transposed(x[axis], kernel[2 + axis]!, stride[axis], padding[axis], dilation[axis]), crop?.offset[axis] ?? 0, 1),
      );
    }
    case "slice": {
      const { starts, steps } = node.attrs as SliceAttrs;
      return both((axis) => moved(x[axis], starts[starts.length - 2 + axis]!, steps[steps.length - 2 + axis]!));
    }
    case "pad": {
      const { begin } = node.attrs as PadAttrs;
      return both((axis) => moved(x[axis], -begin[begin.length - 2 + axis]!, 1));
    }
    default:
      if (!isPointwise(node))
        throw new ShapeError(`coordinateMap: ${describe(node)} has no coordinate map: take the map of a layer in front of it`);
      return both((axis) =>
        together(
          node,
          operands.map((operand) => operand[axis]),
        ),
      );
  }
}

/** Ops that leave every pixel where it is. */
const POINTWISE = new Set([
  "relu",
  "lrn",
  "dropout",
  "sum",
  "add",
  "subtract",
  "multiply",
  "divide",
  "maximum",
  "concat",
  "batchNorm",
  "softmax",
  "logSoftmax",
  "argMax",
  "imageToTensor",
]);

/** Whether every pixel of the node's value comes from the pixels at its own place. */
export function isPointwise({ op, shape, attrs }: Tensor): boolean {
  return POINTWISE.has(op) && !(op === "concat" && (attrs as ConcatAttrs).axis >= shape.length - 2);
}

function both(along: (axis: 0 | 1) => AxisMap): CoordinateMap {
  return [along(0), along(1)];
}

function windowed({ stride, offset, field: [first, last] }: AxisMap, kernel: number, s: number, p: number, d: number): AxisMap {
  const reach = (kernel - 1) * d;
  return {
    stride: stride * s,
    offset: offset + stride * (reach / 2 - p),
    field: [first - stride * p, last + stride * (reach - p)],
  };
}

/** Output o takes inputs i with 0 <= o + p - s i <= (K - 1) d: between (o + p - reach) / s and (o + p) / s. */
function transposed({ stride, offset, field: [first, last] }: AxisMap, kernel: number, s: number, p: number, d: number): AxisMap {
  const reach = (kernel - 1) * d;
  const finer = stride / s;
  return { stride: finer, offset: offset - finer * (reach / 2 - p), field: [first - finer * (reach - p), last + finer * p] };
}

function moved({ stride, offset, field: [first, last] }: AxisMap, start: number, by: number): AxisMap {
  const shift = stride * start;
  return { stride: stride * by, offset: offset + shift, field: [first + shift, last + shift] };
}

/** Operands of a sum: one stride and offset, and a receptive field that holds all of theirs. */
function together(node: Tensor, operands: readonly AxisMap[]): AxisMap {
  const { stride, offset } = operands[0]!;
  for (const other of operands) {
    if (!isClose(other.stride, stride) || !isClose(other.offset, offset)) {
      throw new ShapeError(
        `coordinateMap: the operands of ${describe(node)} are out of line: one lies at ${stride} i + ${offset}, another at ${other.stride} i + ${other.offset}: crop one with cropLike first`,
      );
    }
  }
  return { stride, offset, field: [Math.min(...operands.map((o) => o.field[0])), Math.max(...operands.map((o) => o.field[1]))] };
}
