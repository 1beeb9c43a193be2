/** Reverse-mode differentiation: graph in, graph out. The whole calculus is the loop below over each op's `grad`. */
import { fill, sum } from "../kernels/elementwise.js";
import { opOf } from "../kernels/ops.js";
import { ShapeError } from "../tensor/errors.js";
import { formatShape, sameShape } from "../tensor/shape.js";
import { topological, type Tensor } from "../tensor/tensor.js";

/**
 * Tensors of d(sum(seed * loss)) / d(wrt), one per entry of `wrt`, of its shape; zeros where the loss does not depend on it.
 * `seed` is the gradient that arrives at the loss: ones unless given. Throws ShapeError when the loss is not f32, the seed has another shape,
 * or `wrt` holds integers.
 */
export function gradients(loss: Tensor, wrt: readonly Tensor[], seed?: Tensor): readonly Tensor[] {
  if (loss.dtype !== "f32") throw new ShapeError(`gradients: the loss is ${loss.dtype}: only f32 has gradients`);
  if (seed && !sameShape(seed.shape, loss.shape)) {
    throw new ShapeError(
      `gradients: the seed is ${formatShape(seed.shape)} but the loss is ${formatShape(loss.shape)}: they must be equal`,
    );
  }
  for (const t of wrt) {
    if (t.dtype !== "f32") throw new ShapeError(`gradients: ${t.name || t.op} is ${t.dtype}: only f32 tensors have gradients`);
  }
  const order = topological([loss]);
  const needed = dependents(order, wrt);
  const arriving = new Map<Tensor, Tensor[]>([[loss, [seed ?? fill(loss.shape, 1)]]]);
  const total = new Map<Tensor, Tensor>();
  for (const y of order.reverse()) {
    const parts = arriving.get(y);
    if (!parts || !needed.has(y)) continue;
    const dy = parts.length === 1 ? parts[0]! : sum(parts);
    total.set(y, dy);
    if (y.inputs.length === 0 || !y.inputs.some((x) => needed.has(x))) continue;
    const dxs = opOf(y.op).grad(dy, y.inputs, y, y.attrs);
    y.inputs.forEach((x, i) => {
      const dx = dxs[i];
      if (!dx || !needed.has(x)) return;
      arriving.set(x, [...(arriving.get(x) ?? []), dx]);
    });
  }
  return wrt.map((t) => total.get(t) ?? fill(t.shape, 0));
}

/** The nodes through which a change of `wrt` can reach the loss; `wrt` included. */
function dependents(order: readonly Tensor[], wrt: readonly Tensor[]): Set<Tensor> {
  const needed = new Set(wrt);
  for (const node of order) if (node.inputs.some((x) => needed.has(x))) needed.add(node);
  return needed;
}
