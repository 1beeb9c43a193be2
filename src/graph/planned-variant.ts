/** When a variant prepares its weights (op.ts: Preparing): after each load where the plan may keep what it makes, else in every run. */
import { rebind, scratchRef, type Preparing, type Ref, type Variant } from "../kernels/op.js";
import { opOf } from "../kernels/ops.js";
import { isParam, type Tensor } from "../tensor/tensor.js";
import { applicableVariants, type ChoiceDevice } from "./choose.js";
import type { Application } from "./signature.js";

/** What becomes of preparations in a plan. */
export interface PlanKind {
  /** Whether prepared weights outlive a run: not in training, where each step changes the weights. */
  readonly keepsPrepared: boolean;
}

/** The variants that apply to a node, as a plan of that kind runs them: what is chosen among, by the rule and by measuring. */
export function plannedVariants(
  application: Application,
  node: Tensor,
  device: ChoiceDevice,
  kind: PlanKind,
): readonly Variant[] {
  return applicableVariants(application, node, device).map((v) => plannedVariant(v, node.inputs, kind));
}

/** The variant as a plan of that kind runs it on these inputs: `prepared` is left only where it is kept between runs. */
export function plannedVariant(variant: Variant, inputs: readonly Tensor[], { keepsPrepared }: PlanKind): Variant {
  const { prepared } = variant;
  if (!prepared || (keepsPrepared && inputsRead(prepared).every((i) => isParameterMemory(inputs[i]!)))) return variant;
  return withPreparation(variant);
}

/** The inputs that a preparation reads. */
export function inputsRead({ dispatches }: Preparing): readonly number[] {
  const refs = dispatches.flatMap((d) => Object.values(d.buffers));
  return [...new Set(refs.flatMap((ref) => (typeof ref === "object" && "input" in ref ? [ref.input] : [])))];
}

/** The same variant with the preparation in front of its own dispatches, and prepared buffers as its last scratch buffers. */
export function withPreparation({ prepared, ...variant }: Variant): Variant {
  if (!prepared) return variant;
  const scratchBytes = variant.scratchBytes ?? [];
  const swap = (ref: Ref): Ref =>
    typeof ref === "object" && "prepared" in ref ? scratchRef(scratchBytes.length + ref.prepared) : ref;
  const fromFlops = Math.max(variant.fromFlops ?? 0, prepared.inRunFromFlops ?? 0);
  return {
    ...variant,
    ...(fromFlops > 0 ? { fromFlops } : {}),
    scratchBytes: [...scratchBytes, ...prepared.bytes],
    dispatches: [...prepared.dispatches, ...variant.dispatches].map((d) => rebind(d, swap)),
  };
}

/** Whether a tensor is a parameter, or a parameter's bytes under another shape. */
function isParameterMemory(tensor: Tensor): boolean {
  if (isParam(tensor)) return true;
  const [source] = tensor.inputs;
  return source !== undefined && opOf(tensor.op).alias?.(tensor.inputs, tensor) === true && isParameterMemory(source);
}
