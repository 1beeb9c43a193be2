/** Caffe's LeNet (examples/mnist/lenet.prototxt; fcn.md 1.1): the smallest net that goes the paper's whole way. No ReLU behind the convolutions. */
import { xavierUniform } from "../../tensor/init.js";
import type { Trunk } from "../trunk.js";

export const LENET: Trunk = {
  name: "lenet",
  layers: [
    { op: "conv", name: "conv1", channels: 20, kernel: 5, relu: false },
    { op: "maxPool", name: "pool1", kernel: 2, stride: 2 },
    { op: "conv", name: "conv2", channels: 50, kernel: 5, relu: false },
    { op: "maxPool", name: "pool2", kernel: 2, stride: 2 },
    { op: "fullyConnected", name: "ip1", channels: 500, extent: 4, relu: true },
    { op: "fullyConnected", name: "ip2", channels: 10, extent: 1, relu: false },
  ],
  classifierOnly: ["ip2"],
  crop: { channels: 1, size: 28 },
  // What the 28 x 28 crop needs to be covered by its own 6 x 6 map.
  caffePadding: 10,
  init: xavierUniform,
  bias: { lrMult: 2, decayMult: 1 },
  pixels: { order: "rgb", mean: [0, 0, 0], scale: 1 / 256 },
  heads: {
    "4s": { skips: [], upsampling: "upscore" },
    "2s": { skips: [{ from: "pool1", upsampling: "upscore2" }], upsampling: "upscore_pool1" },
  },
};
