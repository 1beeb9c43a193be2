/**
 * The ops below the losses of loss.ts, one value a pixel: crossEntropy and its gradient, nll and its gradient, and the weights of the
 * labels that a mean divides by. x: [N, C, ...]; labels, losses, weights of labels: [N, ...]; class weights: [C], or absent.
 */
import { ShapeError } from "../tensor/errors.js";
import { logicalStrides, physicalSize } from "../tensor/layout.js";
import { formatShape, numel, sameShape, type Shape, type TensorSpec } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { apply, dispatch, grid, inputRef, type Dispatch, type Op, type Ref, type Variant } from "./op.js";
import { lanesOf, rowsOf } from "./rows.js";

export interface LabelAttrs {
  readonly ignoreIndex: number | null;
}

export interface CrossEntropyAttrs extends LabelAttrs {
  /** Caffe's floor of the probability at FLT_MIN: no loss above 87.3365. The gradient stays that of the loss without it. */
  readonly floorProbability: boolean;
}

/** With the number of classes, where no input tells it. */
export interface ClassAttrs extends LabelAttrs {
  readonly classes: number;
}

/** Inputs logits, labels, class weights?; output losses [N, ...]. */
export const crossEntropyOp: Op<CrossEntropyAttrs> = {
  name: "crossEntropy",
  infer: ([x, labels, weights]) => ({ shape: lossShape("crossEntropy", x!, labels!, weights), dtype: "f32" }),
  variants([x, , weights], output, { ignoreIndex, floorProbability }) {
    const view = pixelsOf("crossEntropy", x!.shape);
    return [
      {
        name: "direct",
        dispatches: [
          dispatch("cross-entropy.direct", {
            params: { ...view.params, ...lanesOf(output.shape), ignore_index: ignoreIndex ?? 0 },
            constants: { ...flags(ignoreIndex, weights), FLOOR_PROBABILITY: floorProbability },
            buffers: { logits: inputRef(0), labels: inputRef(1), weights: weightsRef(weights, 2), losses: "output" },
            workgroups: grid(view.pixels),
          }),
        ],
      },
    ];
  },
  // Comparison, subtraction, exponential, addition.
  flops: ([x]) => 4 * numel(x!.shape),
  grad(dy, [x, labels, weights], _y, { ignoreIndex }) {
    const dx = apply(crossEntropyGradOp, [dy, x!, labels!, ...optional(weights)], { ignoreIndex });
    return weights ? [dx, null, null] : [dx, null];
  },
};

/** Inputs dlosses, logits, labels, class weights?; output dlogits = (softmax - onehot) * weight * dloss, 0 at ignored pixels. */
export const crossEntropyGradOp: Op<LabelAttrs> = {
  name: "crossEntropyGrad",
  infer([dy, x, labels, weights]) {
    checkUpstream("crossEntropyGrad", dy!, lossShape("crossEntropyGrad", x!, labels!, weights));
    return { shape: x!.shape, dtype: "f32" };
  },
  variants([, x, , weights], _output, { ignoreIndex }) {
    const view = pixelsOf("crossEntropyGrad", x!.shape);
    return [
      {
        name: "direct",
        dispatches: [
          dispatch("cross-entropy-grad.direct", {
            params: { ...view.params, class_lanes: view.classLanes, ignore_index: ignoreIndex ?? 0 },
            constants: flags(ignoreIndex, weights),
            buffers: {
              dlosses: inputRef(0),
              logits: inputRef(1),
              labels: inputRef(2),
              weights: weightsRef(weights, 3),
              dlogits: "output",
            },
            workgroups: grid(view.pixels),
          }),
        ],
      },
    ];
  },
  flops: ([, x]) => 7 * numel(x!.shape),
  grad: () => {
    throw new Error("crossEntropyGrad has no gradient: second derivatives are not supported");
  },
};

/** Most classes whose logits a kernel holds in registers. */
const MOST_IN_REGISTERS = 32;

/**
 * crossEntropy and its gradient at once: inputs dlosses, logits, labels, class weights?; output losses, the second output dlogits. What
 * passes/pair.ts makes of the two where dlosses do not depend on the losses, which in training they do not.
 */
export const crossEntropyBothOp: Op<CrossEntropyAttrs> = {
  name: "crossEntropyBoth",
  infer([dy, x, labels, weights]) {
    const shape = lossShape("crossEntropyBoth", x!, labels!, weights);
    checkUpstream("crossEntropyBoth", dy!, shape);
    return { shape, dtype: "f32" };
  },
  second: ([, x]) => ({ shape: x!.shape, dtype: "f32" }),
  variants([dy, x, labels, weights], output, attrs, device) {
    const [forward] = crossEntropyOp.variants([x!, labels!, ...(weights ? [weights] : [])], output, attrs, device);
    const [backward] = crossEntropyGradOp.variants([dy!, x!, labels!, ...(weights ? [weights] : [])], x!, attrs, device);
    // The inputs of crossEntropy are these but the first; the output of its gradient is the second.
    const behind = (ref: Ref): Ref => (typeof ref === "object" && "input" in ref ? inputRef(ref.input + 1) : ref);
    const toSecond = (ref: Ref): Ref => (ref === "output" ? "second" : ref);
    const redirect = (d: Dispatch, to: (ref: Ref) => Ref): Dispatch => ({
      ...d,
      buffers: Object.fromEntries(Object.entries(d.buffers).map(([name, ref]) => [name, to(ref)])),
    });
    const direct: Variant = {
      name: "direct",
      dispatches: [
        ...forward!.dispatches.map((d) => redirect(d, behind)),
        ...backward!.dispatches.map((d) => redirect(d, toSecond)),
      ],
    };
    const classes = x!.shape[1]!;
    if (x!.shape.length !== 4 || classes > MOST_IN_REGISTERS) return [direct];
    const pixels = numel(output.shape);
    const registers = dispatch("cross-entropy-both.registers", {
      params: { pixels, classes, ignore_index: attrs.ignoreIndex ?? 0 },
      constants: {
        ...flags(attrs.ignoreIndex, weights),
        FLOOR_PROBABILITY: attrs.floorProbability,
        VEC4S: Math.ceil(classes / 4),
      },
      buffers: {
        dlosses: inputRef(0),
        logits: inputRef(1),
        labels: inputRef(2),
        weights: weightsRef(weights, 3),
        losses: "output",
        dlogits: "second",
      },
      workgroups: grid(pixels),
    });
    return [direct, { name: "registers", dispatches: [registers] }];
  },
  flops: ([, x]) => 8 * numel(x!.shape),
  grad: () => {
    throw new Error("crossEntropyBoth has no gradient: it is made after gradients are");
  },
};

/** Inputs x (log-probabilities), labels, class weights?; output losses [N, ...]. */
export const nllOp: Op<LabelAttrs> = {
  name: "nll",
  infer: ([x, labels, weights]) => ({ shape: lossShape("nllLoss", x!, labels!, weights), dtype: "f32" }),
  variants([x, , weights], output, { ignoreIndex }) {
    const view = pixelsOf("nllLoss", x!.shape);
    return [
      {
        name: "direct",
        dispatches: [
          dispatch("nll.direct", {
            params: { ...view.params, ...lanesOf(output.shape), ignore_index: ignoreIndex ?? 0 },
            constants: flags(ignoreIndex, weights),
            buffers: { x: inputRef(0), labels: inputRef(1), weights: weightsRef(weights, 2), losses: "output" },
            workgroups: grid(view.pixels),
          }),
        ],
      },
    ];
  },
  flops: (_inputs, output) => numel(output.shape),
  grad(dy, [x, labels, weights], _y, { ignoreIndex }) {
    const dx = apply(nllGradOp, [dy, labels!, ...optional(weights)], { ignoreIndex, classes: x!.shape[1]! });
    return weights ? [dx, null, null] : [dx, null];
  },
};

/** Inputs dlosses, labels, class weights?; output dx [N, classes, ...] = -weight * dloss at the label, else 0. */
export const nllGradOp: Op<ClassAttrs> = {
  name: "nllGrad",
  infer([dy, labels, weights], { classes }) {
    const [n, ...rest] = labels!.shape;
    const x: TensorSpec = { shape: [n!, classes, ...rest], dtype: "f32" };
    checkUpstream("nllGrad", dy!, lossShape("nllGrad", x, labels!, weights));
    return x;
  },
  variants([, , weights], output, { ignoreIndex }) {
    const view = pixelsOf("nllGrad", output.shape);
    return [
      {
        name: "direct",
        dispatches: [
          dispatch("nll-grad.direct", {
            params: { ...view.params, class_lanes: view.classLanes, ignore_index: ignoreIndex ?? 0 },
            constants: flags(ignoreIndex, weights),
            buffers: { dlosses: inputRef(0), labels: inputRef(1), weights: weightsRef(weights, 2), dx: "output" },
            workgroups: grid(view.pixels),
          }),
        ],
      },
    ];
  },
  flops: ([dy]) => numel(dy!.shape),
  // Linear in dlosses, and the adjoint of nll.
  grad(ddx, [, labels, weights], _dx, { ignoreIndex }) {
    const toLosses = apply(nllOp, [ddx, labels!, ...optional(weights)], { ignoreIndex });
    return weights ? [toLosses, null, null] : [toLosses, null];
  },
};

/** Inputs labels, class weights?; output f32 of the labels' shape: the weight of each label's class, or 1; 0 where it is ignored. */
export const labelWeightsOp: Op<ClassAttrs> = {
  name: "labelWeights",
  infer([labels, weights], { classes }) {
    checkLabelsSpec("labelWeights", labels!);
    checkWeights("labelWeights", weights, classes);
    return { shape: labels!.shape, dtype: "f32" };
  },
  variants([, weights], output, { ignoreIndex, classes }) {
    const count = physicalSize(output.shape);
    return [
      {
        name: "direct",
        dispatches: [
          dispatch("label-weights.direct", {
            params: { count, classes, ...lanesOf(output.shape), ignore_index: ignoreIndex ?? 0 },
            constants: flags(ignoreIndex, weights),
            buffers: { labels: inputRef(0), weights: weightsRef(weights, 1), y: "output" },
            workgroups: grid(count),
          }),
        ],
      },
    ];
  },
  flops: () => 0,
  grad: (_dy, inputs) => inputs.map(() => null),
};

// ── Checks: what fits together, in the words of the caller. ─────────────────────────────────────────────────────────────────────

/** Shape of the losses of x [N, C, ...]: [N, ...]. Throws ShapeError where labels or weights do not fit. */
function lossShape(op: string, x: TensorSpec, labels: TensorSpec, weights: TensorSpec | undefined): Shape {
  const { shape, dtype } = x;
  if (dtype !== "f32") throw new ShapeError(`${op}: x is ${dtype} ${formatShape(shape)}: it must be f32`);
  if (shape.length < 2)
    throw new ShapeError(`${op}: x is ${formatShape(shape)}: it needs a batch axis and a class axis, [N, C, ...]`);
  checkLabelsSpec(op, labels);
  const want = [shape[0]!, ...shape.slice(2)];
  if (!sameShape(labels.shape, want)) {
    throw new ShapeError(
      `${op}: labels are ${formatShape(labels.shape)} but x ${formatShape(shape)} expects ${formatShape(want)}: one label for each pixel`,
    );
  }
  checkWeights(op, weights, shape[1]!);
  return want;
}

function checkLabelsSpec(op: string, labels: TensorSpec): void {
  if (labels.dtype !== "i32")
    throw new ShapeError(`${op}: labels are ${labels.dtype} ${formatShape(labels.shape)}: make them i32, input(shape, "i32")`);
  if (labels.shape.length === 0) throw new ShapeError(`${op}: labels are a scalar: they need a batch axis, [N, ...]`);
}

function checkWeights(op: string, weights: TensorSpec | undefined, classes: number): void {
  if (weights && (weights.dtype !== "f32" || !sameShape(weights.shape, [classes]))) {
    throw new ShapeError(
      `${op}: classWeights are ${weights.dtype} ${formatShape(weights.shape)} but there are ${classes} classes: use f32 [${classes}]`,
    );
  }
}

function checkUpstream(op: string, dy: TensorSpec, want: Shape): void {
  if (!sameShape(dy.shape, want))
    throw new ShapeError(
      `${op}: dlosses are ${formatShape(dy.shape)} but the losses are ${formatShape(want)}: they must be equal`,
    );
}

// ── Dispatches: one invocation per pixel. ───────────────────────────────────────────────────────────────────────────────────────

function pixelsOf(op: string, shape: Shape) {
  const [n, classes, ...rest] = shape as [number, number, ...number[]];
  const { rows, row_dims, row_strides, value_strides } = rowsOf(op, shape, [1], [n, ...rest]);
  const class_stride = logicalStrides(shape)[1]!;
  const classLanes = shape.length === 4 ? lanesOf(shape).lanes : classes;
  return { params: { rows, row_dims, row_strides, value_strides, classes, class_stride }, pixels: rows, classLanes };
}

function flags(ignoreIndex: number | null, weights: TensorSpec | undefined): { HAS_IGNORE: boolean; HAS_WEIGHTS: boolean } {
  return { HAS_IGNORE: ignoreIndex !== null, HAS_WEIGHTS: weights !== undefined };
}

function weightsRef(weights: TensorSpec | undefined, index: number): Ref {
  return weights ? inputRef(index) : "absent";
}

function optional(tensor: Tensor | undefined): Tensor[] {
  return tensor ? [tensor] : [];
}
