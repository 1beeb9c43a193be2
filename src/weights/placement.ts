/** Where tensors lie in a file: what header and manifest say, checked before a byte of data is read. */
import { formatShape, numel, type Shape } from "../tensor/shape.js";
import { ELEMENT_TYPES } from "./element-types.js";

/** A tensor in a file. */
export interface PlacedTensor {
  readonly name: string;
  /** Element type by safetensors' names: "F32", "F16", ... */
  readonly dtype: string;
  readonly shape: Shape;
  /** First byte, and the one behind the last, counted from where the data begins. */
  readonly from: number;
  readonly to: number;
}

/**
 * The tensors in the order in which they lie. `size`: bytes of the data, where known. Calls `fail` for a type that is not known, a shape whose
 * product is no exact number, ends that do not fit shape or file, and tensors that overlap or leave a gap.
 */
export function inOrder(
  tensors: readonly PlacedTensor[],
  size: number | null,
  fail: (why: string) => never,
): readonly PlacedTensor[] {
  for (const { name, dtype, shape, from, to } of tensors) {
    const type = ELEMENT_TYPES.get(dtype);
    if (!type) fail(`${name} has dtype ${dtype}, which is not one of ${[...ELEMENT_TYPES.keys()].join(", ")}: convert it first`);
    const bytes = shape.includes(0) ? 0 : type.size * numel(shape);
    if (!Number.isSafeInteger(bytes)) fail(`${name} has shape ${formatShape(shape)}, which is more than any file holds`);
    if (to - from !== bytes || (size !== null && to > size)) {
      const file = size === null ? "" : ` of ${size}`;
      fail(`${name} takes bytes ${from} to ${to}${file}, which does not fit ${dtype} of shape ${formatShape(shape)}`);
    }
  }
  const sorted = [...tensors].sort((a, b) => a.from - b.from || a.to - b.to);
  let end = 0;
  sorted.forEach(({ name, from, to }, i) => {
    if (from < end) fail(`${name} begins at byte ${from}, inside ${sorted[i - 1]!.name}, which ends at ${end}`);
    if (from > end) fail(`bytes ${end} to ${from}, in front of ${name}, belong to no tensor`);
    end = to;
  });
  if (size !== null && end !== size) fail(`the tensors end at byte ${end} but the data has ${size}`);
  return sorted;
}

export function isIndices(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((v) => Number.isSafeInteger(v) && (v as number) >= 0);
}
