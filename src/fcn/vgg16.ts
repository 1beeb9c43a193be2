/** VGG16 (Simonyan and Zisserman 2014, net D) and its heads: FCN-32s, 16s and 8s (paper, figure 3; fcn.md 1.3). */
import { heNormal } from "../tensor/init.js";
import type { Trunk, TrunkLayer } from "./trunk.js";

/** `count` 3x3 convolutions and the pool behind them. */
function block(index: number, channels: number, count: number): TrunkLayer[] {
  const convs = Array.from({ length: count }, (_, i): TrunkLayer => ({
    op: "conv",
    name: `conv${index}_${i + 1}`,
    channels,
    kernel: 3,
    padding: 1,
    relu: true,
  }));
  return [...convs, { op: "maxPool", name: `pool${index}`, kernel: 2, stride: 2 }];
}

export const VGG16: Trunk = {
  name: "vgg16",
  layers: [
    ...block(1, 64, 2),
    ...block(2, 128, 2),
    ...block(3, 256, 3),
    ...block(4, 512, 3),
    ...block(5, 512, 3),
    { op: "fullyConnected", name: "fc6", channels: 4096, extent: 7, dropout: true },
    { op: "fullyConnected", name: "fc7", channels: 4096, extent: 1, dropout: true },
  ],
  crop: { channels: 3, size: 224 },
  classification: { name: "fc8", classes: 1000 },
  caffePadding: 100,
  init: heNormal,
  bias: { lrMult: 2, decayMult: 0 },
  // The mean colour of the training set (fcn.md 2.3).
  pixels: { order: "bgr", mean: [104.00699, 116.66877, 122.67892], scale: 1 },
  heads: {
    "32s": { skips: [], upsampling: "upscore" },
    "16s": { skips: [{ from: "pool4", upsampling: "upscore2" }], upsampling: "upscore16" },
    "8s": {
      skips: [
        { from: "pool4", upsampling: "upscore2" },
        { from: "pool3", upsampling: "upscore_pool4" },
      ],
      upsampling: "upscore8",
    },
    // Trained in one go from the classifier: the scales keep the pools' large activations from drowning the rest (voc-fcn8s-atonce/net.py).
    "8s-at-once": {
      skips: [
        { from: "pool4", upsampling: "upscore2", scale: 0.01 },
        { from: "pool3", upsampling: "upscore_pool4", scale: 0.0001 },
      ],
      upsampling: "upscore8",
    },
  },
};
