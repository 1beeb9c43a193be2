/** A small net that a page and a worker both run: its scores must not depend on where it runs. */
import { conv2d, graph, heNormal, input, maxPool2d, param, relu, zeros } from "../../src/index.js";

export const IMAGE = Float32Array.from({ length: 3 * 9 * 7 }, (_, i) => Math.sin(i));

export function smallNet() {
  return graph({ image: input([1, 3, 9, 7]) }, ({ image }) => {
    const features = relu(
      conv2d(image, param("conv.weight", [5, 3, 3, 3], heNormal()), param("conv.bias", [5], zeros()), { padding: 1 }),
    );
    return { scores: maxPool2d(features, { kernel: 2, ceil: true }) };
  });
}
