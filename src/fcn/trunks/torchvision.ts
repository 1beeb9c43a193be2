/**
 * torchvision's AlexNet and GoogLeNet, which are other nets than Caffe's of these names, under Caffe's layer names. AlexNet is that of Krizhevsky's "one
 * weird trick" (2014): fewer channels, no groups, no normalisation. GoogLeNet has batch normalisation, which is part of its convolutions here (fcn-webgpu/weights
 * folds it), in place of local response normalisation, 3x3 kernels in its 5x5 branches, and a 2x2 pool4. Their weights are brought to BGR without
 * scaling, and keep their own mean.
 */
import type { Trunk, TrunkLayer } from "../trunk.js";
import { ALEXNET } from "./alexnet.js";
import { GOOGLENET } from "./googlenet.js";

const withoutLrn = ({ layers }: Trunk): TrunkLayer[] => layers.filter(({ op }) => op !== "lrn");

const CHANNELS: Readonly<Record<string, number>> = { conv1: 64, conv2: 192, conv4: 256 };

/** Dropout lies in front of fc6 and fc7. */
function alexnetLayers(): TrunkLayer[] {
  const layers = withoutLrn(ALEXNET).filter(({ op }) => op !== "dropout");
  return layers.flatMap((layer): TrunkLayer[] => {
    if (layer.op === "conv") {
      const { groups: _groups, ...conv } = layer;
      return [{ ...conv, channels: CHANNELS[layer.name] ?? layer.channels, ...(layer.name === "conv1" ? { padding: 2 } : {}) }];
    }
    const number = /^fc([67])$/.exec(layer.name)?.[1];
    return number === undefined ? [layer] : [{ op: "dropout", name: `drop${number}` }, layer];
  });
}

/** 255 times the means that torchvision's transforms subtract. */
export const ALEXNET_TORCHVISION: Trunk = {
  ...ALEXNET,
  name: "alexnet-torchvision",
  layers: alexnetLayers(),
  crop: { channels: 3, size: 224 },
  pixels: { order: "bgr", mean: [103.53, 116.28, 123.675], scale: 1 },
};

export const GOOGLENET_TORCHVISION: Trunk = {
  ...GOOGLENET,
  name: "googlenet-torchvision",
  layers: withoutLrn(GOOGLENET).map((layer): TrunkLayer => {
    if (layer.op === "conv" && layer.name.endsWith("/5x5")) return { ...layer, kernel: 3, padding: 1 };
    if (layer.op === "maxPool" && layer.name === "pool4/3x3_s2") return { ...layer, kernel: 2 };
    return layer.op === "dropout" ? { ...layer, p: 0.2 } : layer;
  }),
  // Its `transform_input` undoes the means of ImageNet.
  pixels: { order: "bgr", mean: [127.5, 127.5, 127.5], scale: 1 },
};
