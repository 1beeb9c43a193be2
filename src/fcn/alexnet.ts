/** The paper's "AlexNet": the public CaffeNet, which pools before it normalises (fcn.md 1.2). */
import { heNormal } from "../tensor/init.js";
import type { Trunk } from "./trunk.js";

export const ALEXNET: Trunk = {
  name: "alexnet",
  layers: [
    { op: "conv", name: "conv1", channels: 96, kernel: 11, stride: 4, relu: true },
    { op: "maxPool", name: "pool1", kernel: 3, stride: 2 },
    { op: "lrn", name: "norm1" },
    { op: "conv", name: "conv2", channels: 256, kernel: 5, padding: 2, groups: 2, relu: true },
    { op: "maxPool", name: "pool2", kernel: 3, stride: 2 },
    { op: "lrn", name: "norm2" },
    { op: "conv", name: "conv3", channels: 384, kernel: 3, padding: 1, relu: true },
    { op: "conv", name: "conv4", channels: 384, kernel: 3, padding: 1, groups: 2, relu: true },
    { op: "conv", name: "conv5", channels: 256, kernel: 3, padding: 1, groups: 2, relu: true },
    { op: "maxPool", name: "pool5", kernel: 3, stride: 2 },
    { op: "fullyConnected", name: "fc6", channels: 4096, extent: 6, dropout: true },
    { op: "fullyConnected", name: "fc7", channels: 4096, extent: 1, dropout: true },
  ],
  crop: { channels: 3, size: 227 },
  classification: { name: "fc8", classes: 1000 },
  caffePadding: 100,
  init: heNormal,
  // voc-fcn-alexnet/net.py sets no multipliers.
  bias: { lrMult: 1, decayMult: 1 },
  pixels: { order: "bgr", mean: [104.00699, 116.66877, 122.67892], scale: 1 },
  heads: { "32s": { skips: [], upsampling: "upscore" } },
};
