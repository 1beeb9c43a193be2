/** What a convolution does to its sums before it writes them (see ConvEpilogue): bindings, constants and the gradient. */
import type { Tensor } from "../tensor/tensor.js";
import { epilogueInputs, type ConvEpilogue } from "./conv-geometry.js";
import { apply, inputRef, type Ref } from "./op.js";
import { reluGradOp } from "./relu.js";

export function epilogueConstants(epilogue: ConvEpilogue): { HAS_BIAS: boolean; RELU: boolean; EXTRA: number } {
  return { HAS_BIAS: epilogue.bias, RELU: epilogue.relu, EXTRA: { none: 0, add: 1, mask: 2 }[epilogue.extra] };
}

/** The same as uniforms, for kernels that are dear to compile. */
export function epilogueParams(epilogue: ConvEpilogue): { has_bias: number; relu: number; extra: number } {
  const { HAS_BIAS, RELU, EXTRA } = epilogueConstants(epilogue);
  return { has_bias: Number(HAS_BIAS), relu: Number(RELU), extra: EXTRA };
}

export function epilogueBuffers(epilogue: ConvEpilogue): { bias: Ref; extra: Ref } {
  const { bias, extra } = epilogueInputs(epilogue);
  return { bias: bias === null ? "absent" : inputRef(bias), extra: extra === null ? "absent" : inputRef(extra) };
}

/** The gradient behind bias + conv, and that of the extra operand. */
export function epilogueGrad(
  dy: Tensor,
  inputs: readonly Tensor[],
  y: Tensor,
  epilogue: ConvEpilogue,
): { gradient: Tensor; extra: Tensor | null } {
  const index = epilogueInputs(epilogue).extra;
  const masked = epilogue.extra === "mask" ? apply(reluGradOp, [dy, inputs[index!]!], {}) : dy;
  const gradient = epilogue.relu ? apply(reluGradOp, [masked, y], {}) : masked;
  return { gradient, extra: epilogue.extra === "add" ? gradient : null };
}
