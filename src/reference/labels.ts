/** Reference of src/kernels/labels.ts. */
import type { ArgMaxAttrs, ConfusionMatrixAttrs } from "../kernels/labels.js";
import type { TensorSpec } from "../tensor/shape.js";
import { ints, type NdArray } from "./nd-array.js";
import { forEachRow } from "./rows.js";

export function argMax([x]: readonly NdArray[], { axis, selectLastIndex }: ArgMaxAttrs, output: TensorSpec): NdArray {
  const y = ints(output.shape);
  forEachRow(x!.shape, [axis], (row, position) => {
    const values = row.map((i) => x!.data[i]!);
    const largest = Math.max(...values);
    y.data[position] = selectLastIndex ? values.lastIndexOf(largest) : values.indexOf(largest);
  });
  return y;
}

export function confusionMatrix(
  [labels, prediction]: readonly NdArray[],
  { classes }: ConfusionMatrixAttrs,
  output: TensorSpec,
): NdArray {
  const counts = ints(output.shape);
  const isClass = (label: number): boolean => label >= 0 && label < classes;
  labels!.data.forEach((label, i) => {
    const predicted = prediction!.data[i]!;
    if (isClass(label) && isClass(predicted)) counts.data[label * classes + predicted]! += 1;
  });
  return counts;
}
