import { expect } from "chai";
import { InputError } from "../../src/index.js";
import {
  describeRecipe,
  effectiveLearningRate,
  formatEvaluation,
  learningRateAt,
  recipe,
  stagesOf,
} from "../../src/training/index.js";
import { evaluationOf } from "../../src/training/evaluate.js";
import { medianFrequencyWeights, samplesOf } from "../../src/training/index.js";
import { augment, drawIndex, drawSource } from "../../src/training/sampler.js";
import { prefetched, VOID, type Sample } from "../../src/training/sample.js";

describe("recipes", () => {
  it("are the paper's (fcn.md 2.1)", () => {
    const common = { weightDecay: 5e-4, schedule: "fixed", bias: { lrMult: 2, decayMult: 0 } };
    const accumulated = { ...common, name: "accumulated", momentum: 0.9, accumulate: 20, normalization: "valid-mean" };
    const heavy = { ...common, name: "heavy", momentum: 0.99, accumulate: 1, normalization: "sum" };
    for (const [trunk, learningRate] of [
      ["alexnet", 1e-3],
      ["vgg16", 1e-4],
      ["googlenet", 5e-5],
    ] as const)
      expect(recipe("accumulated", { trunk, variant: "32s" })).to.deep.equal({ ...accumulated, learningRate });
    for (const [variant, learningRate] of [
      ["32s", 1e-10],
      ["16s", 1e-12],
      ["8s", 1e-14],
      ["8s-at-once", 1e-10],
    ] as const)
      expect(recipe("heavy", { trunk: "vgg16", variant })).to.deep.equal({ ...heavy, learningRate });
  });

  it("take what is said, and refuse what has no rate or no sense", () => {
    expect(recipe("heavy", { trunk: "lenet", variant: "2s", learningRate: 1e-6, momentum: 0.95 })).to.include({
      learningRate: 1e-6,
      momentum: 0.95,
    });
    expect(() => recipe("heavy", { trunk: "alexnet", variant: "32s" })).to.throw(
      InputError,
      /no learning rate for heavy .* alexnet 32s/,
    );
    expect(() => recipe("accumulated", { trunk: "lenet", variant: "2s" })).to.throw(InputError, /give learningRate/);
    const vgg = { trunk: "vgg16", variant: "32s" } as const;
    expect(() => recipe("accumulated", { ...vgg, accumulate: 0 })).to.throw(InputError, /accumulate is 0/);
    expect(() => recipe("accumulated", { ...vgg, momentum: 1 })).to.throw(InputError, /momentum is 1/);
    expect(() => recipe("accumulated", { ...vgg, learningRate: Number.NaN })).to.throw(InputError, /learningRate is NaN/);
    expect(() => recipe("online" as "heavy", vgg)).to.throw(InputError, /no recipe online/);
  });

  it("come to the rates per pixel that fcn.md derives", () => {
    const vgg = { trunk: "vgg16", variant: "32s" } as const;
    const valid = 1.8e5;
    const heavy = effectiveLearningRate(recipe("heavy", vgg), valid);
    expect(heavy.perPixel).to.be.closeTo(1e-10, 1e-22);
    expect(heavy.onMean).to.be.closeTo(1.8e-5, 1e-15);
    // Steady state, per image: 1.8e-3 against 5e-5.
    expect(heavy.withMomentum * valid).to.be.closeTo(1.8e-3, 1e-12);
    expect(heavy.decayOnMean).to.be.closeTo(2.8e-9, 1e-10);
    const accumulated = effectiveLearningRate(recipe("accumulated", vgg), valid);
    expect(accumulated.withMomentum * valid).to.be.closeTo(5e-5, 1e-12);
    expect(accumulated.decayOnMean).to.equal(5e-4);
    expect(describeRecipe(recipe("heavy", vgg), valid)).to.match(
      /1e-10 on the sum over pixels, 1 image a step.*1\.8e-5|0\.000018/,
    );
  });

  it("keep the pixels of a step where cells are left out (paper, 3.4), and say so", () => {
    const vgg = { trunk: "vgg16", variant: "32s" } as const;
    const [whole, half] = [recipe("accumulated", vgg), recipe("accumulated", { ...vgg, keepCells: 0.5 })];
    expect(half).to.deep.equal({ ...whole, accumulate: 40 });
    expect(recipe("accumulated", { ...vgg, keepCells: 0.3 }).accumulate).to.equal(67);
    expect(recipe("accumulated", { ...vgg, keepCells: 0.5, accumulate: 20 }).accumulate, "as it is said").to.equal(20);
    expect(recipe("heavy", { ...vgg, keepCells: 0.5 })).to.deep.equal(recipe("heavy", vgg));
    expect(() => recipe("accumulated", { ...vgg, keepCells: 0 })).to.throw(InputError, /^recipe: keepCells is 0: use a prob/);
    const stages = stagesOf({
      net: { trunk: "vgg16", classes: 2 },
      variants: ["32s", "16s"],
      recipe: "accumulated",
      steps: 1,
      keepCells: 0.5,
    });
    expect(stages.map((stage) => stage.recipe.accumulate)).to.deep.equal([40, 40]);
    // Twice the images of half the pixels: each counts as it did. Of images as many as before, each counts twice.
    const rates = effectiveLearningRate(whole, 1.8e5);
    const near = (is: number, of: number): unknown => expect(is / of).to.be.closeTo(1, 1e-12);
    near(effectiveLearningRate(half, 1.8e5, 0.5).perPixel, rates.perPixel);
    near(effectiveLearningRate(half, 1.8e5, 0.5).onMean, rates.onMean / 2);
    near(effectiveLearningRate(whole, 1.8e5, 0.5).perPixel, 2 * rates.perPixel);
    near(effectiveLearningRate(recipe("heavy", vgg), 1.8e5, 0.5).perPixel, 1e-10);
    near(effectiveLearningRate(recipe("heavy", vgg), 1.8e5, 0.5).decayOnMean, 5e-4 / 9e4);
    expect(describeRecipe(half, 1.8e5, 0.5)).to.match(
      /, 40 images a step \(each coarse cell of them with probability 0\.5\), momentum .* of an image with 90000 that count: 2\.78e-11,/,
    );
  });

  it("keep their rate, or take it to zero", () => {
    const vgg = { trunk: "vgg16", variant: "32s" } as const;
    expect(learningRateAt(recipe("accumulated", vgg), 99, 100)).to.equal(1e-4);
    const poly = recipe("accumulated", { ...vgg, schedule: "poly" });
    expect([0, 50, 100].map((step) => learningRateAt(poly, step, 100))).to.deep.equal([1e-4, 1e-4 * 0.5 ** 0.9, 0]);
  });
});

const sample: Sample = {
  name: "a",
  height: 4,
  width: 6,
  pixels: Uint32Array.from({ length: 24 }, (_, i) => i + 1),
  labels: Uint8Array.from({ length: 24 }, (_, i) => i % 3),
};

describe("sampling", () => {
  it("draws with replacement, the same for the same number, all images alike", () => {
    const counts = new Array<number>(7).fill(0);
    for (let n = 0; n < 7000; n++) counts[drawIndex(drawSource(1337, "a", n), 7)]!++;
    for (const count of counts) expect(count).to.be.within(850, 1150);
    const draws = (seed: number): number[] => Array.from({ length: 20 }, (_, n) => drawIndex(drawSource(seed, "a", n), 1000));
    expect(draws(1)).to.deep.equal(draws(1));
    expect(draws(1)).to.not.deep.equal(draws(2));
  });

  it("mirrors left to right, and leaves the sample as it was", () => {
    const before = [...sample.pixels];
    let mirrored = 0;
    for (let n = 0; n < 100; n++) {
      const { pixels, labels } = augment(sample, { mirror: true }, drawSource(1, "m", n), 0, null);
      if (pixels[0] === 1) continue;
      mirrored++;
      expect([...pixels.subarray(0, 6)]).to.deep.equal([6, 5, 4, 3, 2, 1]);
      expect([...labels.subarray(0, 6)]).to.deep.equal([2, 1, 0, 2, 1, 0]);
    }
    expect(mirrored).to.be.within(30, 70);
    expect([...sample.pixels]).to.deep.equal(before);
  });

  it("moves by up to so many pixels each way; what comes in is void and of the mean colour", () => {
    const seen = new Set<string>();
    for (let n = 0; n < 400; n++) {
      const { pixels, labels } = augment(sample, { jitter: 2 }, drawSource(1, "j", n), 99, null);
      const at = pixels.findIndex((p) => p < 99);
      const [row, column] = [Math.floor(at / 6), at % 6];
      const first = pixels[at]! - 1;
      const [dy, dx] = [row - Math.floor(first / 6), column - (first % 6)];
      seen.add(`${dy} ${dx}`);
      pixels.forEach((p, i) => {
        const [y, x] = [Math.floor(i / 6) - dy, (i % 6) - dx];
        const inside = y >= 0 && y < 4 && x >= 0 && x < 6;
        expect(p).to.equal(inside ? y * 6 + x + 1 : 99);
        expect(labels[i]).to.equal(inside ? (y * 6 + x) % 3 : VOID);
      });
    }
    expect(seen.size).to.equal(25);
  });

  it("keeps whole cells of the coarsest scores with a probability", () => {
    const large: Sample = { name: "b", height: 64, width: 96, pixels: new Uint32Array(64 * 96), labels: new Uint8Array(64 * 96) };
    const cells = { stride: [16, 16], offset: [7.5, 7.5] } as const;
    let kept = 0;
    for (let n = 0; n < 50; n++) {
      const { labels } = augment(large, { keepCells: 0.25 }, drawSource(1, "k", n), 0, cells);
      for (let y = 0; y < 64; y += 16) {
        for (let x = 0; x < 96; x += 16) {
          const label = labels[y * 96 + x]!;
          if (label === 0) kept++;
          const cell = Array.from({ length: 256 }, (_, i) => labels[(y + (i >> 4)) * 96 + x + (i & 15)]);
          expect(cell.every((l) => l === label)).to.equal(true);
        }
      }
    }
    expect(kept / (50 * 24)).to.be.within(0.2, 0.3);
  });
});

describe("prefetching", () => {
  it("keeps loads under way ahead, in order, and hands failures on where they belong", async () => {
    let started = 0;
    function* loads(): Generator<() => Promise<number>> {
      for (let i = 0; i < 10; i++)
        yield () => {
          started++;
          return i === 7 ? Promise.reject(new InputError("broken.png")) : Promise.resolve(i);
        };
    }
    const seen: number[] = [];
    let error: unknown;
    try {
      for await (const value of prefetched(loads(), 3)) {
        seen.push(value);
        expect(started).to.be.within(Math.min(10, value + 3), value + 4);
      }
    } catch (e) {
      error = e;
    }
    expect(seen).to.deep.equal([0, 1, 2, 3, 4, 5, 6]);
    expect(error).to.be.instanceOf(InputError);
  });
});

describe("evaluations", () => {
  it("treat classes as score.py does, and name those that are undefined", () => {
    // Class 1 is absent but predicted: IU 0 counts. Class 2 is neither: NaN.
    const result = evaluationOf([6, 2, 0, 0, 0, 0, 0, 0, 0], ["sky", "tree", "car"], 1);
    expect(result.classes.map((c) => c.iu)).to.deep.equal([6 / 8, 0, null]);
    expect(result.meanIU).to.equal(0.375);
    expect(result.meanAccuracy).to.equal(0.75);
    expect(result.classesInMean).to.equal(2);
    expect(formatEvaluation(result)).to.match(/mean IU of 2 classes +37\.50[^]*car +NaN\nNaN: .*\(car\)/);
  });
});

describe("class weights by median frequency", () => {
  const image = (...labels: number[]): Sample => ({
    name: "",
    height: 1,
    width: labels.length,
    pixels: new Uint32Array(labels.length),
    labels: Uint8Array.from(labels),
  });

  it("are the median of the frequencies by the class's own, among the images that it occurs in; void counts for nothing", async () => {
    const source = samplesOf(["a", "b", "c", "never"], [image(0, 0, 0, 1, VOID), image(0, 0, 2, 2), image(0, VOID)]);
    // a: 6 of 9, b: 1 of 4, c: 2 of 4. The median is 1/2.
    const told: number[] = [];
    const weights = await medianFrequencyWeights(source, { onProgress: ({ done }) => told.push(done) });
    expect(weights).to.deep.equal([0.5 / (6 / 9), 2, 1, 1]);
    expect(told).to.deep.equal([1, 2, 3]);
  });

  it("need labels, and stop at a signal", async () => {
    const failure = async (work: Promise<unknown>): Promise<string> => await work.then(() => "none", String);
    expect(await failure(medianFrequencyWeights(samplesOf(["a"], [image(VOID)])))).to.contain("no pixel that counts");
    const signal = AbortSignal.abort(new Error("enough"));
    expect(await failure(medianFrequencyWeights(samplesOf(["a"], [image(0)]), { signal }))).to.contain("enough");
  });
});
