import { convTranspose2d, conv2d, graph, heNormal, input, maxPool2d, param, relu, softmaxCrossEntropy, zeros } from "fcn-webgpu";

/** One layer down, one layer up: scores for each pixel. */
export const net = graph({ image: input([1, 3, 8, 8]), labels: input([1, 8, 8], "i32") }, ({ image, labels }) => {
  const f = relu(conv2d(image, param("conv.weight", [4, 3, 3, 3], heNormal()), param("conv.bias", [4], zeros()), { padding: 1 }));
  const scores = convTranspose2d(maxPool2d(f, { kernel: 2 }), param("up.weight", [4, 2, 2, 2], heNormal()), null, { stride: 2 });
  return { scores, loss: softmaxCrossEntropy(scores, labels) };
});

export const inputs = {
  image: Float32Array.from({ length: 192 }, (_, i) => Math.sin(i)),
  labels: Int32Array.from({ length: 64 }, (_, i) => i % 2),
};
