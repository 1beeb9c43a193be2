/** Reference of src/kernels/pixel-loss.ts. A row is a pixel, its elements are the classes. */
import type { ClassAttrs, CrossEntropyAttrs, LabelAttrs } from "../kernels/pixel-loss.js";
import type { TensorSpec } from "../tensor/shape.js";
import { floats, type NdArray } from "./nd-array.js";
import { forEachRow } from "./rows.js";

/** The smallest positive normal float of C's float.h. */
const FLT_MIN = 1.17549435e-38;

export function crossEntropy([x, labels, weights]: readonly NdArray[], attrs: CrossEntropyAttrs, output: TensorSpec): NdArray {
  const losses = floats(output.shape);
  forEachRow(x!.shape, [1], (row, pixel) => {
    const label = labels!.data[pixel]!;
    const weight = weightOf(label, row.length, weights, attrs);
    if (weight === 0) return;
    const { largest, sum } = statistics(x!, row);
    const loss = largest + Math.log(sum) - x!.data[row[label]!]!;
    losses.data[pixel] = weight * (attrs.floorProbability ? Math.min(loss, -Math.log(FLT_MIN)) : loss);
  });
  return losses;
}

export function crossEntropyGrad([dlosses, x, labels, weights]: readonly NdArray[], attrs: LabelAttrs): NdArray {
  const dx = floats(x!.shape);
  forEachRow(x!.shape, [1], (row, pixel) => {
    const label = labels!.data[pixel]!;
    const weight = weightOf(label, row.length, weights, attrs);
    if (weight === 0) return;
    const { largest, sum } = statistics(x!, row);
    row.forEach((i, c) => {
      const probability = Math.exp(x!.data[i]! - largest) / sum;
      dx.data[i] = (probability - (c === label ? 1 : 0)) * weight * dlosses!.data[pixel]!;
    });
  });
  return dx;
}

/** The first output: the losses. Their gradient is the second (second.ts). */
export function crossEntropyBoth([, ...inputs]: readonly NdArray[], attrs: CrossEntropyAttrs, output: TensorSpec): NdArray {
  return crossEntropy(inputs, attrs, output);
}

export function nll([x, labels, weights]: readonly NdArray[], attrs: LabelAttrs, output: TensorSpec): NdArray {
  const losses = floats(output.shape);
  forEachRow(x!.shape, [1], (row, pixel) => {
    const label = labels!.data[pixel]!;
    const weight = weightOf(label, row.length, weights, attrs);
    if (weight !== 0) losses.data[pixel] = -weight * x!.data[row[label]!]!;
  });
  return losses;
}

export function nllGrad([dlosses, labels, weights]: readonly NdArray[], attrs: ClassAttrs, output: TensorSpec): NdArray {
  const dx = floats(output.shape);
  forEachRow(output.shape, [1], (row, pixel) => {
    const label = labels!.data[pixel]!;
    const weight = weightOf(label, row.length, weights, attrs);
    if (weight !== 0) dx.data[row[label]!] = -weight * dlosses!.data[pixel]!;
  });
  return dx;
}

export function labelWeights([labels, weights]: readonly NdArray[], attrs: ClassAttrs): NdArray {
  return floats(
    labels!.shape,
    Float64Array.from(labels!.data, (label) => weightOf(label, attrs.classes, weights, attrs)),
  );
}

function weightOf(label: number, classes: number, weights: NdArray | undefined, { ignoreIndex }: LabelAttrs): number {
  if (label === ignoreIndex || label < 0 || label >= classes) return 0;
  return weights ? weights.data[label]! : 1;
}

function statistics(x: NdArray, row: readonly number[]): { largest: number; sum: number } {
  const largest = row.reduce((m, i) => Math.max(m, x.data[i]!), -Infinity);
  return { largest, sum: row.reduce((s, i) => s + Math.exp(x.data[i]! - largest), 0) };
}
