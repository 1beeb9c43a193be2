/** What the skips of the paper's nets add: scored pools are summed with what is upsampled, and nothing else changes. */
import { expect } from "chai";
import {
  bilinear,
  convTranspose2d,
  crop2d,
  cropOffset,
  fcn,
  fcnLayers,
  graph,
  initialWeights,
  input,
  param,
  type FcnOptions,
  type Weights,
} from "../../src/index.js";
import { uniform } from "../../src/tensor/random.js";
import { testGpu } from "../harness/device.js";

const SIZE = [21, 34] as const;
const CLASSES = 3;
/** Software adapters compile a net's kernels when they first run, for a minute or more. */
const TIMEOUT_MS = 600_000;
const net = (variant: string): FcnOptions => ({ trunk: "vgg16", variant, classes: CLASSES, width: 1 / 16, padding: "same" });

/** Random weights for 8s, which the others share; the scores of pools by name. */
function weightsOf(pools: { readonly score_pool4: boolean; readonly score_pool3: boolean }): Weights {
  const random = uniform(3);
  const initial = new Map([
    ...initialWeights(fcn({ ...net("16s"), size: SIZE })),
    ...initialWeights(fcn({ ...net("8s"), size: SIZE })),
  ]);
  return new Map(
    [...initial].map(([name, { shape, data }]) => {
      const layer = name.split(".")[0]!;
      if (!layer.startsWith("score")) return [name, { shape, data }];
      const drawn = data.map(() => random() - 0.5);
      return [name, { shape, data: layer in pools && !pools[layer as keyof typeof pools] ? data : drawn }];
    }),
  );
}

const random = uniform(8);
const image = Float32Array.from({ length: 3 * SIZE[0] * SIZE[1] }, () => 2 * random() - 1);

async function layerOf(variant: string, layer: string, weights: Weights): Promise<Float32Array> {
  const taken = graph({ image: input([1, 3, ...SIZE]) }, (x) => ({ y: fcnLayers(x.image, net(variant)).layers.get(layer)! }));
  using program = await (await testGpu()).compile(taken);
  await program.load(weights, { strict: false });
  return (await program.run({ image })).y as Float32Array;
}

function largestDifference(a: Float32Array, b: Float32Array): number {
  return a.reduce((most, v, i) => Math.max(most, Math.abs(v - b[i]!)), 0);
}

describe("skips", () => {
  it("make 8s with a zero score_pool3 equal 16s' fused map upsampled by 2 and by 8", async () => {
    const weights = weightsOf({ score_pool4: true, score_pool3: false });
    const eight = await layerOf("8s", "score", weights);
    const fused = await layerOf("16s", "fuse_pool4", weights);

    // The same upsampling by hand: 2, cropped to pool3, then 8, cropped to the image.
    const whole = input([1, 3, ...SIZE]);
    const { layers } = fcnLayers(whole, net("8s"));
    const [map, pool3] = [layers.get("fuse_pool4")!, layers.get("score_pool3")!];
    const up = graph({ fused: input(map.shape) }, (x) => {
      const twice = convTranspose2d(x.fused, param("two", [CLASSES, CLASSES, 4, 4], bilinear()), null, { stride: 2, padding: 1 });
      const cropped = crop2d(twice, pool3, { offset: cropOffset(layers.get("upscore_pool4")!, pool3, whole) });
      const big = convTranspose2d(cropped, param("eight", [CLASSES, CLASSES, 16, 16], bilinear()), null, {
        stride: 8,
        padding: 4,
      });
      return { y: crop2d(big, whole, { offset: cropOffset(layers.get("upscore8")!, whole, whole) }) };
    });
    using program = await (await testGpu()).compile(up);
    const { y } = await program.run({ fused });
    expect(y.some((v) => v !== 0)).to.equal(true);
    expect(largestDifference(eight, y as Float32Array)).to.be.below(1e-5);
  }).timeout(TIMEOUT_MS);

  it("change what they are a part of: score_pool4 16s and 8s, score_pool3 8s alone", async () => {
    const [all, without3, without4] = [
      weightsOf({ score_pool4: true, score_pool3: true }),
      weightsOf({ score_pool4: true, score_pool3: false }),
      weightsOf({ score_pool4: false, score_pool3: true }),
    ];
    const [sixteen, eight] = [await layerOf("16s", "score", all), await layerOf("8s", "score", all)];
    expect(largestDifference(sixteen, await layerOf("16s", "score", without4))).to.be.above(0.01);
    expect(largestDifference(eight, await layerOf("8s", "score", without4))).to.be.above(0.01);
    expect(largestDifference(eight, await layerOf("8s", "score", without3))).to.be.above(0.01);
    expect(largestDifference(sixteen, await layerOf("16s", "score", without3))).to.equal(0);
    // The trunk and the deepest scores are the same nodes in all of them.
    expect(largestDifference(await layerOf("32s", "score_fr", all), await layerOf("8s", "score_fr", without4))).to.equal(0);
  }).timeout(TIMEOUT_MS);

  it("are scaled by 0.01 and 0.0001 at once", async () => {
    const weights = weightsOf({ score_pool4: true, score_pool3: true });
    const scaled = new Map(
      [...weights].map(([name, { shape, data }]) => {
        const factor = name === "score_pool4.weight" ? 0.01 : name === "score_pool3.weight" ? 0.0001 : 1;
        return [name, { shape, data: data.map((v) => v * factor) }];
      }),
    );
    expect(largestDifference(await layerOf("8s-at-once", "score", weights), await layerOf("8s", "score", scaled))).to.be.below(
      1e-5,
    );
  }).timeout(TIMEOUT_MS);
});
