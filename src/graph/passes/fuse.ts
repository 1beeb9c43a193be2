/**
 * Work that fits into the epilogue of the kernel that makes its input: ReLU, sums and crops into a convolution, the ReLU mask into a
 * data gradient, log-softmax into the loss. Each rule is one function; each saves a pass over memory. Values do not change beyond rounding.
 */
import { effectiveKernel, type ConvEpilogue } from "../../kernels/conv-geometry.js";
import type { Conv2dAttrs } from "../../kernels/conv2d.js";
import type { ConvTranspose2dAttrs } from "../../kernels/conv-transpose2d.js";
import { apply } from "../../kernels/op.js";
import { opOf } from "../../kernels/ops.js";
import { crossEntropyOp, type LabelAttrs } from "../../kernels/pixel-loss.js";
import { reluGradOp } from "../../kernels/relu.js";
import type { SliceAttrs } from "../../kernels/slice.js";
import type { SoftmaxAttrs } from "../../kernels/softmax.js";
import { sameShape } from "../../tensor/shape.js";
import { topological, type Tensor } from "../../tensor/tensor.js";
import { rewrite } from "./rewrite.js";

/** `node` has its rewritten inputs; `only(i)`: input i is used by nothing else; `only(i, j)`: nor is input j of input i. Returns the fused node, or null where the rule does not apply. */
type Rule = (node: Tensor, only: (input: number, inputOfThat?: number) => boolean) => Tensor | null;

export function fuse(outputs: readonly Tensor[]): readonly Tensor[] {
  const users = new Map<Tensor, number>();
  for (const node of topological(outputs)) for (const t of node.inputs) users.set(t, (users.get(t) ?? 0) + 1);
  for (const t of outputs) users.set(t, (users.get(t) ?? 0) + 1);
  return rewrite(outputs, (node, before) => {
    const only = (i: number, j?: number): boolean =>
      users.get(before.inputs[i]!) === 1 && (j === undefined || users.get(before.inputs[i]!.inputs[j]!) === 1);
    for (const rule of RULES) {
      const fused = rule(node, only);
      if (fused) return fused;
    }
    return node;
  });
}

type Conv = Tensor & { readonly attrs: Conv2dAttrs | ConvTranspose2dAttrs };

function isConv(t: Tensor): t is Conv {
  return t.op === "conv2d" || t.op === "convTranspose2d";
}

function withEpilogue(conv: Conv, change: Partial<ConvEpilogue>, extra?: Tensor): Tensor {
  return apply(opOf(conv.op), extra ? [...conv.inputs, extra] : conv.inputs, { ...conv.attrs, ...change }, conv.name);
}

/** relu(conv) */
const reluIntoConv: Rule = (node, only) => {
  const [conv] = node.inputs;
  if (node.op !== "relu" || !conv || !isConv(conv) || !only(0) || conv.attrs.relu || conv.attrs.extra === "mask") return null;
  return withEpilogue(conv, { relu: true });
};

/** conv + x, either way round, also as the plain sum of two; into an upsampling rather than into the skip that it is added to. */
const sumIntoConv: Rule = (node, only) => {
  const [a, b] = node.inputs;
  const plainSum =
    node.op === "sum" &&
    node.inputs.length === 2 &&
    (node.attrs as { coefficients: readonly number[] }).coefficients.every((c) => c === 1);
  if (!a || !b || a === b || !(node.op === "add" || plainSum) || !sameShape(a.shape, b.shape)) return null;
  const fits = (t: Tensor, i: number): t is Conv => isConv(t) && only(i) && t.attrs.extra === "none" && !t.attrs.relu;
  if (fits(b, 1) && !(a.op === "convTranspose2d" && fits(a, 0))) return withEpilogue(b, { extra: "add" }, a);
  return fits(a, 0) ? withEpilogue(a, { extra: "add" }, b) : null;
};

/** Whether a slice of x takes a window of its rows and columns, and all else. */
function isSpatialCrop(slice: Tensor, x: Tensor): boolean {
  const { starts, sizes, steps } = slice.attrs as SliceAttrs;
  return starts[0] === 0 && starts[1] === 0 && sizes[0] === x.shape[0] && sizes[1] === x.shape[1] && steps.every((s) => s === 1);
}

/** crop(convTranspose): only the window is computed. */
const cropIntoUpsampling: Rule = (node, only) => {
  const [up] = node.inputs;
  if (node.op !== "slice" || !up || up.op !== "convTranspose2d" || !only(0)) return null;
  const { starts, sizes } = node.attrs as SliceAttrs;
  const attrs = up.attrs as ConvTranspose2dAttrs;
  if (!isSpatialCrop(node, up) || attrs.crop || attrs.extra !== "none") return null;
  return apply(
    opOf(up.op),
    up.inputs,
    { ...attrs, crop: { offset: [starts[2]!, starts[3]!], size: [sizes[2]!, sizes[3]!] } },
    up.name,
  );
};

/** crop(conv2d), FCN's skips: less padding, below 0 where the crop leaves out what the kernel would read. */
const cropIntoConv: Rule = (node, only) => {
  const [conv] = node.inputs;
  if (node.op !== "slice" || !conv || conv.op !== "conv2d" || !only(0) || !isSpatialCrop(node, conv)) return null;
  const attrs = conv.attrs as Conv2dAttrs;
  if (attrs.extra !== "none") return null;
  const { starts } = node.attrs as SliceAttrs;
  const [x, weight] = conv.inputs as [Tensor, Tensor];
  const { stride, dilation, padding } = attrs;
  const begin = ([0, 1] as const).map((a) => padding[a] - starts[2 + a]! * stride[a]) as [number, number];
  const end = ([0, 1] as const).map((a) => {
    const reach = (node.shape[2 + a]! - 1) * stride[a] + effectiveKernel(weight.shape[2 + a]!, dilation[a]);
    return reach - x.shape[2 + a]! - begin[a];
  }) as [number, number];
  return apply(opOf(conv.op), conv.inputs, { ...attrs, padding: [...begin, ...end] }, conv.name);
};

/** reluGrad(data gradient, x): the mask of the layer below, applied as the gradient is written. */
const maskIntoDataGradient: Rule = (node, only) => {
  const [dx, x] = node.inputs;
  if (node.op !== "reluGrad" || !dx || !x || !isConv(dx) || !only(0) || dx.attrs.extra !== "none" || dx.attrs.relu) return null;
  return withEpilogue(dx, { extra: "mask" }, x);
};

/** reluGrad(gradient of max pooling, x): where a maximum is taken, x is y, so the smaller gradient that arrives is masked by y. */
const maskBelowPool: Rule = (node, only) => {
  const [dx, x] = node.inputs;
  if (node.op !== "reluGrad" || !dx || dx.op !== "maxPool2dGrad" || dx.inputs[1] !== x || !only(0)) return null;
  const [dy, , y] = dx.inputs as [Tensor, Tensor, Tensor];
  const masked = apply(reluGradOp, [dy, y], {});
  return { ...dx, inputs: [maskIntoDataGradient(masked, () => only(0, 0)) ?? masked, x!, y] };
};

/** nll(logSoftmax(x)) over the class axis: one pass, and the log-probabilities never exist. */
const softmaxIntoLoss: Rule = (node, only) => {
  const [logProbabilities, labels, ...weights] = node.inputs;
  if (node.op !== "nll" || !logProbabilities || !labels || logProbabilities.op !== "logSoftmax" || !only(0)) return null;
  const { axes } = logProbabilities.attrs as SoftmaxAttrs;
  if (axes.length !== 1 || axes[0] !== 1) return null;
  const { ignoreIndex } = node.attrs as LabelAttrs;
  return apply(
    crossEntropyOp,
    [logProbabilities.inputs[0]!, labels, ...weights],
    { ignoreIndex, floorProbability: false },
    node.name,
  );
};

const RULES: readonly Rule[] = [
  reluIntoConv,
  sumIntoConv,
  cropIntoUpsampling,
  cropIntoConv,
  maskBelowPool,
  maskIntoDataGradient,
  softmaxIntoLoss,
];
