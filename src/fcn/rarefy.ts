/**
 * Dense scores from a coarse net without upsampling (paper, section 3.2; fcn.md 5): run it on every shift of the image and interlace what comes
 * out, or remove its strides and spread its later filters instead (the filter rarefaction of the a trous algorithm). The two are equal, and the
 * paper uses neither: skips do better for less.
 */
import { graph, type Graph, type Names } from "../graph/graph.js";
import { rewrite } from "../graph/passes/rewrite.js";
import type { Conv2dAttrs } from "../kernels/conv2d.js";
import { concat } from "../kernels/concat.js";
import { apply } from "../kernels/op.js";
import { opOf } from "../kernels/ops.js";
import { pad } from "../kernels/pad.js";
import { reshape, transpose } from "../kernels/reshape.js";
import { slice } from "../kernels/slice.js";
import type { PoolWindow } from "../kernels/window.js";
import { ShapeError } from "../tensor/errors.js";
import { formatShape } from "../tensor/shape.js";
import { named, topological, type Tensor } from "../tensor/tensor.js";
import { coordinateMap, isPointwise } from "./coordinate-map.js";

/**
 * Shift and stitch: a net of output stride f (one image in, one map out) as a net whose map has stride 1. The image is padded and shifted right
 * and down by every 0 <= x, y < f; the f * f shifts go through the net as one batch, and pixel (f i + y, f j + x) of the result is pixel (i, j)
 * of one of them. Input [N, C, H, W]; output [N, K, f h, f w] for h x w of the net on H + f - 1 by W + f - 1 pixels; its element 0 lies f - 1
 * pixels before the net's own. Costs f * f runs. Throws ShapeError for several inputs or outputs, and strides that are no integers or differ
 * between rows and columns.
 */
export function shiftAndStitch<I extends Names, O extends Names>(net: Graph<I, O>): Graph<I, O> {
  const [imageName, image, outputName, output] = onlyOnes("shiftAndStitch", net);
  const [rows, columns] = coordinateMap(output, image);
  const f = rows.stride;
  if (f !== columns.stride || !Number.isInteger(f) || output.shape.length !== 4)
    throw new ShapeError(
      `shiftAndStitch: the output ${formatShape(output.shape)} has strides ${rows.stride} and ${columns.stride}: it must be a map of one whole stride`,
    );
  return graph(net.inputs, (inputs) => {
    const given = inputs[imageName]!;
    const [n, c, h, w] = given.shape as [number, number, number, number];
    const wide = f === 1 ? given : pad(given, { begin: [0, 0, f - 1, f - 1], end: [0, 0, f - 1, f - 1] });
    const size = [n, c, h + f - 1, w + f - 1];
    const shifts = Array.from({ length: f * f }, (_, k) => {
      // Shifted by f - 1 first: the earliest pixel of the result.
      const starts = [0, 0, Math.floor(k / f), k % f];
      return slice(wide, { starts, sizes: size });
    });
    const batch = shifts.length === 1 ? shifts[0]! : concat(shifts, 0);
    const sized = net.resize({ [imageName]: batch.shape } as unknown as { [K in keyof I]?: readonly number[] });
    const [y] = rewrite([sized.outputs[outputName]!], (node) => (node === sized.inputs[imageName] ? batch : node)) as [Tensor];
    const [, k, oh, ow] = y.shape as [number, number, number, number];
    const interlaced = transpose(reshape(y, [f, f, n * k, oh, ow]), [2, 3, 0, 4, 1]);
    return { [outputName]: reshape(interlaced, [n, k, oh * f, ow * f]) } as unknown as O;
  });
}

/**
 * Filter rarefaction: the same net with stride 1 everywhere. Where a convolution or pool of stride s was, every later convolution, pool and
 * padding is spread by s: its taps lie s pixels apart (dilation). Weights are unchanged. Partial windows at the bottom and right, which Caffe's
 * rounding gives pools, have no like here. Output [N, K, H + 1 - r, W + 1 - r] for a net that does not pad and has receptive field r; element 0
 * lies where the net's own does. Throws ShapeError, naming the node, for nets with anything but convolutions, pools and pointwise layers:
 * upsampling belongs behind it, `convolutionalize` before it.
 *
 * @example rarefy(convolutionalize(classifier({ trunk: "lenet" }), { classification: "keep" }).graph)
 */
export function rarefy<I extends Names, O extends Names>(net: Graph<I, O>): Graph<I, O> {
  const [imageName, image, outputName, output] = onlyOnes("rarefy", net);
  return graph(net.inputs, (inputs) => {
    const values = new Map<Tensor, Spread>([[image, { tensor: inputs[imageName]!, by: [1, 1] }]]);
    for (const node of topological([output])) {
      if (values.has(node) || !node.inputs.some((x) => values.has(x))) continue;
      const { tensor, by } = spread(node, values);
      values.set(node, { tensor: node.name === "" ? tensor : named(tensor, node.name), by });
    }
    return { [outputName]: values.get(output)!.tensor } as unknown as O;
  });
}

/** A value at stride 1, and the strides that were removed in front of it. */
interface Spread {
  readonly tensor: Tensor;
  readonly by: readonly [h: number, w: number];
}

function spread(node: Tensor, values: ReadonlyMap<Tensor, Spread>): Spread {
  const operands = node.inputs.map((x) => values.get(x));
  const by = operands.find((operand) => operand !== undefined)!.by;
  if (operands.some((operand) => operand && (operand.by[0] !== by[0] || operand.by[1] !== by[1])))
    throw new ShapeError(`rarefy: the operands of ${node.name || node.op} ${formatShape(node.shape)} have different strides`);
  const inputs = node.inputs.map((x, i) => operands[i]?.tensor ?? x);
  const isWindow = node.op === "conv2d" || node.op === "maxPool2d" || node.op === "averagePool2d";
  if (!isWindow) {
    if (!isPointwise(node))
      throw new ShapeError(
        `rarefy: ${node.name || node.op} ${formatShape(node.shape)} is neither a convolution, a pool nor pointwise: take the net in front of it`,
      );
    return { tensor: apply(opOf(node.op), inputs, node.attrs), by };
  }
  const attrs = node.attrs as Conv2dAttrs | PoolWindow;
  const [fh, fw] = by;
  const [top, left, bottom, right] = attrs.padding;
  const dense = {
    ...attrs,
    stride: [1, 1],
    dilation: [attrs.dilation[0] * fh, attrs.dilation[1] * fw],
    padding: [top * fh, left * fw, bottom * fh, right * fw],
  };
  return { tensor: apply(opOf(node.op), inputs, dense), by: [fh * attrs.stride[0], fw * attrs.stride[1]] };
}

function onlyOnes<I extends Names, O extends Names>(
  what: string,
  { inputs, outputs }: Graph<I, O>,
): [imageName: string, image: Tensor, outputName: string, output: Tensor] {
  const [images, maps] = [Object.entries(inputs), Object.entries(outputs)];
  if (images.length !== 1 || maps.length !== 1)
    throw new ShapeError(
      `${what}: the net has inputs ${Object.keys(inputs).join(", ")} and outputs ${Object.keys(outputs).join(", ")}: give one of one image and one map`,
    );
  return [...images[0]!, ...maps[0]!];
}
