/**
 * VGG16 and VGG19 (Simonyan and Zisserman 2014, nets D and E) and their heads: FCN-32s, 16s and 8s (paper, figure 3; fcn.md 1.3). The paper
 * found the two equal (4.1); the authors published VGG16's alone.
 */
import { heNormal } from "../../tensor/init.js";
import type { Trunk, TrunkLayer } from "../trunk.js";
import { CAFFE_PIXELS } from "./pixels.js";

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

/** `deep`: the convolutions in each of blocks 3, 4 and 5. */
function vgg(name: string, deep: number): Trunk {
  return {
    name,
    layers: [
      ...block(1, 64, 2),
      ...block(2, 128, 2),
      ...block(3, 256, deep),
      ...block(4, 512, deep),
      ...block(5, 512, deep),
      { op: "fullyConnected", name: "fc6", channels: 4096, extent: 7, relu: true },
      { op: "dropout", name: "drop6" },
      { op: "fullyConnected", name: "fc7", channels: 4096, extent: 1, relu: true },
      { op: "dropout", name: "drop7" },
      { op: "fullyConnected", name: "fc8", channels: 1000, extent: 1, relu: false },
    ],
    classifierOnly: ["fc8"],
    crop: { channels: 3, size: 224 },
    caffePadding: 100,
    init: heNormal,
    bias: { lrMult: 2, decayMult: 0 },
    pixels: CAFFE_PIXELS,
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
}

export const VGG16 = vgg("vgg16", 3);
export const VGG19 = vgg("vgg19", 4);
