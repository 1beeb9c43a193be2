/** A narrow LeNet FCN with seeded weights that see several classes in a picture of waves: for tests of what users do with a net. */
import { fcn, initialWeights, type FcnOptions, type Weights } from "../../src/index.js";
import { runReference } from "../../src/reference/index.js";
import { uniform } from "../../src/tensor/random.js";

export const NARROW = { trunk: "lenet", variant: "4s", classes: 5, width: 0.2 } as const satisfies FcnOptions;

/** Neither a multiple of 4, nor their product. */
export const [WIDTH, HEIGHT] = [45, 31];

/** Score layers start at zero, which would make every pixel the first class. */
export function narrowWeights(): Weights {
  const random = uniform(4);
  return new Map(
    [...initialWeights(fcn({ ...NARROW, size: [28, 28] }))].map(([name, { shape, data }]) => [
      name,
      { shape, data: name.startsWith("score") ? data.map(() => random() - 0.5) : data },
    ]),
  );
}

/** RGBA, opaque: slow waves in red, which is what LeNet takes. */
export function waves(): Uint8ClampedArray<ArrayBuffer> {
  return Uint8ClampedArray.from({ length: 4 * WIDTH * HEIGHT }, (_, i) => {
    const [x, y] = [(i >> 2) % WIDTH, Math.floor(i / 4 / WIDTH)];
    return [Math.floor(127 + 127 * Math.sin(x / 5) * Math.cos(y / 7)), (7 * x) % 256, (11 * y) % 256, 255][i % 4]!;
  });
}

/** Pixels of the waves whose label is not the CPU reference's, where that has a winner by more than rounding; and how many have one. */
export function wrongLabels(labels: Uint8Array): { readonly wrong: number; readonly decided: number } {
  const rgba = waves();
  const image = Float32Array.from({ length: WIDTH * HEIGHT }, (_, p) => rgba[4 * p]! / 256);
  const { scores } = runReference(fcn({ ...NARROW, size: [HEIGHT, WIDTH] }), narrowWeights(), { image });
  let [wrong, decided] = [0, 0];
  for (let p = 0; p < image.length; p++) {
    const row = Array.from({ length: NARROW.classes }, (_, c) => scores[c * image.length + p]!);
    const [first, second] = row.toSorted((a, b) => b - a) as [number, number];
    if (first - second < 1e-4 * Math.max(...row.map(Math.abs))) continue;
    decided++;
    if (row.indexOf(first) !== labels[p]) wrong++;
  }
  return { wrong, decided };
}
