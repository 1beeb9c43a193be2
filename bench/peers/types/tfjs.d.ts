/** Of @tensorflow/tfjs, what is used here: types are checked whether or not it is installed. */

export interface Tensor {
  readonly shape: number[];
  data(): Promise<Float32Array>;
  dispose(): void;
}
export interface ConvInfo {
  readonly x: Tensor;
  readonly filter: Tensor;
  readonly strides: number;
  readonly pad: "valid" | "same" | number;
  readonly dimRoundingMode?: "floor" | undefined;
  readonly bias?: Tensor | undefined;
  readonly activation: "relu" | "linear";
}
export interface MomentumOptimizer {
  minimize(loss: () => Tensor, returnCost: true): Tensor;
  dispose(): void;
}
export const version_core: string;
export const fused: { conv2d(info: ConvInfo): Tensor };
export const losses: { softmaxCrossEntropy(labels: Tensor, logits: Tensor): Tensor };
export const train: { momentum(learningRate: number, momentum: number): MomentumOptimizer };
export function tensor(values: Float32Array, shape: readonly number[], dtype: "float32"): Tensor;
export function variable(initial: Tensor): Tensor;
export function reshape(x: Tensor, shape: readonly number[]): Tensor;
export function add(a: Tensor, b: Tensor): Tensor;
export function conv2d(x: Tensor, filter: Tensor, strides: number, pad: "valid" | "same" | number): Tensor;
export function conv2dTranspose(
  x: Tensor,
  filter: Tensor,
  shape: readonly number[],
  strides: number,
  pad: "valid" | "same" | number,
): Tensor;
export function maxPool(x: Tensor, kernel: number, strides: number, pad: "valid"): Tensor;
export function tidy(work: () => Tensor): Tensor;
export function setBackend(name: string): Promise<boolean>;
export function getBackend(): string;
export function backend(): unknown;
export function ready(): Promise<void>;
export function engine(): {
  runKernel(name: string, inputs: Readonly<Record<string, Tensor>>, attrs: Readonly<Record<string, unknown>>): Tensor;
};
export function env(): { set(flag: string, value: boolean): void };
