/** Which buffers of a kernel hold f16. No op knows of it: tensors have a type, and every shader has a form for it (gpu/halves.ts). */
import type { TensorSpec } from "../tensor/shape.js";
import type { Dispatch, Ref, Variant } from "./op.js";

/** The variant on inputs and an output of these types. The second output and scratch memory are f32, but for copies of an f16 input. */
export function storedAs(variant: Variant, inputs: readonly TensorSpec[], output: TensorSpec): Variant {
  if ([...inputs, output].every(({ dtype }) => dtype !== "f16")) return variant;
  const isHalf = (spec: TensorSpec | undefined): boolean => spec?.dtype === "f16";
  const isCopy = (scratch: number): boolean => isHalf(inputs[variant.copies?.[scratch] ?? -1]);
  const holdsHalves = (ref: Ref): boolean =>
    typeof ref === "string"
      ? ref === "output" && isHalf(output)
      : "input" in ref
        ? isHalf(inputs[ref.input])
        : "scratch" in ref && isCopy(ref.scratch);
  const typed = (d: Dispatch): Dispatch => {
    const halves = Object.keys(d.buffers).filter((name) => holdsHalves(d.buffers[name]!));
    return halves.length === 0 ? d : { ...d, halves };
  };
  const { prepared, scratchBytes, dispatches } = variant;
  return {
    ...variant,
    dispatches: dispatches.map(typed),
    ...(scratchBytes ? { scratchBytes: scratchBytes.map((bytes, i) => (isCopy(i) ? bytes / 2 : bytes)) } : {}),
    ...(prepared ? { prepared: { ...prepared, dispatches: prepared.dispatches.map(typed) } } : {}),
  };
}
