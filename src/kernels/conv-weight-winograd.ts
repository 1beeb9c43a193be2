/**
 * Variant `winograd` of conv2dWeightGrad for 3x3 kernels at stride 1: the adjoint of F(4x4, 3x3) (conv-winograd.ts), dw = G^T [sum over tiles of
 * (B^T d B) (A dy A^T)] G. 36 multiplications for a tile and a pair of channels in place of 144; the sums over tiles are the weight gradient of a 1x1
 * convolution in 36 groups. On software adapters only: on a GPU it has not been tried.
 */
import { ceilTo } from "../tensor/layout.js";
import type { Shape } from "../tensor/shape.js";
import type { Pair2, TrilinearForm } from "./conv-geometry.js";
import { productOn } from "./conv-product.js";
import { F4, isStraight, pointwise, transformsOf } from "./conv-winograd.js";
import { dispatch, grid, inputRef, scratchRef, type DeviceTraits, type Variant } from "./op.js";

const { tile, points, errorFactor } = F4;
/**
 * Measured at 302 MFLOP, CPU time of a run against the best other variant: 64 channels on 64x64 pixels 0.43 on lavapipe and 0.56 on SwiftShader, 128
 * on 32x32 0.68 and 0.48, 256 on 16x16 1.13 and 0.69, 512 on 8x8 2.2 and 1.24. What a weight costs beside its products is paid by many tiles alone.
 */
const FROM_FLOPS = 2 ** 26;
const LEAST_TILES = { lavapipe: 64, others: 16 };

/** Whether there are tiles enough for it to be faster. */
export function weightGradWinogradIsBetter({ batch, y }: TrilinearForm, { subgroupSize }: DeviceTraits): boolean {
  const tiles = batch * Math.ceil(y[0] / tile) * Math.ceil(y[1] / tile);
  return tiles >= (subgroupSize === 8 ? LEAST_TILES.lavapipe : LEAST_TILES.others);
}

/**
 * The form must fit (`winogradApplies`). `product` gives the variant that multiplies and adds up; null where that is not one dispatch, and on maps
 * smaller than a tile: a sum of few products, some of which are 0, is less exact than it could be.
 */
export function weightGradWinogradVariant(
  form: TrilinearForm,
  device: DeviceTraits,
  product: (form: TrilinearForm, weight: Shape) => Variant | null,
): Variant | null {
  if (form.y.some((size) => size < tile)) return null;
  const tiles: Pair2 = [Math.ceil(form.y[0] / tile), Math.ceil(form.y[1] / tile)];
  const count = form.batch * tiles[0] * tiles[1];
  const [inVec4s, outVec4s] = [ceilTo(form.channels, 4) / 4, ceilTo(form.outputs, 4) / 4];
  const weightVec4s = form.outputs * inVec4s;
  const products = product(pointwise(form, points, count), [points * form.outputs, 4 * inVec4s, 1, 1]);
  if (products?.dispatches.length !== 1) return null;
  const [v, z, m] = [scratchRef(0), scratchRef(1), scratchRef(2)];
  const constants = { STRAIGHT: isStraight(device) };
  const transforms = transformsOf(F4, device);
  const values = inVec4s * (4 / transforms.lanes);
  const input = dispatch(transforms.input, {
    params: { count: count * values, in_size: form.x, values, tiles, before: form.pad, points },
    constants,
    buffers: { x: inputRef(0), v },
    workgroups: grid(count * values),
  });
  const gradient = dispatch("conv2d-weight-grad.winograd-dy", {
    params: { count: count * outVec4s, dy_size: form.y, vec4s: outVec4s, tiles, points },
    constants,
    buffers: { dy: inputRef(1), z },
    workgroups: grid(count * outVec4s),
  });
  const output = dispatch("conv2d-weight-grad.winograd-dw", {
    params: { count: weightVec4s, vec4s: inVec4s, taps: 9 },
    constants,
    buffers: { m, dw: "output" },
    workgroups: grid(weightVec4s),
  });
  return {
    name: "winograd",
    fromFlops: FROM_FLOPS,
    errorFactor,
    scratchBytes: [16 * points * count * inVec4s, 16 * points * count * outVec4s, 16 * points * weightVec4s],
    dispatches: [input, gradient, ...productOn(products, v, z, m), output],
  };
}
