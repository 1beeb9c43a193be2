/** Reference of src/kernels/conv2d.ts, conv-transpose2d.ts and conv2d-weight-grad.ts: the sums of their headers, term by term. */
import { epilogueInputs, type ConvEpilogue } from "../kernels/conv-geometry.js";
import type { Conv2dAttrs } from "../kernels/conv2d.js";
import type { ConvTranspose2dAttrs } from "../kernels/conv-transpose2d.js";
import type { Conv2dWeightGradAttrs } from "../kernels/conv2d-weight-grad.js";
import type { TensorSpec } from "../tensor/shape.js";
import { floats, type NdArray } from "./nd-array.js";

type Dims4 = [number, number, number, number];

export function conv2d(inputs: readonly NdArray[], attrs: Conv2dAttrs, output: TensorSpec): NdArray {
  const [x, weight] = inputs as [NdArray, NdArray];
  const [N, C, H, W] = x.shape as Dims4;
  const [, perGroup, Kh, Kw] = weight.shape as Dims4;
  const [, O, I, J] = output.shape as Dims4;
  const { stride, padding, dilation, groups } = attrs;
  const y = floats(output.shape);
  let at = 0;
  for (let n = 0; n < N; n++) {
    for (let o = 0; o < O; o++) {
      const firstChannel = Math.floor(o / (O / groups)) * perGroup;
      for (let i = 0; i < I; i++) {
        for (let j = 0; j < J; j++) {
          let sum = 0;
          for (let c = 0; c < perGroup; c++) {
            for (let u = 0; u < Kh; u++) {
              const h = i * stride[0] - padding[0] + u * dilation[0];
              if (h < 0 || h >= H) continue;
              for (let v = 0; v < Kw; v++) {
                const w = j * stride[1] - padding[1] + v * dilation[1];
                if (w < 0 || w >= W) continue;
                sum +=
                  x.data[((n * C + firstChannel + c) * H + h) * W + w]! * weight.data[((o * perGroup + c) * Kh + u) * Kw + v]!;
              }
            }
          }
          y.data[at++] = sum;
        }
      }
    }
  }
  return epilogue(y, inputs, attrs);
}

/** Scatters every input pixel through every tap; a crop is a shift by its offset, and what falls outside is dropped. */
export function convTranspose2d(inputs: readonly NdArray[], attrs: ConvTranspose2dAttrs, output: TensorSpec): NdArray {
  const [x, weight] = inputs as [NdArray, NdArray];
  const [N, C, H, W] = x.shape as Dims4;
  const [, perGroup, Kh, Kw] = weight.shape as Dims4;
  const [, O, I, J] = output.shape as Dims4;
  const { stride, padding, dilation, groups, crop } = attrs;
  const begin = [padding[0] + (crop?.offset[0] ?? 0), padding[1] + (crop?.offset[1] ?? 0)] as const;
  const y = floats(output.shape);
  for (let n = 0; n < N; n++) {
    for (let c = 0; c < C; c++) {
      const firstOutput = Math.floor(c / (C / groups)) * perGroup;
      for (let h = 0; h < H; h++) {
        for (let w = 0; w < W; w++) {
          const value = x.data[((n * C + c) * H + h) * W + w]!;
          for (let o = 0; o < perGroup; o++) {
            for (let u = 0; u < Kh; u++) {
              const i = h * stride[0] - begin[0] + u * dilation[0];
              if (i < 0 || i >= I) continue;
              for (let v = 0; v < Kw; v++) {
                const j = w * stride[1] - begin[1] + v * dilation[1];
                if (j < 0 || j >= J) continue;
                y.data[((n * O + firstOutput + o) * I + i) * J + j]! +=
                  value * weight.data[((c * perGroup + o) * Kh + u) * Kw + v]!;
              }
            }
          }
        }
      }
    }
  }
  return epilogue(y, inputs, attrs);
}

export function conv2dWeightGrad([x, dy]: readonly NdArray[], attrs: Conv2dWeightGradAttrs, output: TensorSpec): NdArray {
  const [N, C, H, W] = x!.shape as Dims4;
  const [, O, I, J] = dy!.shape as Dims4;
  const [, perGroup, Kh, Kw] = output.shape as Dims4;
  const { stride, padding, dilation, groups } = attrs;
  const dw = floats(output.shape);
  let at = 0;
  for (let o = 0; o < O; o++) {
    const firstChannel = Math.floor(o / (O / groups)) * perGroup;
    for (let c = 0; c < perGroup; c++) {
      for (let u = 0; u < Kh; u++) {
        for (let v = 0; v < Kw; v++) {
          let sum = 0;
          for (let n = 0; n < N; n++) {
            for (let i = 0; i < I; i++) {
              const h = i * stride[0] - padding[0] + u * dilation[0];
              if (h < 0 || h >= H) continue;
              for (let j = 0; j < J; j++) {
                const w = j * stride[1] - padding[1] + v * dilation[1];
                if (w < 0 || w >= W) continue;
                sum += dy!.data[((n * O + o) * I + i) * J + j]! * x!.data[((n * C + firstChannel + c) * H + h) * W + w]!;
              }
            }
          }
          dw.data[at++] = sum;
        }
      }
    }
  }
  return dw;
}

/** Bias, then add, then ReLU, then mask. */
function epilogue(y: NdArray, inputs: readonly NdArray[], attrs: ConvEpilogue): NdArray {
  const index = epilogueInputs(attrs);
  const bias = index.bias === null ? undefined : inputs[index.bias]!.data;
  const extra = index.extra === null ? undefined : inputs[index.extra]!.data;
  const [, O, I, J] = y.shape as Dims4;
  const data = y.data.map((value: number, i: number) => {
    let result = value + (bias ? bias[Math.floor(i / (I * J)) % O]! : 0);
    if (attrs.extra === "add") result += extra![i]!;
    if (attrs.relu) result = Math.max(result, 0);
    if (attrs.extra === "mask") result = extra![i]! > 0 ? result : 0;
    return result;
  });
  return floats(y.shape, data as Float64Array);
}
