/** The published .caffemodel files, layer by layer in the order of their prototxts, and the nets here that take their weights, at a narrow width. */
import { classifier, fcn, type Param, type Weights } from "../../src/index.js";
import { uniform } from "../../src/tensor/random.js";
import { numel } from "../../src/tensor/shape.js";

const conv = (name: string): string[] => [`${name} Convolution`, `relu${name.replace("conv", "")} ReLU`];
const vggTrunk = [2, 2, 3, 3, 3].flatMap((count, b) => [
  ...Array.from({ length: count }, (_, i) => conv(`conv${b + 1}_${i + 1}`)).flat(),
  `pool${b + 1} Pooling`,
]);
const full = (name: string, type: string): string[] => [
  `${name} ${type}`,
  `relu${name.slice(2)} ReLU`,
  `drop${name.slice(2)} Dropout`,
];
const vggTop = (type: string): string[] => [...full("fc6", type), ...full("fc7", type)];
const skip = (pool: string, up: string): string[] => [
  `score_${pool} Convolution`,
  `score_${pool}c Crop`,
  `fuse_${pool} Eltwise`,
  `${up} Deconvolution`,
];
const end = ["score Crop", "loss SoftmaxWithLoss"];
const caffeNet = (order: "pool" | "norm"): string[] => {
  const [first, second] = order === "pool" ? ["pool Pooling", "norm LRN"] : ["norm LRN", "pool Pooling"];
  const both = (i: number): string[] => [first, second].map((l) => l.replace(" ", `${i} `));
  return [
    ...conv("conv1"),
    ...both(1),
    ...conv("conv2"),
    ...both(2),
    ...["3", "4", "5"].flatMap((i) => conv(`conv${i}`)),
    "pool5 Pooling",
  ];
};
const fcn16 = ["data Python", ...vggTrunk, ...vggTop("Convolution"), "score_fr Convolution", "upscore2 Deconvolution"];

export type Net = { readonly params: readonly Param[] };
export const vgg = { trunk: "vgg16", classes: 3, width: 1 / 64, size: [32, 32] } as const;
const alexnet = { trunk: "alexnet", width: 1 / 48 } as const;

/** File -> its layers in the order of the authors' prototxts, and the net here that takes its weights. */
export const NETS: readonly { file: string; form: "V1" | "V2"; lines: readonly string[]; to: Net }[] = [
  {
    file: "VGG_ILSVRC_16_layers",
    form: "V1",
    lines: [...vggTrunk, ...vggTop("InnerProduct"), "fc8 InnerProduct", "prob Softmax"],
    to: classifier({ trunk: "vgg16", classes: 5, width: 1 / 64 }),
  },
  {
    file: "bvlc_alexnet",
    form: "V1",
    lines: ["data Data", ...caffeNet("norm"), ...vggTop("InnerProduct"), "fc8 InnerProduct", "loss SoftmaxWithLoss"],
    to: classifier({ ...alexnet, trunk: "alexnet-bvlc", classes: 5 }),
  },
  {
    file: "fcn-alexnet-pascal",
    form: "V2",
    lines: [
      "data Python",
      ...caffeNet("pool"),
      ...vggTop("Convolution"),
      "score_fr Convolution",
      "upscore Deconvolution",
      ...end,
    ],
    to: fcn({ ...alexnet, variant: "32s", classes: 3, size: [40, 40] }),
  },
  {
    file: "fcn32s-heavy-pascal",
    form: "V2",
    lines: ["data Python", ...vggTrunk, ...vggTop("Convolution"), "score_fr Convolution", "upscore Deconvolution", ...end],
    to: fcn({ ...vgg, variant: "32s" }),
  },
  {
    file: "fcn16s-heavy-pascal",
    form: "V2",
    lines: [...fcn16, ...skip("pool4", "upscore16"), ...end],
    to: fcn({ ...vgg, variant: "16s" }),
  },
  {
    file: "fcn8s-heavy-pascal",
    form: "V2",
    lines: [...fcn16, ...skip("pool4", "upscore_pool4"), ...skip("pool3", "upscore8"), ...end],
    to: fcn({ ...vgg, variant: "8s" }),
  },
];

export function randomWeights(params: readonly { readonly name: string; readonly shape: readonly number[] }[]): Weights {
  const random = uniform(3);
  return new Map(
    params.map(({ name, shape }) => [name, { shape, data: Float32Array.from({ length: numel(shape) }, () => random() - 0.5) }]),
  );
}

/** Two side classifiers, with whatever channels: nothing here has them. */
const SIDES = ["loss1", "loss2"].flatMap((name) => [
  { name: `${name}/conv.weight`, shape: [2, 3, 1, 1] },
  { name: `${name}/conv.bias`, shape: [2] },
  { name: `${name}/fc.weight`, shape: [4, 32] },
  { name: `${name}/fc.bias`, shape: [4] },
  { name: `${name}/classifier.weight`, shape: [5, 4] },
  { name: `${name}/classifier.bias`, shape: [5] },
]);

/** bvlc_googlenet's train_val.prototxt, every layer, as wide as `to`. */
export function bvlcGooglenet(to: Net): {
  readonly lines: readonly string[];
  readonly weights: Weights;
  readonly sides: readonly string[];
} {
  const conv = (name: string): string[] => [`${name} Convolution`, `${name.replace(/\/(?=[^/]*$)/, "/relu_")} ReLU`];
  const inception = (name: string): string[] => [
    ...["1x1", "3x3_reduce", "3x3", "5x5_reduce", "5x5"].flatMap((l) => conv(`inception_${name}/${l}`)),
    `inception_${name}/pool Pooling`,
    ...conv(`inception_${name}/pool_proj`),
    `inception_${name}/output Concat`,
  ];
  const side = (name: string): string[] => [
    `${name}/ave_pool Pooling`,
    `${name}/conv Convolution`,
    `${name}/relu_conv ReLU`,
    `${name}/fc InnerProduct`,
    `${name}/relu_fc ReLU`,
    `${name}/drop_fc Dropout`,
    `${name}/classifier InnerProduct`,
    `${name}/loss SoftmaxWithLoss`,
  ];
  const lines = [
    "data Data",
    "conv1/7x7_s2 Convolution",
    "conv1/relu_7x7 ReLU",
    "pool1/3x3_s2 Pooling",
    "pool1/norm1 LRN",
    ...conv("conv2/3x3_reduce"),
    ...conv("conv2/3x3"),
    "conv2/norm2 LRN",
    "pool2/3x3_s2 Pooling",
    ...["3a", "3b"].flatMap(inception),
    "pool3/3x3_s2 Pooling",
    ...inception("4a"),
    ...side("loss1"),
    ...["4b", "4c", "4d"].flatMap(inception),
    ...side("loss2"),
    ...inception("4e"),
    "pool4/3x3_s2 Pooling",
    ...["5a", "5b"].flatMap(inception),
    "pool5/7x7_s1 Pooling",
    "pool5/drop_7x7_s1 Dropout",
    "loss3/classifier InnerProduct",
    "loss3/loss3 SoftmaxWithLoss",
  ];
  return { lines, weights: randomWeights([...to.params, ...SIDES]), sides: SIDES.map(({ name }) => name) };
}
