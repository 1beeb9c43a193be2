/** Names that other libraries give to the layers of nets that this engine has: theirs beside those of the trunks here, which are Caffe's. */
import { PIXELS, type Pixels } from "./pixels.js";

export interface NameTable {
  /** The trunk here that takes the weights. */
  readonly trunk: string;
  /** Pairs: their layer, our layer, in order. The first is the convolution of the image, the last the classification layer, which may be missing. */
  readonly layers: readonly (readonly [theirs: string, ours: string])[];
  /** Batch normalisation behind convolutions: its epsilon, and where it and the convolution lie below a layer's name. */
  readonly batchNorm?: { readonly epsilon: number; readonly conv: string; readonly norm: string };
  /** Their names of what no trunk here has: auxiliary classifiers. */
  readonly ignored?: RegExp;
  /** What the weights were trained on. */
  readonly pixels: Pixels;
}

/** Indices of the convolutions in `features`, between them ReLUs and the pools behind each block. */
function vggFeatures(counts: readonly number[]): [string, string][] {
  let index = 0;
  return counts.flatMap((count, block) => {
    const convs = Array.from({ length: count }, (_, i): [string, string] => [
      `features.${index + 2 * i}`,
      `conv${block + 1}_${i + 1}`,
    ]);
    index += 2 * count + 1;
    return convs;
  });
}

const VGG16 = vggFeatures([2, 2, 3, 3, 3]);
const VGG19 = vggFeatures([2, 2, 4, 4, 4]);
const fullyConnected = (...names: readonly [string, string, string]): [string, string][] =>
  names.map((name, i) => [name, `fc${6 + i}`]);
const torchvisionVgg = fullyConnected("classifier.0", "classifier.3", "classifier.6");
/** timm keeps the fully connected layers as convolutions. */
const timmVgg = fullyConnected("pre_logits.fc1", "pre_logits.fc2", "head.fc");

const INCEPTIONS = ["3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b"];
const BRANCHES: readonly (readonly [string, string])[] = [
  ["branch1", "1x1"],
  ["branch2.0", "3x3_reduce"],
  ["branch2.1", "3x3"],
  ["branch3.0", "5x5_reduce"],
  ["branch3.1", "5x5"],
  ["branch4.1", "pool_proj"],
];

const FIRES = [2, 3, 4, 5, 6, 7, 8, 9];
const FIRE_LAYERS = ["squeeze1x1", "expand1x1", "expand3x3"];

export const NAME_TABLES = {
  "torchvision/vgg16": { trunk: "vgg16", layers: [...VGG16, ...torchvisionVgg], pixels: PIXELS.torchvision },
  "torchvision/vgg19": { trunk: "vgg19", layers: [...VGG19, ...torchvisionVgg], pixels: PIXELS.torchvision },
  "timm/vgg16": { trunk: "vgg16", layers: [...VGG16, ...timmVgg], pixels: PIXELS.torchvision },
  "timm/vgg19": { trunk: "vgg19", layers: [...VGG19, ...timmVgg], pixels: PIXELS.torchvision },
  "torchvision/alexnet": {
    trunk: "alexnet-torchvision",
    layers: [
      ...[0, 3, 6, 8, 10].map((index, i): [string, string] => [`features.${index}`, `conv${i + 1}`]),
      ...fullyConnected("classifier.1", "classifier.4", "classifier.6"),
    ],
    pixels: PIXELS.torchvision,
  },
  "torchvision/googlenet": {
    trunk: "googlenet-torchvision",
    layers: [
      ["conv1", "conv1/7x7_s2"],
      ["conv2", "conv2/3x3_reduce"],
      ["conv3", "conv2/3x3"],
      ...INCEPTIONS.flatMap((index) =>
        BRANCHES.map(([theirs, ours]): [string, string] => [`inception${index}.${theirs}`, `inception_${index}/${ours}`]),
      ),
      ["fc", "loss3/classifier"],
    ],
    batchNorm: { epsilon: 1e-3, conv: "conv", norm: "bn" },
    ignored: /^aux[12]\./,
    pixels: PIXELS.centred,
  },
  /** squeezenet1.1 of the ONNX model zoo, from MXNet: convolutions counted in the order of the file. */
  "onnx/squeezenet": {
    trunk: "squeezenet",
    layers: [
      ["conv0", "conv1"],
      ...FIRES.flatMap((fire, f) =>
        FIRE_LAYERS.map((layer, i): [string, string] => [`conv${1 + 3 * f + i}`, `fire${fire}/${layer}`]),
      ),
      ["conv25", "conv10"],
    ],
    pixels: PIXELS.torchvision,
  },
  /** LeNet of OpenVINO's samples: Caffe's, with its fully connected layers called fc. */
  "openvino/lenet": {
    trunk: "lenet",
    layers: [
      ["conv1", "conv1"],
      ["conv2", "conv2"],
      ["fc1", "ip1"],
      ["fc2", "ip2"],
    ],
    pixels: { order: "rgb", mean: [0], scale: 1 / 256 },
  },
} as const satisfies Record<string, NameTable>;

export type NameTableName = keyof typeof NAME_TABLES;
