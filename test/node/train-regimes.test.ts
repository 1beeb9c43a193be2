/** The paper's two regimes and loss sampling, trained: what they are to each other, in weights. */
import { expect } from "chai";
import { initialWeights, type Weights } from "../../src/index.js";
import { recipe, samplesOf, VOID, type Recipe, type Sample, type Stage, type TrainFcnOptions } from "../../src/training/index.js";
import { drawnBatches } from "../../src/training/batches.js";
import { trainingNet } from "../../src/training/net.js";
import { testGpu } from "../harness/device.js";
import { bitsOf, CLASSES, images, LENET, runOn, stepsOf } from "../harness/small-run.js";

/** One size, so that as many pixels count in each: 2^10, by which one divides without rounding. */
const [HEIGHT, WIDTH] = [33, 33];
const photos = images(4, [[HEIGHT, WIDTH]]);
const VALID = (HEIGHT - 1) * (WIDTH - 1);

const net = { ...LENET, variant: "4s" };
const start = initialWeights(trainingNet(net, recipe("accumulated", { ...net, learningRate: 1 }), [HEIGHT, WIDTH]), 3);

function stageOf(of: Recipe, steps: number): Stage {
  return { name: "4s", net, recipe: of, steps };
}

/** From the same weights, with the same draws and dropout. */
async function trained(of: Recipe, steps: number, more: Partial<TrainFcnOptions> = {}): ReturnType<typeof runOn> {
  const stages = [stageOf(of, steps)];
  return runOn(await testGpu(), { stages, train: samplesOf(CLASSES, photos), seed: 5, weights: start, allow: true, ...more });
}

const reduced = (data: Float32Array, of: (v: number, i: number) => number): number =>
  data.reduce((most, v, i) => Math.max(most, of(v, i)), -Infinity);

/** The largest difference of two by how far the weights have come, and how many parameters have moved at all. */
function apart(a: Weights, b: Weights): { readonly worst: number; readonly moved: number } {
  let [worst, moved] = [0, 0];
  for (const [name, { data }] of a) {
    const travelled = reduced(data, (v, i) => Math.abs(v - start.get(name)!.data[i]!));
    if (travelled === 0) continue;
    moved++;
    const range = reduced(data, (v) => v) - -reduced(data, (v) => -v);
    worst = Math.max(worst, reduced(data, (v, i) => Math.abs(v - b.get(name)!.data[i]!)) / range);
  }
  return { worst, moved };
}

describe("the regimes", function () {
  this.timeout(300_000);

  it("heavy: a sum at a rate is the mean over N pixels at N times the rate, where nothing decays", async () => {
    const heavy = recipe("heavy", { ...net, learningRate: 2e-6, weightDecay: 0 });
    expect(heavy).to.include({ momentum: 0.99, accumulate: 1, normalization: "sum" });
    const mean: Recipe = { ...heavy, normalization: "valid-mean", learningRate: heavy.learningRate * VALID };
    const [ours, theirs] = [await trained(heavy, 5), await trained(mean, 5)];
    const { worst, moved } = apart(ours.weights, theirs.weights);
    expect(worst).to.be.at.most(1e-5);
    // All of LeNet's layers and the score; upsampling is frozen.
    expect(moved).to.equal(8);
    const [sums, means] = [stepsOf(ours.events), stepsOf(theirs.events)];
    sums.forEach(({ loss, lossPerPixel }, i) => {
      expect(loss! / means[i]!.loss!, "a sum").to.be.closeTo(VALID, 1e-3 * VALID);
      expect(lossPerPixel).to.be.closeTo(means[i]!.lossPerPixel!, 1e-5);
    });
    expect(sums[4]!.lossPerPixel, "it learns").to.be.below(sums[0]!.lossPerPixel!);
    // What decays is weighed against the sum, which is N times the mean: nearly nothing (fcn.md 2.1).
    const decay = { weightDecay: 0.05 };
    const [decayedSum, decayedMean] = [await trained({ ...heavy, ...decay }, 2), await trained({ ...mean, ...decay }, 2)];
    expect(apart(decayedSum.weights, decayedMean.weights).worst).to.be.above(1e-4);
  });

  it('"batch" divides the sum by the images of a pass: at one image, which is what the runner gives, it is the sum', async () => {
    const gpu = await testGpu();
    const lossOf = async (normalization: Recipe["normalization"], count: number): Promise<number> => {
      const of = { ...recipe("heavy", { ...net, learningRate: 1 }), normalization };
      using program = await gpu.compile(trainingNet({ ...net, dropout: 0 }, of, [HEIGHT, WIDTH]));
      await program.load(lively(start));
      const shape = [count, HEIGHT, WIDTH];
      const pixels = Uint32Array.from(photos.slice(0, count).flatMap((photo) => [...photo.pixels]));
      const labels = Int32Array.from(photos.slice(0, count).flatMap((photo) => [...photo.labels]));
      const given = { pixels: { data: pixels, shape }, labels: { data: labels, shape } };
      return (await program.run(given, { outputs: ["loss"] })).loss[0]!;
    };
    expect(await lossOf("batch", 1)).to.equal(await lossOf("sum", 1));
    const [batch, sum, mean] = [await lossOf("batch", 2), await lossOf("sum", 2), await lossOf("valid-mean", 2)];
    expect(batch).to.equal(sum / 2);
    expect(mean).to.be.closeTo(sum / (2 * VALID), 1e-6 * mean);
    expect(sum / (await lossOf("sum", 1))).to.be.above(1.5);
  });

  it("loss sampling trains on the labels that are left of the drawn cells, and on other weights than without", async () => {
    const of = recipe("accumulated", { ...net, learningRate: 0.002, accumulate: 1 });
    const sampled = await trained(of, 1, { keepCells: 0.5 });
    const whole = await trained(of, 1);
    expect(bitsOf(sampled.weights)).to.not.deep.equal(bitsOf(whole.weights));
    const drawn = drawnBatches({
      train: samplesOf(CLASSES, photos),
      stage: stageOf(of, 1),
      seed: 5,
      firstDraw: 0,
      ahead: 0,
      seen: [],
      keepCells: 0.5,
    });
    const { pixels, labels } = (await drawn.next()).value as unknown as Readonly<Record<"pixels" | "labels", { data: never }>>;
    await drawn.return();
    const masked: Sample = { name: "masked", height: HEIGHT, width: WIDTH, pixels: pixels.data, labels: labels.data };
    const left = masked.labels.filter((label) => label !== VOID).length;
    expect(left / VALID).to.be.within(0.25, 0.75);
    const byHand = await trained(of, 1, { train: samplesOf(CLASSES, [masked]) });
    expect(bitsOf(byHand.weights)).to.deep.equal(bitsOf(sampled.weights));
  });
});

/** Score layers start at zero, which would make the loss ln 3 everywhere. */
function lively(weights: Weights): Weights {
  return new Map(
    [...weights].map(([name, { shape, data }]) => [
      name,
      { shape, data: name.startsWith("score") ? data.map((_, i) => Math.sin(i)) : data },
    ]),
  );
}
