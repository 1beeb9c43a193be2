/** One node of an ONNX file, as the operators of the import see it: its inputs as values, its attributes by name with their defaults. */
import { formatShape, numel, type Shape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import type { DecodedNode } from "./decode.js";
import { OnnxError } from "./errors.js";
import { constantOf, type Constant, type Parameters, type Value } from "./values.js";

export class ImportSite {
  constructor(
    readonly node: DecodedNode,
    readonly opset: number,
    readonly inputs: readonly (Value | null)[],
    readonly params: Parameters,
  ) {}

  /** Throws: something about this node has no form here. */
  refuse(why: string, remedy: string): never {
    throw new OnnxError(`importOnnx: ${describeNode(this.node, this.opset)}: ${why}: ${remedy}`);
  }

  has(index: number): boolean {
    return (this.inputs[index] ?? null) !== null;
  }

  /** An input as a tensor; weights become parameters. */
  tensor(index: number): Tensor {
    const value = this.inputs[index] ?? this.refuse(`it has no input ${index}`, "the file is damaged");
    if (value.kind === "tensor") return value.tensor;
    if (value.kind === "zero mask") return this.refuse("it takes truth values", "export outputs in front of it");
    if (!value.isFloat) this.refuse(`input ${index} is ${value.name || "a constant"}, whole numbers`, "cast it to float");
    return this.params.tensorOf(value);
  }

  tensorOrNull(index: number): Tensor | null {
    return this.has(index) ? this.tensor(index) : null;
  }

  /** A weight: a parameter also where it is a single number. */
  weight(index: number, isLearned = true): Tensor {
    const value = this.inputs[index];
    return value?.kind === "constant" ? this.params.of(value, isLearned) : this.tensor(index);
  }

  weightOrNull(index: number): Tensor | null {
    return this.has(index) ? this.weight(index) : null;
  }

  constant(index: number): Constant | null {
    const value = this.inputs[index] ?? null;
    return value?.kind === "constant" ? value : null;
  }

  /** The numbers of an input that must be known beforehand; null where it is absent. `what` names it in the message. */
  numbers(index: number, what: string): readonly number[] | null {
    const value = this.inputs[index] ?? null;
    if (value === null) return null;
    if (value.kind !== "constant")
      return this.refuse(
        `${what} depends on the values of the input`,
        "export it with constant shapes (dynamo=False, or simplify it)",
      );
    if (numel(value.shape) > 65536) this.refuse(`${what} has ${numel(value.shape)} numbers`, "the file is damaged");
    return Array.from(value.data);
  }

  shapeOf(index: number): Shape {
    const value = this.inputs[index] ?? this.refuse(`it has no input ${index}`, "the file is damaged");
    return value.kind === "constant" ? value.shape : value.kind === "tensor" ? value.tensor.shape : value.of.shape;
  }

  int(name: string, otherwise: number): number {
    return this.node.attributes.get(name)?.int ?? otherwise;
  }

  float(name: string, otherwise: number): number {
    return this.node.attributes.get(name)?.float ?? otherwise;
  }

  text(name: string, otherwise: string): string {
    return this.node.attributes.get(name)?.text ?? otherwise;
  }

  ints(name: string): readonly number[] | null {
    return this.node.attributes.get(name)?.ints ?? null;
  }

  floats(name: string): readonly number[] | null {
    return this.node.attributes.get(name)?.floats ?? null;
  }

  attributeTensor(name: string): Constant | null {
    const tensor = this.node.attributes.get(name)?.tensor;
    return tensor ? constantOf(tensor, this.node.outputs[0] ?? "") : null;
  }

  /** Rank 4, or a refusal: what slides here slides over images. */
  image(index: number): Tensor {
    const x = this.tensor(index);
    if (x.shape.length !== 4)
      this.refuse(`its input is ${formatShape(x.shape)}`, "only images [N, C, H, W] are convolved and pooled here");
    return x;
  }

  /** An axis from the front. */
  axis(value: number, rank: number): number {
    const axis = value < 0 ? value + rank : value;
    return axis >= 0 && axis < rank ? axis : this.refuse(`axis ${value} is outside rank ${rank}`, "the file is damaged");
  }
}

export function describeNode({ name, op, domain, outputs }: DecodedNode, opset: number): string {
  return `node ${name || outputs[0] || "without a name"} (${domain ? `${domain}.` : ""}${op}, opset ${opset})`;
}
