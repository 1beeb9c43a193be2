/**
 * AlexNet in two orders (fcn.md 1.2): the paper's is the public CaffeNet, which pools before it normalises (its footnote 3); BVLC AlexNet normalises
 * first, as Krizhevsky et al. 2012. Layers, shapes and parameters are the same.
 */
import { heNormal } from "../../tensor/init.js";
import type { Trunk, TrunkLayer } from "../trunk.js";
import { CAFFE_PIXELS } from "./pixels.js";

const pool = (index: number): TrunkLayer => ({ op: "maxPool", name: `pool${index}`, kernel: 3, stride: 2 });
const norm = (index: number): TrunkLayer => ({ op: "lrn", name: `norm${index}` });

function alexnet(name: string, poolAndNorm: (index: number) => readonly TrunkLayer[]): Trunk {
  return {
    name,
    layers: [
      { op: "conv", name: "conv1", channels: 96, kernel: 11, stride: 4, relu: true },
      ...poolAndNorm(1),
      { op: "conv", name: "conv2", channels: 256, kernel: 5, padding: 2, groups: 2, relu: true },
      ...poolAndNorm(2),
      { op: "conv", name: "conv3", channels: 384, kernel: 3, padding: 1, relu: true },
      { op: "conv", name: "conv4", channels: 384, kernel: 3, padding: 1, groups: 2, relu: true },
      { op: "conv", name: "conv5", channels: 256, kernel: 3, padding: 1, groups: 2, relu: true },
      pool(5),
      { op: "fullyConnected", name: "fc6", channels: 4096, extent: 6, relu: true },
      { op: "dropout", name: "drop6" },
      { op: "fullyConnected", name: "fc7", channels: 4096, extent: 1, relu: true },
      { op: "dropout", name: "drop7" },
      { op: "fullyConnected", name: "fc8", channels: 1000, extent: 1, relu: false },
    ],
    classifierOnly: ["fc8"],
    crop: { channels: 3, size: 227 },
    caffePadding: 100,
    init: heNormal,
    // voc-fcn-alexnet/net.py sets no multipliers.
    bias: { lrMult: 1, decayMult: 1 },
    pixels: CAFFE_PIXELS,
    heads: { "32s": { skips: [], upsampling: "upscore" } },
  };
}

export const ALEXNET = alexnet("alexnet", (index) => [pool(index), norm(index)]);
export const ALEXNET_BVLC = alexnet("alexnet-bvlc", (index) => [norm(index), pool(index)]);
