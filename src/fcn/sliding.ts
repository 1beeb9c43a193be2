/**
 * How each op of a classifier slides over a larger image: the walk behind `convolutionalize`. Every value of the net that depends on the image
 * stays a map [N, C, h, w] throughout, also where the classifier has flattened it; what the classifier's shape says about it is kept beside it.
 */
import { averagePool2d } from "../kernels/average-pool.js";
import { conv2d } from "../kernels/conv2d.js";
import { scale } from "../kernels/elementwise.js";
import type { MatmulAttrs } from "../kernels/matmul.js";
import { apply } from "../kernels/op.js";
import { opOf } from "../kernels/ops.js";
import type { ReduceSumAttrs } from "../kernels/reduce.js";
import { reshape, type TransposeAttrs } from "../kernels/reshape.js";
import type { PoolWindow } from "../kernels/window.js";
import { ShapeError } from "../tensor/errors.js";
import { formatShape, numel, sameShape, type Shape } from "../tensor/shape.js";
import { isParam, named, topological, type Param, type Tensor } from "../tensor/tensor.js";
import { convolutionalWeight, type FlattenOrder } from "./convolutional-weight.js";

export type GlobalPool = "drop" | "slide";

/** A fully connected weight that became a kernel. */
export interface Conversion {
  readonly source: Param;
  readonly to: Shape;
  /** The kernel's values from those of the source, flattened in `order` (default: as the net does). */
  convert(data: Float32Array, order?: FlattenOrder): Float32Array;
}

/** A value of the classifier, as a map over the larger image. */
interface Slid {
  readonly tensor: Tensor;
  /** How the classifier's own value, of the extents `map`, lies: as a map, with channels last, or flattened from either. */
  readonly form: "map" | "channels-last" | FlattenOrder;
  /** Channels, rows and columns in the classifier. */
  readonly map: readonly [c: number, h: number, w: number];
  /** A sum over the plane, of these extents in the classifier, that is not taken yet: a mean may be wanted. */
  readonly summed?: readonly [h: number, w: number];
}

/** `node`, with the layer's name where there is one. */
export function describeNode({ name, op, shape }: Tensor): string {
  return `${name === "" ? op : `${op} ${name}`} ${formatShape(shape)}`;
}

/** `output` of a net on `image`, computed from `replacement`, a larger image. Throws ShapeError naming the node that cannot slide. */
export function slide(
  output: Tensor,
  image: Tensor,
  replacement: Tensor,
  globalPool: GlobalPool,
): { readonly output: Tensor; readonly conversions: readonly Conversion[] } {
  const walk = new Walk(globalPool);
  walk.values.set(image, { tensor: replacement, form: "map", map: image.shape.slice(1) as [number, number, number] });
  for (const node of topological([output])) {
    if (node === image || !node.inputs.some((x) => walk.values.has(x))) continue;
    const value = walk.step(node);
    const { tensor } = value;
    walk.values.set(node, { ...value, tensor: node.name === "" || tensor.name !== "" ? tensor : named(tensor, node.name) });
  }
  const end = walk.values.get(output);
  if (!end)
    throw new ShapeError(`convolutionalize: ${describeNode(output)} does not depend on the image: there is nothing to slide`);
  return { output: walk.settled(end).tensor, conversions: [...walk.conversions.values()] };
}

/** Ops of one value that treat every place alike, whatever the form. */
const POINTWISE = new Set(["relu", "dropout"]);
/** Ops that take maps and whose attributes hold for every size. */
const SPATIAL = new Set(["conv2d", "convTranspose2d", "maxPool2d", "lrn", "imageToTensor"]);
const BINARY = new Set(["add", "subtract", "multiply", "divide", "maximum"]);
/** Ops along the channels, which are axis 1 of maps and of vectors. */
const OVER_CHANNELS = new Set(["softmax", "logSoftmax", "batchNorm", "concat"]);

class Walk {
  /** By the classifier's node. */
  readonly values = new Map<Tensor, Slid>();
  /** By the fully connected weight. */
  readonly conversions = new Map<Param, Conversion>();
  readonly #kernels = new Map<Param, Param>();
  /** Fully connected layers whose bias may follow as a sum. */
  readonly #withoutBias = new Set<Tensor>();
  readonly #globalPool: GlobalPool;

  constructor(globalPool: GlobalPool) {
    this.#globalPool = globalPool;
  }

  step(node: Tensor): Slid {
    if (node.op === "sum") return this.#sum(node);
    const inputs = node.inputs.map((x) => (this.values.has(x) ? this.settled(this.values.get(x)!) : undefined));
    const x = inputs[0];
    const again = (...tensors: readonly Tensor[]): Tensor => apply(opOf(node.op), tensors, node.attrs);
    const rest = node.inputs.slice(1);
    if (POINTWISE.has(node.op) && x) return { ...x, tensor: again(x.tensor, ...rest) };
    if (BINARY.has(node.op)) return this.#binary(node, inputs);
    if (node.op === "reshape" && x) return this.#reshape(node, x);
    if (node.op === "transpose" && x) return this.#transpose(node, x);
    if (node.op === "matmul") return this.#fullyConnected(node, inputs);
    if (OVER_CHANNELS.has(node.op)) return this.#overChannels(node, inputs);
    if (!x || inputs.slice(1).some((other) => other !== undefined))
      fail(node, "it combines values of the image in a way that cannot slide");
    if (x.form !== "map") fail(node, `it takes ${describeNode(node.inputs[0]!)}, which is no map [N, C, H, W]`);
    if (node.op === "averagePool2d") return this.#averagePool(node, x);
    if (node.op === "reduceSum") return this.#planeSum(node, x);
    if (!SPATIAL.has(node.op)) fail(node, "its result depends on the size of the image or mixes places");
    return { tensor: again(x.tensor, ...rest), form: "map", map: mapOf(node) };
  }

  /** The value itself, where a sum over the plane was left open. */
  settled(value: Slid): Slid {
    return value.summed === undefined ? value : this.#mean(value, 1);
  }

  /** factor times the open sum: the mean over a sliding window, or at each place alone. */
  #mean({ tensor, form, map, summed }: Slid, factor: number): Slid {
    const [h, w] = summed!;
    const pooled = this.#globalPool === "drop" ? tensor : averagePool2d(tensor, { kernel: [h, w], stride: 1 });
    const isMean = Math.abs(factor * h * w - 1) < 1e-6;
    return { tensor: isMean ? pooled : scale(pooled, factor * h * w), form, map };
  }

  #planeSum(node: Tensor, { tensor, map: [c, h, w] }: Slid): Slid {
    const { axes } = node.attrs as ReduceSumAttrs;
    if (!sameShape(axes, [2, 3])) fail(node, `it sums over axes ${formatShape(axes)}: only the whole plane, [2, 3], can slide`);
    return { tensor, form: node.shape.length === 4 ? "map" : "channel-first", map: [c, 1, 1], summed: [h, w] };
  }

  #averagePool(node: Tensor, { tensor, map: [c, h, w] }: Slid): Slid {
    const { kernel, padding } = node.attrs as PoolWindow;
    const isGlobal = kernel[0] === h && kernel[1] === w && padding.every((p) => p === 0);
    if (!isGlobal) return { tensor: apply(opOf(node.op), [tensor], node.attrs), form: "map", map: mapOf(node) };
    const pooled = this.#globalPool === "drop" ? tensor : averagePool2d(tensor, { kernel, stride: 1 });
    return { tensor: pooled, form: "map", map: [c, 1, 1] };
  }

  #sum(node: Tensor): Slid {
    const { coefficients } = node.attrs as { readonly coefficients: readonly number[] };
    const first = this.values.get(node.inputs[0]!);
    if (node.inputs.length === 1 && first?.summed !== undefined) return this.#mean(first, coefficients[0]!);
    const inputs = node.inputs.map((x) => this.values.get(x) && this.settled(this.values.get(x)!));
    const alike = this.#alike(node, inputs);
    return {
      ...alike,
      tensor: apply(
        opOf("sum"),
        inputs.map((x) => x!.tensor),
        node.attrs,
      ),
    };
  }

  /** The operands, all of the image and of one form. */
  #alike(node: Tensor, inputs: readonly (Slid | undefined)[]): Slid {
    const first = inputs.find((x) => x !== undefined)!;
    if (inputs.some((x) => x === undefined)) fail(node, "it adds a constant of the size of a map");
    if (inputs.some((x) => x!.form !== first.form)) fail(node, "its operands are flattened in different orders");
    return first;
  }

  #binary(node: Tensor, inputs: readonly (Slid | undefined)[]): Slid {
    const [a, b] = inputs;
    if (a && b) {
      this.#alike(node, inputs);
      return { ...a, map: mapLike(node, a), tensor: apply(opOf(node.op), [a.tensor, b.tensor], node.attrs) };
    }
    const value = (a ?? b)!;
    const constant = node.inputs[a ? 1 : 0]!;
    if (node.op === "add" && this.#withoutBias.has(value.tensor) && sameShape(constant.shape, [value.map[0]])) {
      const [x, weight] = value.tensor.inputs as [Tensor, Tensor];
      return { ...value, tensor: conv2d(x, weight, constant) };
    }
    const spread = this.#overPlaces(node, value, constant);
    return { ...value, tensor: apply(opOf(node.op), a ? [value.tensor, spread] : [spread, value.tensor], node.attrs) };
  }

  /** A constant that is broadcast to the classifier's value, so that it is broadcast to the map. */
  #overPlaces(node: Tensor, { form, map: [c, h, w] }: Slid, constant: Tensor): Tensor {
    const elements = numel(constant.shape);
    if (elements === 1) return reshape(constant, []);
    if (form === "map" && constant.shape.slice(-2).every((d) => d === 1) && elements === c) return reshape(constant, [c, 1, 1]);
    if (form !== "map" && form !== "channels-last" && h * w === 1 && elements === c) return reshape(constant, [c, 1, 1]);
    return fail(node, `its operand ${describeNode(constant)} differs from place to place`);
  }

  #overChannels(node: Tensor, inputs: readonly (Slid | undefined)[]): Slid {
    const x = inputs[0];
    const operands = node.op === "concat" ? inputs : inputs.slice(0, 1);
    const attrs = node.attrs as { readonly axis?: number; readonly axes?: readonly number[] };
    const axes = attrs.axes ?? [attrs.axis ?? 1];
    if (!sameShape(axes, [1])) fail(node, `it runs over axes ${formatShape(axes)}: only channels, axis 1, can slide`);
    const isChannels = ({ form, map: [, h, w] }: Slid): boolean => form === "map" || (form !== "channels-last" && h * w === 1);
    if (operands.some((operand) => !operand || !isChannels(operand))) fail(node, "its axis 1 holds more than channels");
    const rest = node.op === "concat" ? [] : node.inputs.slice(1);
    const tensor = apply(opOf(node.op), [...operands.map((operand) => operand!.tensor), ...rest], node.attrs);
    return { ...x!, tensor, map: [node.shape[1]!, x!.map[1], x!.map[2]] };
  }

  #reshape(node: Tensor, value: Slid): Slid {
    const { form, map } = value;
    const [c, h, w] = map;
    const [, ...rest] = node.shape;
    if (node.shape[0] === node.inputs[0]!.shape[0]) {
      const isPlain = form === "map" || form === "channel-first" || h * w === 1;
      if (isPlain && sameShape(rest, [c * h * w])) return { ...value, form: "channel-first" };
      if (isPlain && sameShape(rest, [c, h, w])) return { ...value, form: "map" };
      if (form === "channels-last" && sameShape(rest, [h * w * c])) return { ...value, form: "channel-last" };
      if (form === "channel-last" && sameShape(rest, [h, w, c])) return { ...value, form: "channels-last" };
    }
    return fail(node, `${describeNode(node.inputs[0]!)} is neither flattened by it nor unflattened`);
  }

  #transpose(node: Tensor, value: Slid): Slid {
    const { permutation } = node.attrs as TransposeAttrs;
    if (value.form === "map" && sameShape(permutation, [0, 2, 3, 1])) return { ...value, form: "channels-last" };
    if (value.form === "channels-last" && sameShape(permutation, [0, 3, 1, 2])) return { ...value, form: "map" };
    return fail(node, `it permutes axes by ${formatShape(permutation)}: only channels to the back or to the front can slide`);
  }

  /** A fully connected layer: the convolution whose kernel covers the map (paper section 3.1). */
  #fullyConnected(node: Tensor, inputs: readonly (Slid | undefined)[]): Slid {
    const [x] = inputs;
    const [, weight, bias] = node.inputs;
    const { alpha, beta, transA, transB } = node.attrs as MatmulAttrs;
    if (!x || inputs.slice(1).some((other) => other !== undefined)) return fail(node, "the image is no left operand of it alone");
    if (x.form === "map" || x.form === "channels-last") return fail(node, "it takes a map that is not flattened");
    if (!isParam(weight!) || weight.shape.length !== 2)
      return fail(node, `its weight, ${describeNode(weight!)}, is no parameter of rank 2`);
    if (transA || alpha !== 1 || (bias && beta !== 1))
      return fail(
        node,
        `it is scaled or transposed (alpha ${alpha}, beta ${beta}, transA ${transA}): fold that into its weights`,
      );
    const outputs = weight.shape[transB ? 0 : 1]!;
    if (bias && !(isParam(bias) && numel(bias.shape) === outputs))
      return fail(node, `its bias, ${describeNode(bias)}, is no parameter of ${outputs} values`);
    const kernel = this.#kernel(node, weight, x, transB);
    const convolution = conv2d(x.tensor, kernel, bias ? reshape1(bias, outputs) : null);
    if (!bias) this.#withoutBias.add(convolution);
    return { tensor: convolution, form: "channel-first", map: [outputs, 1, 1] };
  }

  #kernel(node: Tensor, source: Param, { form, map }: Slid, transB: boolean): Param {
    const outputs = source.shape[transB ? 0 : 1]!;
    const to = [outputs, ...map];
    const before = this.#kernels.get(source);
    if (before)
      return sameShape(before.shape, to) ? before : fail(node, `its weight ${source.name} is used on a map of other extents too`);
    const own = form as FlattenOrder;
    const convert = (data: Float32Array, order: FlattenOrder = own): Float32Array => {
      const rows = transB ? data : transposed(data, source.shape as readonly [number, number]);
      return convolutionalWeight({ shape: [outputs, numel(map)], data: rows }, map, order).data;
    };
    // The same start as the classifier's, number by number.
    const kernel: Param = { ...source, shape: to, init: (_shape, random) => convert(source.init(source.shape, random)) };
    this.#kernels.set(source, kernel);
    this.conversions.set(source, { source, to, convert });
    return kernel;
  }
}

function reshape1(bias: Tensor, outputs: number): Tensor {
  return bias.shape.length === 1 ? bias : reshape(bias, [outputs]);
}

function mapOf({ shape }: Tensor): [c: number, h: number, w: number] {
  return shape.slice(1) as [number, number, number];
}

/** Extents of an elementwise result of two values: the classifier's shape where it is a map. */
function mapLike(node: Tensor, { form, map }: Slid): readonly [c: number, h: number, w: number] {
  return form === "map" ? mapOf(node) : map;
}

/** [K, O] -> [O, K] */
function transposed(data: Float32Array, [rows, columns]: readonly [number, number]): Float32Array {
  return data.map((_, i) => data[(i % rows) * columns + Math.floor(i / rows)]!);
}

function fail(node: Tensor, why: string): never {
  throw new ShapeError(
    `convolutionalize: ${describeNode(node)} cannot slide over an image: ${why}: leave it out of the net, or write it with convolutions and pooling`,
  );
}
