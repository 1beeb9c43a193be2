/**
 * Symbolic tensors: the nodes of a graph. A tensor says which op makes it from which tensors; it holds no data and no GPU object.
 * Identity (`===`) is what tells two tensors apart.
 */
import { ShapeError } from "./errors.js";
import { checkShape, type DType, type Shape, type TensorSpec } from "./shape.js";

export interface Tensor extends TensorSpec {
  /** Where the value is read from or how the node is called in plans, profiles and errors. Empty until a name is known. */
  readonly name: string;
  /** The op that makes it: a key of the op table, or one of the leaves `input`, `param`, `rng`. */
  readonly op: string;
  readonly inputs: readonly Tensor[];
  readonly attrs: object;
}

/** Fills a new parameter: `random()` is uniform in [0, 1), seeded by the program's seed and the parameter's name. */
export type Init = (shape: Shape, random: () => number) => Float32Array;

/** A learnable leaf. `lrMult` and `decayMult` scale the optimiser's learning rate and weight decay (Caffe's lr_mult, decay_mult). */
export interface Param extends Tensor {
  readonly init: Init;
  readonly lrMult: number;
  readonly decayMult: number;
  /**
   * Layers that weights for the parameter's net may hold though the net does without them: the classifier's last in a net that scores pixels. A `*` at the end
   * stands for anything. Surgery drops these; any other layer that finds no place is an error.
   */
  readonly leavesOut?: readonly string[];
}

/** A graph input of a fixed shape, f32 unless told. Named by the key it has in `graph(inputs, ...)`. */
export function input(shape: Shape, dtype: DType = "f32"): Tensor {
  checkShape("input", shape);
  if (dtype === "f16")
    throw new ShapeError('input: inputs are f32, i32 or u32: to store what lies between as f16, compile with precision "f16"');
  return { shape: [...shape], dtype, name: "", op: "input", inputs: [], attrs: {} };
}

/** A learnable f32 tensor, known to `load`, `save` and checkpoints by its name, which is unique in a graph. */
export function param(
  name: string,
  shape: Shape,
  init: Init,
  options: { lrMult?: number; decayMult?: number; leavesOut?: readonly string[] } = {},
): Param {
  if (name === "") throw new ShapeError("param: the name is empty: weights are loaded and saved by name");
  checkShape(`param ${name}`, shape);
  const { lrMult = 1, decayMult = 1, leavesOut } = options;
  const leaf = { shape: [...shape], dtype: "f32", name, op: "param", inputs: [], attrs: {}, init, lrMult, decayMult } as const;
  return leavesOut ? { ...leaf, leavesOut } : leaf;
}

/** The layer that a parameter belongs to: "conv1_1.weight" -> "conv1_1". */
export function layerOf(parameterName: string): string {
  return parameterName.replace(/\.[^.]*$/, "");
}

export function isParam(tensor: Tensor): tensor is Param {
  return tensor.op === "param";
}

/**
 * The state of the random generator, u32 [2]: [seed, step]. Ops that draw numbers (dropout) take it as an input, so that a graph
 * stays a pure function and a resumed run draws the same numbers. The runtime supplies it.
 */
export function rngState(): Tensor {
  return { shape: [2], dtype: "u32", name: "rng", op: "rng", inputs: [], attrs: {} };
}

/**
 * The gradient that arrives at a loss of this shape, one element, in mixed precision: the factor that keeps small gradients from vanishing in
 * f16 (kernels/loss-scale.ts). The runtime supplies it.
 */
export function lossScaleOf(shape: Shape): Tensor {
  return { shape, dtype: "f32", name: "loss scale", op: "lossScale", inputs: [], attrs: {} };
}

const LEAVES = new Set(["input", "param", "rng", "lossScale"]);

/** Whether a tensor is given rather than computed. */
export function isLeaf({ op }: Pick<Tensor, "op">): boolean {
  return LEAVES.has(op);
}

/** The same node under another name. */
export function named<T extends Tensor>(tensor: T, name: string): T {
  return { ...tensor, name };
}

/** Every tensor that `outputs` depend on, each after all its inputs. */
export function topological(outputs: readonly Tensor[]): Tensor[] {
  const order: Tensor[] = [];
  const state = new Map<Tensor, "open" | "done">();
  // An explicit stack: graphs of thousands of nodes must not overflow the call stack.
  const stack: Tensor[] = [...outputs].reverse();
  while (stack.length > 0) {
    const tensor = stack[stack.length - 1]!;
    const seen = state.get(tensor);
    if (seen === undefined) {
      state.set(tensor, "open");
      for (let i = tensor.inputs.length - 1; i >= 0; i--) {
        if (!state.has(tensor.inputs[i]!)) stack.push(tensor.inputs[i]!);
      }
    } else {
      stack.pop();
      if (seen === "open") {
        state.set(tensor, "done");
        order.push(tensor);
      }
    }
  }
  return order;
}
