/** The CPU reference: the specification of every op in plain float64 loops. Imports no WebGPU. */
export { initialWeights, type TypedArray, type Weights } from "../tensor/weights.js";
export { runReference, type GraphLike, type ReferenceOptions } from "./evaluate.js";
