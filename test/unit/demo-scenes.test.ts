import { expect } from "chai";
import { majorityLabels, strideBound } from "../../demo/bounds.js";
import { mapExtent } from "../../demo/convolutional.js";
import { isHeldOut, loadDigits, type DigitSets } from "../../demo/digits.js";
import { seededRandom } from "../../demo/random.js";
import { composeBatch, drawSize, labelMapsOf, sceneSet, type SceneBatch } from "../../demo/scenes.js";
import { sceneBatches } from "../../demo/train.js";

describe("the demo's data", function () {
  this.timeout(20_000);
  let digits: DigitSets;
  before(() => {
    digits = loadDigits();
  });

  it("has 10,000 digits, every fifth held out, and none on both sides", () => {
    expect(digits.training).to.have.length(8000);
    expect(digits.heldOut).to.have.length(2000);
    expect(digits.heldOut.every((d) => isHeldOut(d.index))).to.equal(true);
    expect(digits.training.some((d) => isHeldOut(d.index))).to.equal(false);
    const indices = new Set([...digits.training, ...digits.heldOut].map((d) => d.index));
    expect(indices.size).to.equal(10_000);
  });

  it("has ink from 0 to 1 and every value on both sides", () => {
    for (const set of [digits.training, digits.heldOut]) {
      expect(new Set(set.map((d) => d.value)).size).to.equal(10);
      expect(set.every((d) => d.ink.length === 784 && d.ink.every((v) => v >= 0 && v <= 1))).to.equal(true);
    }
  });

  it("composes the same held-out scenes from the same seed, others from another", () => {
    const scenes = (seed: number): SceneBatch[] => sceneSet(digits.heldOut, seed, "test", 3, 2);
    expect(scenes(7)).to.deep.equal(scenes(7));
    expect(scenes(7)).to.not.deep.equal(scenes(8));
  });

  it("draws sides of 40 to 80 pixels, multiples of the stride and others", () => {
    const random = seededRandom(1, "sizes");
    const sides = new Set(Array.from({ length: 500 }, () => drawSize(random)).flat());
    expect(Math.min(...sides)).to.equal(40);
    expect(Math.max(...sides)).to.equal(80);
    expect(sides.size).to.equal(41);
  });

  it("labels a pixel where ink exceeds 0.3, and the image holds that ink", () => {
    const { image, labels } = composeBatch(digits.training, seededRandom(3, "ink"), [50, 61], 20);
    labels.forEach((label, i) => expect(label > 0).to.equal(image[i]! > 0.3));
  });

  it("puts the later digit on top", () => {
    const full = (index: number, value: number): DigitSets["training"][number] => ({
      index,
      value,
      ink: new Float32Array(784).fill(1),
    });
    // Low of every range: two digits, both in the upper left corner; the second one drawn is the last.
    let draw = 0;
    const lowest = (low: number, high: number): number => (high === 1 ? draw++ : low);
    const { labels } = composeBatch([full(0, 3), full(1, 8)], lowest, [40, 40], 1);
    expect(new Set(labels)).to.deep.equal(new Set([0, 9]));
  });

  it("trains on at most eight sizes a stage, the same ones for the same stream", () => {
    const sizes = (stream: string): string[] => {
      const found: string[] = [];
      for (const { image } of sceneBatches(digits.training, 1, stream, 1)) {
        found.push((image as { shape: readonly number[] }).shape.join("x"));
        if (found.length === 40) break;
      }
      return found;
    };
    expect(new Set(sizes("further")).size).to.be.at.most(8);
    expect(sizes("further")).to.deep.equal(sizes("further"));
  });
});

describe("the bound of a stride", () => {
  it("labels each cell by its majority, the lower label of equals, smaller cells at the edges", () => {
    const labels = Int32Array.of(1, 1, 2, 1, 0, 2, 3, 0, 4);
    expect([...majorityLabels({ labels, width: 3 }, { classes: 5, stride: 2 })]).to.deep.equal([1, 1, 2, 1, 1, 2, 0, 0, 4]);
  });

  it("takes no account of what does not count", () => {
    const labels = Uint8Array.of(255, 255, 255, 1, 255, 255, 0, 255);
    expect([...majorityLabels({ labels, width: 4 }, { classes: 2, stride: 2 })]).to.deep.equal([0, 0, 0, 0, 0, 0, 0, 0]);
    // Of the two pixels that count, the lower label wins: one is right.
    expect(strideBound([{ labels, width: 4 }], { classes: 2, stride: 2 }).pixelAccuracy).to.equal(0.5);
  });

  it("is 1 at stride 1 and by hand at stride 2", () => {
    const scene: SceneBatch = { size: [2, 2], count: 1, image: new Float32Array(4), labels: Int32Array.of(1, 1, 1, 0) };
    const boundOf = (stride: number): number => strideBound(labelMapsOf([scene]), { classes: 2, stride }).meanIU;
    expect(boundOf(1)).to.equal(1);
    // All four pixels become 1: IU of the background 0, of class 1 three quarters.
    expect(boundOf(2)).to.equal(0.375);
  });
});

describe("the score map of the convolutionalised LeNet", () => {
  it("has one cell on a digit and one more for every four pixels", () => {
    expect(mapExtent(28)).to.equal(1);
    expect(mapExtent(32)).to.equal(2);
    expect(mapExtent(80)).to.equal(14);
  });
});
