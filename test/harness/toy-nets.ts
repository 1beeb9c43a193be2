/** Small nets that have a bit of everything, for tests of the graph runtime. */
import {
  add,
  bilinear,
  conv2d,
  convTranspose2d,
  crop2d,
  dropout,
  gemm,
  graph,
  heNormal,
  input,
  maxPool2d,
  param,
  relu,
  flatten,
  softmaxCrossEntropy,
  zeros,
} from "../../src/index.js";

export interface ToyOptions {
  readonly batch?: number;
  readonly size?: readonly [number, number];
  readonly channels?: number;
  readonly dropout?: boolean;
}

/** An FCN with a skip: conv, pool, conv, score; upsampled, cropped, added to the score of the pool; upsampled to the image. */
export function toyFcn({ batch = 2, size = [13, 11], channels = 6, dropout: withDropout = false }: ToyOptions = {}) {
  const [h, w] = size;
  return graph({ image: input([batch, 3, h, w]), labels: input([batch, h, w], "i32") }, ({ image, labels }) => {
    const conv = (x: typeof image, name: string, c: number, k: number, p: number) =>
      conv2d(
        x,
        param(`${name}.weight`, [c, x.shape[1]!, k, k], heNormal()),
        param(`${name}.bias`, [c], zeros(), { lrMult: 2, decayMult: 0 }),
        { padding: p },
      );
    const pool1 = maxPool2d(relu(conv(image, "conv1", channels, 3, 4)), { kernel: 2, ceil: true });
    const pool2 = maxPool2d(relu(conv(pool1, "conv2", channels + 2, 3, 1)), { kernel: 2, ceil: true });
    const top = withDropout ? dropout(pool2, { p: 0.5, seed: 3 }) : pool2;
    const score = conv(top, "score", 5, 1, 0);
    const up = convTranspose2d(score, param("upscore2.weight", [5, 5, 4, 4], bilinear()), null, { stride: 2 });
    const fused = add(crop2d(up, pool1, { offset: 1 }), conv(pool1, "score_pool1", 5, 1, 0));
    const big = convTranspose2d(fused, param("upscore.weight", [5, 5, 4, 4], bilinear()), null, { stride: 2 });
    const logits = crop2d(big, image, { offset: 4 });
    return { logits, loss: softmaxCrossEntropy(logits, labels, { ignoreIndex: 255 }) };
  });
}

/** A classifier with fully connected layers. */
export function toyClassifier({ batch = 8, channels = 4 }: ToyOptions = {}) {
  return graph({ image: input([batch, 1, 8, 8]), labels: input([batch], "i32") }, ({ image, labels }) => {
    const f = maxPool2d(
      relu(conv2d(image, param("conv.weight", [channels, 1, 3, 3], heNormal()), param("conv.bias", [channels], zeros()))),
      { kernel: 2 },
    );
    const flat = flatten(f, 1);
    const hidden = relu(
      gemm(flat, param("fc1.weight", [16, flat.shape[1]!], heNormal()), param("fc1.bias", [16], zeros()), { transB: true }),
    );
    const logits = gemm(hidden, param("fc2.weight", [10, 16], heNormal()), param("fc2.bias", [10], zeros()), { transB: true });
    return { logits, loss: softmaxCrossEntropy(logits, labels) };
  });
}

/** Seeded inputs for a toy net: image in [-1, 1), labels below `classes`. */
export function toyInputs(
  net: {
    readonly inputs: {
      readonly image: { readonly shape: readonly number[] };
      readonly labels: { readonly shape: readonly number[] };
    };
  },
  classes = 5,
  seed = 1,
) {
  let state = seed;
  const random = (): number => (state = (state * 16807) % 2147483647) / 2147483647;
  const count = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);
  return {
    image: Float32Array.from({ length: count(net.inputs.image.shape) }, () => 2 * random() - 1),
    labels: Int32Array.from({ length: count(net.inputs.labels.shape) }, () => Math.floor(random() * classes)),
  };
}
