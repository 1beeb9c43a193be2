/**
 * What is timed: convolutions, poolings and transposed convolutions of the paper's nets (A to D), their gradients (E), two whole nets with a training
 * step (F), and how cost grows (G). Batch 1, f32. Weights
 * of transposed convolutions are dense and random, so that no bilinear shortcut counts. Data come from seeds: every engine gets the same.
 */
import { net, type Net, type NetBuilder } from "./net.js";

export type Group = "A" | "B" | "C" | "D" | "E" | "F" | "G";

interface WorkloadBase {
  readonly id: string;
  readonly group: Group;
  readonly title: string;
  readonly net: Net;
  readonly flops: number;
}

export type Workload = WorkloadBase &
  (
    | { readonly kind: "forward" }
    /** The gradient of the net's only layer, given the one that arrives at its output. */
    | { readonly kind: "gradient"; readonly of: "input" | "filter" }
    /** Softmax cross entropy, mean over the pixels; v = momentum v + gradient, w -= learningRate v. */
    | { readonly kind: "training"; readonly learningRate: number; readonly momentum: number }
  );

function forward(id: string, group: Group, title: string, built: Net): Workload {
  return { id, group, title, kind: "forward", net: built, flops: built.flops };
}

function gradientsOf(base: Workload): Workload[] {
  const pool = base.net.layers[0]!.op === "pool";
  return (pool ? (["input"] as const) : (["input", "filter"] as const)).map((of) => ({
    id: `E-${base.id}-${of}`,
    group: "E",
    title: `d/d${of} ${base.title.replace("+bias+relu", "")}`,
    kind: "gradient",
    of,
    net: base.net,
    flops: base.flops,
  }));
}

const convolutions3x3 = (
  [
    ["A1", 64, 64, 64],
    ["A2", 128, 128, 32],
    ["A3", 256, 256, 16],
    ["A4", 512, 512, 8],
    ["A5", 3, 64, 128],
  ] as const
).map(([id, channelsIn, channelsOut, size]) =>
  forward(
    id,
    "A",
    `conv3x3+bias+relu ${channelsIn}->${channelsOut} @${size}x${size}`,
    net([channelsIn, size, size], (b) => b.conv("c", channelsOut, 3, { padding: 1 })),
  ),
);

const otherConvolutions = [
  forward(
    "B1",
    "B",
    "conv1x1+bias 512->21 @16x16",
    net([512, 16, 16], (b) => b.conv("c", 21, 1, { relu: false })),
  ),
  forward(
    "B2",
    "B",
    "conv1x1+bias+relu 256->256 @32x32",
    net([256, 32, 32], (b) => b.conv("c", 256, 1)),
  ),
  forward(
    "B3",
    "B",
    "conv7x7 p0+bias+relu 64->256 @12x12",
    net([64, 12, 12], (b) => b.conv("c", 256, 7)),
  ),
  forward(
    "B4",
    "B",
    "conv11x11 s4 p0+bias+relu 3->96 @131x131",
    net([3, 131, 131], (b) => b.conv("c", 96, 11, { stride: 4 })),
  ),
  forward(
    "B5",
    "B",
    "conv5x5 p2+bias+relu 96->256 @15x15",
    net([96, 15, 15], (b) => b.conv("c", 256, 5, { padding: 2 })),
  ),
];

const poolings = [
  forward(
    "C1",
    "C",
    "maxpool 2x2 s2 @64x128x128",
    net([64, 128, 128], (b) => b.pool("p", 2, 2)),
  ),
  forward(
    "C2",
    "C",
    "maxpool 3x3 s2 @64x128x128",
    net([64, 128, 128], (b) => b.pool("p", 3, 2)),
  ),
];

const transposedConvolutions = (
  [
    ["D1", 64, 32, 8],
    ["D2", 16, 8, 16],
    ["D3", 4, 2, 32],
  ] as const
).map(([id, kernel, stride, size]) =>
  forward(
    id,
    "D",
    `deconv${kernel}x${kernel} s${stride} 21->21 @${size}x${size}`,
    net([21, size, size], (b) => b.deconv("d", 21, kernel, stride, 0)),
  ),
);

/** VGG16 at an eighth of its width, padding "same" instead of 100. */
function fcn8s(b: NetBuilder): void {
  const pools: string[] = [];
  const stages = [
    [8, 2],
    [16, 2],
    [32, 3],
    [64, 3],
    [64, 3],
  ] as const;
  stages.forEach(([channels, layers], stage) => {
    for (let i = 1; i <= layers; i++) b.conv(`conv${stage + 1}_${i}`, channels, 3, { padding: 1 });
    pools.push(b.pool(`pool${stage + 1}`, 2, 2));
  });
  b.conv("fc6", 512, 7, { padding: 3 });
  b.conv("fc7", 512, 1);
  b.conv("score_fr", 21, 1, { relu: false });
  const upscore2 = b.deconv("upscore2", 21, 4, 2, 1);
  const scorePool4 = b.conv("score_pool4", 21, 1, { relu: false, from: pools[3]! });
  b.add("fuse_pool4", upscore2, scorePool4);
  const upscorePool4 = b.deconv("upscore_pool4", 21, 4, 2, 1);
  const scorePool3 = b.conv("score_pool3", 21, 1, { relu: false, from: pools[2]! });
  b.add("fuse_pool3", upscorePool4, scorePool3);
  b.deconv("upscore8", 21, 16, 8, 4);
}

/** AlexNet at a quarter of its width, without normalisation and groups; fc6 pads 3. */
function fcn32sAlexNet(b: NetBuilder): void {
  b.conv("conv1", 24, 11, { stride: 4, padding: 2 });
  b.pool("pool1", 3, 2);
  b.conv("conv2", 64, 5, { padding: 2 });
  b.pool("pool2", 3, 2);
  for (const [name, channels] of [
    ["conv3", 96],
    ["conv4", 96],
    ["conv5", 64],
  ] as const)
    b.conv(name, channels, 3, { padding: 1 });
  b.pool("pool5", 3, 2);
  b.conv("fc6", 1024, 6, { padding: 3 });
  b.conv("fc7", 1024, 1);
  b.conv("score_fr", 21, 1, { relu: false });
  b.deconv("upscore", 21, 64, 32, 16);
}

const narrowFcn8s = net([3, 128, 128], fcn8s);

const nets: Workload[] = [
  forward("F1", "F", "FCN-8s VGG16/8 @128x128 forward", narrowFcn8s),
  forward("F2", "F", "FCN-32s AlexNet/4 @224x224 forward", net([3, 224, 224], fcn32sAlexNet)),
  {
    id: "F3",
    group: "F",
    title: "FCN-8s VGG16/8 @128x128 training step",
    kind: "training",
    net: narrowFcn8s,
    flops: 3 * narrowFcn8s.flops,
    learningRate: 0.01,
    momentum: 0.9,
  },
];

/** How cost grows: the same grid at two strides, and F1 at sixteen times the pixels. Compared by time per pixel of the output. */
const growth: Workload[] = [
  ...(
    [
      ["G1", 4, 2],
      ["G2", 64, 32],
    ] as const
  ).map(([id, kernel, stride]) =>
    forward(
      id,
      "G",
      `deconv${kernel}x${kernel} s${stride} 21->21 @16x16`,
      net([21, 16, 16], (b) => b.deconv("d", 21, kernel, stride, 0)),
    ),
  ),
  forward("G3", "G", "FCN-8s VGG16/8 @128x128 forward", narrowFcn8s),
  forward("G4", "G", "FCN-8s VGG16/8 @512x512 forward", net([3, 512, 512], fcn8s)),
];

/** Time per pixel is a time divided by these. */
export const outputPixels = ({ net: { shapes, output } }: Workload): number => shapes[output]![1] * shapes[output]![2];

export const WORKLOADS: readonly Workload[] = [
  ...convolutions3x3,
  ...otherConvolutions,
  ...poolings,
  ...transposedConvolutions,
  ...[...convolutions3x3, ...transposedConvolutions, ...poolings].flatMap(gradientsOf),
  ...nets,
  ...growth,
];
