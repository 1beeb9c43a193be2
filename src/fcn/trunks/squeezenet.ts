/**
 * SqueezeNet 1.1 by Caffe's names (Iandola et al. 2016, the authors' SqueezeNet_v1.1): 1.2 million parameters, a light trunk. Its stride is 16.
 * It is not in the paper: the skips are from the last layers of strides 8 and 4, in the manner of VGG16's.
 */
import { xavierUniform } from "../../tensor/init.js";
import type { Trunk, TrunkLayer } from "../trunk.js";
import { CAFFE_PIXELS } from "./pixels.js";

const pool = (index: number): TrunkLayer => ({ op: "maxPool", name: `pool${index}`, kernel: 3, stride: 2 });

/** 1x1 down to `squeeze` channels, then 1x1 and 3x3 side by side up to `expand` each. */
function fire(index: number, squeeze: number, expand: number): TrunkLayer[] {
  const name = (layer: string): string => `fire${index}/${layer}`;
  const from = name("squeeze1x1");
  return [
    { op: "conv", name: from, channels: squeeze, kernel: 1, relu: true },
    { op: "conv", name: name("expand1x1"), channels: expand, kernel: 1, relu: true },
    { op: "conv", name: name("expand3x3"), channels: expand, kernel: 3, padding: 1, relu: true, from },
    { op: "concat", name: name("concat"), from: [name("expand1x1"), name("expand3x3")] },
  ];
}

const FROM_FIRE5 = { from: "fire5/concat", name: "fire5", upsampling: "upscore2" };
const FROM_FIRE3 = { from: "fire3/concat", name: "fire3", upsampling: "upscore_fire5" };

export const SQUEEZENET: Trunk = {
  name: "squeezenet",
  layers: [
    { op: "conv", name: "conv1", channels: 64, kernel: 3, stride: 2, relu: true },
    pool(1),
    ...fire(2, 16, 64),
    ...fire(3, 16, 64),
    pool(3),
    ...fire(4, 32, 128),
    ...fire(5, 32, 128),
    pool(5),
    ...fire(6, 48, 192),
    ...fire(7, 48, 192),
    ...fire(8, 64, 256),
    ...fire(9, 64, 256),
    { op: "dropout", name: "drop9" },
    { op: "conv", name: "conv10", channels: 1000, kernel: 1, relu: true },
    { op: "globalAveragePool", name: "pool10" },
  ],
  classifierOnly: ["conv10", "pool10"],
  crop: { channels: 3, size: 227 },
  // One more than conv1's own, so that the scores cover every image.
  caffePadding: 1,
  init: xavierUniform,
  bias: { lrMult: 1, decayMult: 1 },
  pixels: CAFFE_PIXELS,
  heads: {
    "16s": { skips: [], upsampling: "upscore" },
    "8s": { skips: [FROM_FIRE5], upsampling: "upscore8" },
    "4s": { skips: [FROM_FIRE5, FROM_FIRE3], upsampling: "upscore4" },
    // VGG16's scales: nobody published others.
    "4s-at-once": {
      skips: [
        { ...FROM_FIRE5, scale: 0.01 },
        { ...FROM_FIRE3, scale: 0.0001 },
      ],
      upsampling: "upscore4",
    },
  },
};
