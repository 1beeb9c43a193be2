/** A 1x1 convolution as one step of a larger variant: the matrix product inside Winograd's, and inside columns. */
import type { ConvEpilogue, TrilinearForm } from "./conv-geometry.js";
import { rebind, type DeviceTraits, type Dispatch, type Ref, type Variant } from "./op.js";

/** A 1x1 convolution, or its transpose, in one dispatch. */
export type Product = (form: TrilinearForm, transposed: boolean, epilogue: ConvEpilogue, device: DeviceTraits) => Variant;

/** The product's dispatches on buffers of the whole. Throws where it has scratch memory of its own: our own bug, so a plain Error. */
export function productOn(product: Variant, x: Ref, weight: Ref, y: Ref): readonly Dispatch[] {
  return product.dispatches.map((d) => rebind(d, (ref) => swapped(ref, x, weight, y)));
}

function swapped(ref: Ref, x: Ref, weight: Ref, y: Ref): Ref {
  if (ref === "output") return y;
  if (typeof ref === "string") return ref;
  if (!("input" in ref)) throw new Error("the product of a variant must be one dispatch, without scratch memory");
  return ref.input === 0 ? x : weight;
}
