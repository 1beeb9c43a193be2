/** The twenty steps of a narrow FCN-8s that other frameworks do too: options, images, first weights, and what the engine makes of them. */
import { initialWeights, sgd, trunkOf, type Gpu, type Weights } from "../src/index.js";
import { recipe, trainingNet, VOID } from "../src/training/index.js";

const [SIZE, CLASSES, STEPS] = [64, 5, 20];
const OPTIONS = {
  trunk: "vgg16",
  variant: "8s",
  classes: CLASSES,
  width: 1 / 16,
  padding: "same",
  upsampling: "learned2x",
  dropout: 0,
} as const;
const RECIPE = recipe("accumulated", { ...OPTIONS, learningRate: 1e-4, accumulate: 1 });

export interface Example {
  /** [3, size, size] as Caffe's nets take it: BGR less the mean. */
  readonly image: Float32Array;
  /** `ignore` where they do not count. */
  readonly labels: Uint8Array;
}

/** Nothing of how it is trained: rates, decay and multipliers are written out anew on the other side (fcn.md 2.1), where the engine's could not be wrong unseen. */
export interface Steps {
  readonly size: number;
  readonly classes: number;
  readonly ignore: number;
  readonly examples: readonly Example[];
  readonly start: Weights;
}

export interface Trained {
  /** Of each step, in front of its update; means over the pixels that count. */
  readonly losses: readonly number[];
  readonly weights: Weights;
}

function seeded(): () => number {
  let state = 12345;
  return () => (state = (state * 16807) % 2147483647) / 2147483647;
}

interface Drawn {
  readonly pixels: Uint32Array;
  readonly labels: Uint8Array;
}

/** Blobs of colour on noise, labelled by blob, an eighth of it void. */
function draw(random: () => number): Drawn {
  const centres = Array.from({ length: CLASSES }, () => [SIZE * random(), SIZE * random()] as const);
  const pixels = new Uint32Array(SIZE * SIZE);
  const labels = new Uint8Array(SIZE * SIZE);
  for (let p = 0; p < pixels.length; p++) {
    const distances = centres.map(([y, x]) => Math.hypot(Math.floor(p / SIZE) - y, (p % SIZE) - x));
    const label = distances.indexOf(Math.min(...distances));
    const byte = (c: number): number => Math.floor(64 * random() + 45 * ((label * (c + 2)) % 5));
    pixels[p] = (0xff000000 | (byte(2) << 16) | (byte(1) << 8) | byte(0)) >>> 0;
    labels[p] = random() < 1 / 8 ? VOID : label;
  }
  return { pixels, labels };
}

function example({ pixels, labels }: Drawn): Example {
  const { mean } = trunkOf("vgg16").pixels;
  const image = new Float32Array(3 * pixels.length);
  pixels.forEach((rgba, p) => mean.forEach((m, c) => (image[c * pixels.length + p] = ((rgba >>> (8 * (2 - c))) & 255) - m)));
  return { image, labels };
}

/** The steps as data, and the engine's own run of them. */
export function twentySteps(): Steps & { readonly train: (gpu: Gpu) => Promise<Trained> } {
  const net = trainingNet(OPTIONS, RECIPE, [SIZE, SIZE]);
  const random = seeded();
  // Scores at random: from zeros, the first steps would move nothing else.
  const start: Weights = new Map(
    [...initialWeights(net, 7)].map(([name, { shape, data }]) => {
      const isScore = name.startsWith("score") && name.endsWith(".weight");
      return [name, { shape, data: isScore ? data.map(() => 0.02 * (random() - 0.5)) : data }];
    }),
  );
  const drawn = Array.from({ length: STEPS }, () => draw(random));
  const { learningRate, momentum, weightDecay } = RECIPE;
  return {
    size: SIZE,
    classes: CLASSES,
    ignore: VOID,
    examples: drawn.map(example),
    start,
    async train(gpu) {
      using program = await gpu.compile(net);
      await program.load(start);
      const losses: number[] = [];
      const optimizer = sgd({ learningRate, momentum, weightDecay });
      for await (const { loss } of program.train(drawn, { loss: "loss", optimizer })) losses.push(loss!);
      return { losses, weights: await program.save() };
    },
  };
}
