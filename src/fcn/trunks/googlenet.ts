/**
 * GoogLeNet by the names of Caffe's bvlc_googlenet (Szegedy et al. 2015; fcn.md 1.4), with its last loss layer only, as in the paper's footnote
 * 4. As an FCN it goes without the 7x7 average pool. No code or head was published: the skips here are from the last layers of strides 16 and 8,
 * in the manner of VGG16's.
 */
import { xavierUniform } from "../../tensor/init.js";
import type { Trunk, TrunkLayer } from "../trunk.js";
import { CAFFE_PIXELS } from "./pixels.js";

const conv = (name: string, channels: number, kernel: number, from?: string): TrunkLayer => ({
  op: "conv",
  name,
  channels,
  kernel,
  padding: (kernel - 1) / 2,
  relu: true,
  ...(from === undefined ? {} : { from }),
});

const pool = (name: string): TrunkLayer => ({ op: "maxPool", name, kernel: 3, stride: 2 });

/** Four branches side by side: 1x1; 1x1 and 3x3; 1x1 and 5x5; a padded pool and 1x1. Channels in the order of the paper's table 1. */
function inception(
  index: string,
  from: string,
  [one, threeReduce, three, fiveReduce, five, projected]: readonly [number, number, number, number, number, number],
): TrunkLayer[] {
  const name = (layer: string): string => `inception_${index}/${layer}`;
  return [
    conv(name("1x1"), one, 1, from),
    conv(name("3x3_reduce"), threeReduce, 1, from),
    conv(name("3x3"), three, 3),
    conv(name("5x5_reduce"), fiveReduce, 1, from),
    conv(name("5x5"), five, 5),
    { op: "maxPool", name: name("pool"), kernel: 3, stride: 1, padding: 1, from },
    conv(name("pool_proj"), projected, 1),
    { op: "concat", name: name("output"), from: [name("1x1"), name("3x3"), name("5x5"), name("pool_proj")] },
  ];
}

const FROM_4E = { from: "inception_4e/output", name: "inception_4e", upsampling: "upscore2" };
const FROM_3B = { from: "inception_3b/output", name: "inception_3b", upsampling: "upscore_inception_4e" };

export const GOOGLENET: Trunk = {
  name: "googlenet",
  layers: [
    { op: "conv", name: "conv1/7x7_s2", channels: 64, kernel: 7, stride: 2, padding: 3, relu: true },
    pool("pool1/3x3_s2"),
    { op: "lrn", name: "pool1/norm1" },
    conv("conv2/3x3_reduce", 64, 1),
    conv("conv2/3x3", 192, 3),
    { op: "lrn", name: "conv2/norm2" },
    pool("pool2/3x3_s2"),
    ...inception("3a", "pool2/3x3_s2", [64, 96, 128, 16, 32, 32]),
    ...inception("3b", "inception_3a/output", [128, 128, 192, 32, 96, 64]),
    pool("pool3/3x3_s2"),
    ...inception("4a", "pool3/3x3_s2", [192, 96, 208, 16, 48, 64]),
    ...inception("4b", "inception_4a/output", [160, 112, 224, 24, 64, 64]),
    ...inception("4c", "inception_4b/output", [128, 128, 256, 24, 64, 64]),
    ...inception("4d", "inception_4c/output", [112, 144, 288, 32, 64, 64]),
    ...inception("4e", "inception_4d/output", [256, 160, 320, 32, 128, 128]),
    pool("pool4/3x3_s2"),
    ...inception("5a", "pool4/3x3_s2", [256, 160, 320, 32, 128, 128]),
    ...inception("5b", "inception_5a/output", [384, 192, 384, 48, 128, 128]),
    { op: "averagePool", name: "pool5/7x7_s1", kernel: 7, stride: 1 },
    { op: "dropout", name: "pool5/drop_7x7_s1", p: 0.4 },
    { op: "fullyConnected", name: "loss3/classifier", channels: 1000, extent: 1, relu: false },
  ],
  classifierOnly: ["pool5/7x7_s1", "loss3/classifier"],
  auxiliary: ["loss1/*", "loss2/*"],
  crop: { channels: 3, size: 224 },
  // conv1's own: the scores cover every image from 31 pixels on, and 100 would double the work (fcn.md 1.4).
  caffePadding: 3,
  init: xavierUniform,
  bias: { lrMult: 2, decayMult: 0 },
  pixels: CAFFE_PIXELS,
  heads: {
    "32s": { skips: [], upsampling: "upscore" },
    "16s": { skips: [FROM_4E], upsampling: "upscore16" },
    "8s": { skips: [FROM_4E, FROM_3B], upsampling: "upscore8" },
    // VGG16's scales: nobody published others.
    "8s-at-once": {
      skips: [
        { ...FROM_4E, scale: 0.01 },
        { ...FROM_3B, scale: 0.0001 },
      ],
      upsampling: "upscore8",
    },
  },
};
