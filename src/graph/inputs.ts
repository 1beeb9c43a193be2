/** What a caller hands to run() and train(), checked before the GPU sees it. */
import { checkLabels } from "../kernels/loss.js";
import { InputError } from "../tensor/errors.js";
import { formatShape, numel, sameShape, type Shape } from "../tensor/shape.js";
import { topological, type Tensor } from "../tensor/tensor.js";
import type { TypedArray } from "../tensor/weights.js";
import { isImageSource, rgbaOf, type ImageSource } from "./image-source.js";

/** Values of one input: row-major, of the input's length; or with a shape of their own, for another image or batch size. */
export type Data = TypedArray | ImageSource | { readonly data: TypedArray; readonly shape: Shape };

/** A value for every input of a graph. */
export type Inputs<I> = { readonly [N in keyof I]: Data };
/** Values for some of them. */
export type SomeInputs<I> = { readonly [N in keyof I]?: Data };

export interface CheckedInput {
  readonly shape: Shape;
  readonly data: Float32Array | Int32Array | Uint32Array;
}

/** Labels that some op of the graph will look up: their values must be below `classes` or equal to `ignoreIndex`. */
export interface LabelRule {
  readonly classes: number;
  readonly ignoreIndex: number | null;
}

/** Throws InputError naming the input, what was given and what is expected. */
export function checkInput(name: string, tensor: Tensor, given: Data | undefined, rule: LabelRule | undefined): CheckedInput {
  if (given === undefined) throw new InputError(`input ${name} ${formatShape(tensor.shape)} is missing`);
  if (isImageSource(given)) return imageInput(name, tensor, given);
  const shaped = ArrayBuffer.isView(given) ? { data: given, shape: tensor.shape } : given;
  const { data, shape } = shaped;
  if (!ArrayBuffer.isView(data) || !Array.isArray(shape))
    throw new InputError(`input ${name}: expected a typed array, an image, or { data, shape }`);
  if (shape.length !== tensor.shape.length) {
    throw new InputError(
      `input ${name}: shape ${formatShape(shape)} has rank ${shape.length} but the graph's ${formatShape(tensor.shape)} has ${tensor.shape.length}`,
    );
  }
  if (data.length !== numel(shape)) {
    const hint = sameShape(shape, tensor.shape) ? "; for another size pass { data, shape }" : "";
    throw new InputError(
      `input ${name}: ${data.length} values were given but ${formatShape(shape)} takes ${numel(shape)}${hint}`,
    );
  }
  const converted = convert(name, tensor, data);
  if (rule) checkLabels(`input ${name}`, converted, rule.classes, rule.ignoreIndex);
  return { shape, data: converted };
}

function convert(name: string, tensor: Tensor, data: TypedArray): CheckedInput["data"] {
  if (tensor.dtype === "f32" && data instanceof Float32Array) return data;
  if (tensor.dtype === "f32" && data instanceof Uint8Array) return Float32Array.from(data);
  if (tensor.dtype === "i32" && (data instanceof Int32Array || data instanceof Uint8Array))
    return data instanceof Int32Array ? data : Int32Array.from(data);
  if (tensor.dtype === "u32" && (data instanceof Uint32Array || data instanceof Uint8Array))
    return data instanceof Uint32Array ? data : Uint32Array.from(data);
  const wanted = {
    f32: "a Float32Array or Uint8Array",
    i32: "an Int32Array or Uint8Array",
    u32: "a Uint32Array or Uint8Array",
    f16: "f16 data",
  }[tensor.dtype];
  throw new InputError(`input ${name} is ${tensor.dtype} but a ${data.constructor.name} was given: pass ${wanted}`);
}

function imageInput(name: string, tensor: Tensor, source: ImageSource): CheckedInput {
  const image = rgbaOf(source, `input ${name}`);
  const pixels = image.width * image.height;
  if (tensor.dtype === "u32" && tensor.shape.length === 3) {
    return {
      shape: [1, image.height, image.width],
      data: new Uint32Array(image.data.buffer.slice(image.data.byteOffset, image.data.byteOffset + 4 * pixels)),
    };
  }
  if (tensor.dtype === "f32" && tensor.shape.length === 4 && tensor.shape[1] === 3) {
    const data = new Float32Array(3 * pixels);
    for (let p = 0; p < pixels; p++) for (let c = 0; c < 3; c++) data[c * pixels + p] = image.data[4 * p + c]!;
    return { shape: [1, 3, image.height, image.width], data };
  }
  throw new InputError(
    `input ${name} is ${tensor.dtype} ${formatShape(tensor.shape)}: an image goes into u32 [1, H, W] (with imageToTensor) or f32 [1, 3, H, W]`,
  );
}

const LABEL_OPS = new Set(["crossEntropy", "nll"]);

/** Which inputs are labels, by the ops that look them up. */
export function labelRules(outputs: readonly Tensor[]): ReadonlyMap<Tensor, LabelRule> {
  const rules = new Map<Tensor, LabelRule>();
  for (const node of topological(outputs)) {
    if (!LABEL_OPS.has(node.op)) continue;
    const [scores, labels] = node.inputs;
    const { ignoreIndex } = node.attrs as { ignoreIndex?: number | null };
    if (labels?.op === "input") rules.set(labels, { classes: scores!.shape[1]!, ignoreIndex: ignoreIndex ?? null });
  }
  return rules;
}
