/**
 * Two nodes that one kernel can serve become one node with a second output (kernels/second.ts): max pooling and its gradient, which then
 * reads the winning taps instead of the image; the loss of a pixel and its gradient, which share all their work; the gradients of a
 * convolution's weight and bias, which read the same. Runs behind fuse.
 */
import { BIAS_SUM, conv2dWeightBiasGradOp, type Conv2dWeightGradAttrs } from "../../kernels/conv2d-weight-grad.js";
import { crossEntropyBothOp, type CrossEntropyAttrs, type LabelAttrs } from "../../kernels/pixel-loss.js";
import { maxPool2dTapsGradOp, maxPool2dTapsOp, MOST_TAPS } from "../../kernels/max-pool-taps.js";
import { apply } from "../../kernels/op.js";
import type { ReduceSumAttrs } from "../../kernels/reduce.js";
import { secondOf } from "../../kernels/second.js";
import type { PoolWindow } from "../../kernels/window.js";
import { topological, type Tensor } from "../../tensor/tensor.js";

export function pair(outputs: readonly Tensor[]): readonly Tensor[] {
  const instead = new Map<Tensor, Tensor>();
  const nodes = topological(outputs);
  pairPools(nodes, instead);
  pairLosses(nodes, instead);
  pairBiases(nodes, instead);
  return instead.size === 0 ? outputs : substitute(outputs, instead);
}

function pairPools(nodes: readonly Tensor[], instead: Map<Tensor, Tensor>): void {
  for (const gradient of nodes) {
    if (gradient.op !== "maxPool2dGrad") continue;
    const [dy, x, y] = gradient.inputs as [Tensor, Tensor, Tensor];
    const window = gradient.attrs as PoolWindow;
    const fits = y.op === "maxPool2d" && y.inputs[0] === x && y.attrs === gradient.attrs;
    if (!fits || window.kernel[0] * window.kernel[1] > MOST_TAPS || instead.has(y)) continue;
    instead.set(y, apply(maxPool2dTapsOp, [x], window, y.name));
    const taps = secondOf(y, maxPool2dTapsOp, [x], window);
    instead.set(gradient, apply(maxPool2dTapsGradOp, [dy, taps], { ...window, shape: x.shape }, gradient.name));
  }
}

function pairLosses(nodes: readonly Tensor[], instead: Map<Tensor, Tensor>): void {
  for (const gradient of nodes) {
    if (gradient.op !== "crossEntropyGrad") continue;
    const [dlosses, ...inputs] = gradient.inputs as [Tensor, ...Tensor[]];
    const losses = nodes.find(
      (t) =>
        t.op === "crossEntropy" &&
        t.inputs.length === inputs.length &&
        t.inputs.every((input, i) => input === inputs[i]) &&
        (t.attrs as LabelAttrs).ignoreIndex === (gradient.attrs as LabelAttrs).ignoreIndex,
    );
    // The gradient that arrives must be there before the losses are.
    if (!losses || instead.has(losses) || topological([dlosses]).includes(losses)) continue;
    const attrs = losses.attrs as CrossEntropyAttrs;
    instead.set(losses, apply(crossEntropyBothOp, gradient.inputs, attrs, losses.name));
    instead.set(gradient, secondOf(losses, crossEntropyBothOp, gradient.inputs, attrs));
  }
}

/** The weight gradient of a convolution and its bias gradient, which is the sum of the same dy. */
function pairBiases(nodes: readonly Tensor[], instead: Map<Tensor, Tensor>): void {
  for (const bias of nodes) {
    if (bias.op !== "reduceSum") continue;
    const { axes, keep } = bias.attrs as ReduceSumAttrs;
    const isBias = keep.length === BIAS_SUM.keep.length && axes.join() === BIAS_SUM.axes.join();
    const weight = nodes.find((t) => t.op === "conv2dWeightGrad" && t.inputs[1] === bias.inputs[0] && !instead.has(t));
    if (!isBias || !weight) continue;
    const attrs = weight.attrs as Conv2dWeightGradAttrs;
    instead.set(weight, apply(conv2dWeightBiasGradOp, weight.inputs, attrs, weight.name));
    instead.set(bias, secondOf(weight, conv2dWeightBiasGradOp, weight.inputs, attrs));
  }
}

/** The same graph with nodes exchanged. What stands in for a node refers to nodes of the old graph, which are exchanged in turn. */
function substitute(outputs: readonly Tensor[], instead: ReadonlyMap<Tensor, Tensor>): readonly Tensor[] {
  const after = new Map<Tensor, Tensor>();
  const stack = [...outputs];
  while (stack.length > 0) {
    const node = stack[stack.length - 1]!;
    const now = instead.get(node) ?? node;
    const missing = now.inputs.filter((t) => !after.has(t));
    if (!after.has(node) && missing.length > 0) {
      stack.push(...missing);
      continue;
    }
    stack.pop();
    if (after.has(node)) continue;
    const inputs = now.inputs.map((t) => after.get(t)!);
    after.set(node, inputs.every((t, i) => t === now.inputs[i]) ? now : { ...now, inputs });
  }
  return outputs.map((t) => after.get(t)!);
}
