/** Reference of src/kernels/matmul.ts. */
import type { MatmulAttrs } from "../kernels/matmul.js";
import { numel, type TensorSpec } from "../tensor/shape.js";
import { broadcastIndex } from "./elementwise.js";
import { floats, type NdArray } from "./nd-array.js";

export function matmul(
  [a, b, c]: readonly NdArray[],
  { alpha, beta, transA, transB }: MatmulAttrs,
  { shape }: TensorSpec,
): NdArray {
  const [m, n] = shape.slice(-2) as [number, number];
  const k = a!.shape[a!.shape.length - (transA ? 2 : 1)]!;
  const batch = shape.slice(0, -2);
  // Which matrix of a and of b belongs to each matrix of the output.
  const matrixOfA = broadcastIndex(a!.shape.slice(0, -2), batch);
  const matrixOfB = broadcastIndex(b!.shape.slice(0, -2), batch);
  const fromC = c && broadcastIndex(c.shape, shape);
  const y = floats(shape);
  for (let p = 0; p < numel(batch); p++) {
    const atA = matrixOfA(p) * m * k;
    const atB = matrixOfB(p) * k * n;
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let total = 0;
        for (let t = 0; t < k; t++)
          total += a!.data[atA + (transA ? t * m + i : i * k + t)]! * b!.data[atB + (transB ? j * k + t : t * n + j)]!;
        const at = (p * m + i) * n + j;
        y.data[at] = alpha * total + (fromC ? beta * c.data[fromC(at)]! : 0);
      }
    }
  }
  return y;
}
