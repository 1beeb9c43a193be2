/** Of @litertjs/core, what is used here: types are checked whether or not it is installed. */

export class Tensor {
  constructor(values: Float32Array, shape: readonly number[]);
  moveTo(accelerator: "webgpu"): Promise<Tensor>;
  data(): Promise<Float32Array>;
  delete(): void;
}
export interface CompiledModel {
  readonly isFullyAccelerated: boolean;
  run(inputs: readonly Tensor[]): Promise<Tensor[]>;
  delete(): void;
}
export function loadLiteRt(folder: string, options: { readonly jspi: boolean; readonly threads: boolean }): Promise<unknown>;
export function loadAndCompile(
  model: Uint8Array,
  options: { readonly accelerator: "webgpu"; readonly gpuOptions: { readonly precision: "fp32" } },
): Promise<CompiledModel>;
