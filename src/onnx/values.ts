/** What flows through an ONNX graph while it is imported: tensors of this engine's graph, and numbers that are known already. */
import { fill } from "../kernels/elementwise.js";
import { zeros } from "../tensor/init.js";
import { formatShape, numel, type Shape } from "../tensor/shape.js";
import { param, type Param, type Tensor } from "../tensor/tensor.js";
import { ELEMENT_TYPES } from "../weights/element-types.js";
import type { DecodedTensor } from "./decode.js";
import { OnnxError } from "./errors.js";

/** Known numbers: shapes, scalars and weights, row-major. */
export interface Constant {
  readonly kind: "constant";
  readonly name: string;
  readonly isFloat: boolean;
  readonly shape: Shape;
  readonly data: ArrayLike<number>;
}

/** Where a tensor is zero: what `divide` is exported with. */
export interface ZeroMask {
  readonly kind: "zero mask";
  readonly of: Tensor;
}

export interface Computed {
  readonly kind: "tensor";
  readonly tensor: Tensor;
}

export type Value = Constant | Computed | ZeroMask;

/** TensorProto.DataType by number, as safetensors calls it. */
const TYPES: ReadonlyMap<number, string> = new Map([
  [1, "F32"],
  [2, "U8"],
  [3, "I8"],
  [4, "U16"],
  [5, "I16"],
  [6, "I32"],
  [7, "I64"],
  [9, "BOOL"],
  [10, "F16"],
  [11, "F64"],
  [12, "U32"],
  [13, "U64"],
  [16, "BF16"],
]);
const FLOATS: ReadonlySet<string> = new Set(["F32", "F16", "F64", "BF16"]);

/** Whole numbers are kept in float64: sizes and "to the end" are beyond float32. */
export function constantOf(tensor: DecodedTensor, name = tensor.name): Constant {
  const fail = (why: string): never => {
    throw new OnnxError(`importOnnx: the tensor ${name} ${formatShape(tensor.dims)} ${why}`);
  };
  if (tensor.external) fail("has its values in another file: save the model in one file (save_as_external_data=False)");
  const dtype = TYPES.get(tensor.type);
  if (dtype === undefined) return fail(`has data type ${tensor.type}, which has no form here: convert it to float`);
  if (tensor.dims.some((d) => d < 0)) fail("has a negative extent: the file is damaged");
  const count = numel(tensor.dims);
  const { size, read } = ELEMENT_TYPES.get(dtype)!;
  const bytes = tensor.raw;
  if (bytes ? bytes.length !== size * count : tensor.numbers.length !== count)
    fail(`has ${bytes ? bytes.length / size : tensor.numbers.length} values: the file is damaged`);
  const isFloat = FLOATS.has(dtype);
  return { kind: "constant", name, isFloat, shape: tensor.dims, data: isFloat ? floats() : whole() };

  function floats(): Float32Array {
    if (!bytes) return Float32Array.from(tensor.numbers);
    const data = new Float32Array(count);
    // Copied where the type needs alignment.
    read(size === 4 && dtype === "F32" ? bytes : bytes.slice(), data);
    return data;
  }
  function whole(): ArrayLike<number> {
    if (!bytes) return tensor.numbers;
    const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    if (size === 8) return Array.from({ length: count }, (_, i) => Number(data.getBigInt64(8 * i, true)));
    const values = new Float32Array(count);
    if (size < 4) {
      read(bytes.slice(), values);
      return values;
    }
    return Array.from({ length: count }, (_, i) => (dtype === "U32" ? data.getUint32(4 * i, true) : data.getInt32(4 * i, true)));
  }
}

export function numbers(shape: Shape, data: ArrayLike<number>, isFloat = false, name = ""): Constant {
  return { kind: "constant", name, isFloat, shape, data };
}

export function computed(tensor: Tensor): Computed {
  return { kind: "tensor", tensor };
}

/** Makes parameters of the weights that a graph uses, one of a name. */
export class Parameters {
  readonly used = new Map<string, { readonly shape: Shape; readonly data: Float32Array }>();
  private readonly params = new Map<string, Param>();

  /** A weight that is learned, or a statistic that is not. */
  of(constant: Constant, isLearned = true): Tensor {
    const known = this.params.get(constant.name);
    if (known) return known;
    const made = param(constant.name, constant.shape, zeros(), isLearned ? {} : { lrMult: 0, decayMult: 0 });
    this.params.set(constant.name, made);
    this.used.set(constant.name, { shape: constant.shape, data: asFloats(constant.data) });
    return made;
  }

  /** A single number is no parameter: it is part of the formula. */
  tensorOf(constant: Constant): Tensor {
    if (numel(constant.shape) === 1) return fill(constant.shape.length === 0 ? [1] : constant.shape, constant.data[0]!);
    return this.of(constant);
  }
}

function asFloats(data: ArrayLike<number>): Float32Array {
  return data instanceof Float32Array ? data : Float32Array.from(data);
}
