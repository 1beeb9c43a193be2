/**
 * Real weights, from ../shared/data/weights, on the GPU: what they were trained to do, they do here. Absent on most machines, where the tests are skipped
 * by name.
 */
import { expect } from "chai";
import { existsSync, readFileSync } from "node:fs";
import {
  classifier,
  convolutionalClassifier,
  transplant,
  trunkOf,
  type Trunk,
  type TrunkName,
  type Weights,
} from "../../src/index.js";
import { loadDigits } from "../../demo/digits.js";
import { convertNames, PIXELS, readManifest } from "../../src/weights/index.js";
import { testGpu } from "../harness/device.js";
import { photo } from "../harness/photo.js";

const data = new URL("../../../shared/data/", import.meta.url);
const file = (name: string): URL => new URL(`weights/${name}`, data);
const weightsOf = async (name: string): Promise<Weights> => (await readManifest(file(`${name}.json`))).tensors;
const floats = (name: string): Float32Array => new Float32Array(Uint8Array.from(readFileSync(file(name))).buffer);

/** Software adapters compile a net's kernels when they first run, for a minute or more. */
const TIMEOUT_MS = 600_000;

/** Scores of images, one after the other, by a classifier or its convolutional form on the same crop. */
async function scoresOf(
  trunk: TrunkName | Trunk,
  weights: Weights,
  images: readonly Float32Array[],
  form: "classifier" | "convolutional" = "classifier",
): Promise<Float32Array[]> {
  const { size } = trunkOf(trunk).crop;
  const net =
    form === "classifier"
      ? classifier({ trunk, dropout: 0 })
      : convolutionalClassifier({ trunk, dropout: 0, size: [size, size] });
  using program = await (await testGpu()).compile(net);
  await program.load(transplant(weights, net).weights);
  const scores: Float32Array[] = [];
  for (const image of images) scores.push((await program.run({ image })).scores as Float32Array);
  return scores;
}

function largestDifference(a: Float32Array, b: Float32Array): number {
  expect(a.length).to.equal(b.length);
  const range = Math.max(...a) - Math.min(...a);
  return Math.max(...a.map((v, i) => Math.abs(v - b[i]!))) / range;
}

const best = (scores: Float32Array): number => scores.indexOf(Math.max(...scores));

/** ImageNet's classes: dogs, from Chihuahua to Mexican hairless, and cats, from tabby to cheetah. */
const isDog = (index: number): boolean => index >= 151 && index <= 268;
const isCat = (index: number): boolean => index >= 281 && index <= 293;

describe("pretrained weights", () => {
  before(function () {
    if (!existsSync(file("lenet.json"))) this.skip();
  });

  it("LeNet reads at least 98.5 % of 1,000 digits", async () => {
    const { heldOut } = loadDigits();
    const digits = heldOut.filter((_, i) => i % 2 === 0).slice(0, 1000);
    expect(digits.length).to.equal(1000);
    const net = classifier({ trunk: "lenet", batch: 100 });
    const { weights } = convertNames(await weightsOf("lenet"), "openvino/lenet");
    using program = await (await testGpu()).compile(net);
    await program.load(weights);
    let right = 0;
    for (let start = 0; start < 1000; start += 100) {
      const batch = digits.slice(start, start + 100);
      const image = Float32Array.from(batch.flatMap(({ ink }) => Array.from(ink, (v) => (v * 255) / 256)));
      const { scores } = await program.run({ image });
      batch.forEach(({ value }, i) => (right += best(scores.slice(10 * i, 10 * i + 10) as Float32Array) === value ? 1 : 0));
    }
    console.log(`      ${right} of 1,000`);
    expect(right).to.be.at.least(985);
  }).timeout(TIMEOUT_MS);

  it("SqueezeNet (ONNX) gives its three golden outputs to 1e-3 of their range", async () => {
    const { weights } = convertNames(await weightsOf("squeezenet1_1_onnx"), "onnx/squeezenet", { pixels: "own" });
    const trunk: Trunk = { ...trunkOf("squeezenet"), crop: { channels: 3, size: 224 } };
    const golden = [0, 1, 2].map((i) => `squeezenet1_1_onnx.golden/${i}`);
    const scores = await scoresOf(
      trunk,
      weights,
      golden.map((name) => floats(`${name}.in.f32`)),
    );
    const off = scores.map((values, i) => largestDifference(floats(`${golden[i]!}.out.f32`), values));
    console.log(`      off by ${off.map((v) => v.toExponential(1)).join(", ")} of the range`);
    expect(Math.max(...off)).to.be.below(1e-3);
  }).timeout(TIMEOUT_MS);

  const nets = [
    { trunk: "squeezenet", weights: "squeezenet1_1", photos: 5 },
    { trunk: "googlenet", weights: "googlenet", photos: 2 },
  ] as const;
  for (const { trunk, weights: name, photos } of nets) {
    it(`${trunk} (Caffe) tells cats from dogs, and so does its convolutional form`, async () => {
      const weights = await weightsOf(name);
      const { size } = trunkOf(trunk).crop;
      const list = ["Abyssinian", "Bengal", "american_bulldog"].flatMap((breed) =>
        Array.from({ length: photos }, (_, i) => ({
          isOf: breed === "american_bulldog" ? isDog : isCat,
          file: `pets/images/${breed}_${5 * i + 100}.jpg`,
        })),
      );
      const images = await Promise.all(list.map(async (p) => await photo(new URL(p.file, data), size, PIXELS.caffe)));
      const scores = await scoresOf(trunk, weights, images);
      const right = list.filter(({ isOf }, i) => isOf(best(scores[i]!))).length;
      console.log(`      ${right} of ${list.length} photos; classes ${scores.map(best).join(", ")}`);
      expect(right).to.be.at.least(Math.ceil(0.8 * list.length));
      const [convolutional] = await scoresOf(trunk, weights, images.slice(0, 1), "convolutional");
      expect(largestDifference(scores[0]!, convolutional!)).to.be.below(1e-5);
    }).timeout(TIMEOUT_MS);
  }
});
