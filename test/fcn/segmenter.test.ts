import { expect } from "chai";
import {
  DisposedError,
  earlyFusionTrunk,
  fcn,
  initialWeights,
  InputError,
  openFcn,
  ShapeError,
  vocPalette,
  WeightsError,
  type FcnOptions,
  type Weights,
} from "../../src/index.js";
import { uniform } from "../../src/tensor/random.js";
import { writeSafetensors } from "../../src/weights/safetensors.js";
import { convertPixels } from "../../src/weights/index.js";
import { testGpu } from "../harness/device.js";
import { difference } from "../harness/difference.js";

const OPTIONS: FcnOptions = { trunk: "lenet", variant: "2s", classes: 4, width: 0.2 };

const random = uniform(2);
const weights: Weights = new Map(
  [...initialWeights(fcn({ ...OPTIONS, size: [28, 28] }))].map(([name, { shape, data }]) => [
    name,
    { shape, data: name.startsWith("score") ? data.map(() => random() - 0.5) : data },
  ]),
);

function pixels(count: number): Uint8Array {
  return Uint8Array.from({ length: 4 * count }, (_, i) => (i % 4 === 3 ? 255 : (i * 31) % 256));
}

describe("openFcn", () => {
  it("labels images of any size as the net does on its input", async () => {
    const gpu = await testGpu();
    using segmenter = await openFcn(gpu, { ...OPTIONS, weights });
    for (const [height, width] of [
      [28, 28],
      [31, 45],
      [9, 60],
    ] as const) {
      const rgba = pixels(height * width);
      const { labels, scores, ...size } = await segmenter.predict(rgba, { size: [height, width], scores: true });
      expect([size.height, size.width]).to.deep.equal([height, width]);
      using program = await gpu.compile(fcn({ ...OPTIONS, size: [height, width] }));
      await program.load(weights);
      const image = Float32Array.from({ length: height * width }, (_, p) => rgba[4 * p]! / 256);
      const expected = await program.run({ image });
      expect([...labels]).to.deep.equal([...expected.labels]);
      expect([...scores!]).to.deep.equal([...expected.scores]);
      expect(new Set(labels).size).to.be.above(1);
    }
  }).timeout(600_000);

  it("takes RGBA bytes, packed pixels, shaped data and ImageData alike, and gives no scores unasked", async () => {
    using segmenter = await openFcn(await testGpu(), { ...OPTIONS, weights });
    const rgba = pixels(20 * 30);
    const packed = new Uint32Array(rgba.slice().buffer);
    const image = { width: 30, height: 20, data: new Uint8ClampedArray(rgba), colorSpace: "srgb" } as ImageData;
    const first = await segmenter.predict(rgba, { size: [20, 30] });
    expect("scores" in first).to.equal(false);
    for (const given of [packed, { data: rgba, shape: [1, 20, 30] }, image]) {
      const { labels } = await segmenter.predict(given, ArrayBuffer.isView(given) ? { size: [20, 30] } : {});
      expect([...labels]).to.deep.equal([...first.labels]);
    }
  }).timeout(600_000);

  it("colours labels by VOC's palette, or by one's own", async () => {
    using segmenter = await openFcn(await testGpu(), { ...OPTIONS, weights });
    const result = await segmenter.predict(pixels(400), { size: [20, 20] });
    const { width, height, data } = result.toImageData();
    expect([width, height, data.length]).to.deep.equal([20, 20, 1600]);
    const voc = vocPalette();
    const colours = [...result.labels].flatMap((label) => [...voc.subarray(3 * label, 3 * label + 3), 255]);
    expect([...data]).to.deep.equal(colours);
    const own = Uint8Array.from({ length: 12 }, (_, i) => 20 * i);
    expect([...result.toImageData(own).data.subarray(0, 3)]).to.deep.equal([
      ...own.subarray(3 * result.labels[0]!, 3 * result.labels[0]! + 3),
    ]);
    expect(() => result.toImageData(new Uint8Array(0))).to.throw(InputError, "has no colour among the 0 of the palette");
  }).timeout(600_000);

  it("reads weights from the address of a safetensors file", async () => {
    const bytes = writeSafetensors({ tensors: weights, metadata: {} });
    let text = "";
    for (const byte of bytes) text += String.fromCharCode(byte);
    const url = new URL(`data:application/octet-stream;base64,${btoa(text)}`);
    const stages = new Set<string>();
    const gpu = await testGpu();
    using fetched = await openFcn(gpu, { ...OPTIONS, weights: url, onProgress: ({ stage }) => stages.add(stage) });
    using given = await openFcn(gpu, { ...OPTIONS, weights });
    const [a, b] = [await fetched.predict(pixels(400), { size: [20, 20] }), await given.predict(pixels(400), { size: [20, 20] })];
    expect([...a.labels]).to.deep.equal([...b.labels]);
    expect([...stages]).to.deep.equal(["weights", "kernels"]);
  }).timeout(600_000);

  it("takes weights of another convention as they are, or brought to the trunk's", async () => {
    const gpu = await testGpu();
    const own = { order: "rgb", mean: [0, 0, 0], scale: 1 / 32 } as const;
    const grey = { ...own, mean: [0] };
    // One mean: the same everywhere, also round the image.
    const { weights: brought } = convertPixels(weights, { layer: "conv1", from: grey, to: { ...grey, scale: 1 / 256 } });
    const scoresOf = async (options: Parameters<typeof openFcn>[1]): Promise<Float32Array> => {
      using segmenter = await openFcn(gpu, options);
      return (await segmenter.predict(pixels(20 * 31), { size: [20, 31], scores: true })).scores!;
    };
    const [asTheyAre, converted, trunks] = [
      await scoresOf({ ...OPTIONS, weights, pixels: own }),
      await scoresOf({ ...OPTIONS, weights: brought }),
      await scoresOf({ ...OPTIONS, weights }),
    ];
    expect(difference(asTheyAre, converted)).to.be.below(1e-5);
    expect(difference(asTheyAre, trunks)).to.be.above(0.01);
  }).timeout(600_000);

  it("refuses what it cannot take, and goes on", async () => {
    const gpu = await testGpu();
    const failure = async (work: Promise<unknown>): Promise<unknown> =>
      await work.then(
        () => undefined,
        (error: unknown) => error,
      );
    expect(await failure(openFcn(gpu, { ...OPTIONS, classes: 300, weights }))).to.be.instanceOf(ShapeError);
    const wide = openFcn(gpu, { ...OPTIONS, trunk: earlyFusionTrunk("lenet", 2), weights });
    expect(String(await failure(wide))).to.contain("openFcn: trunk lenet on 2 channels takes 2 channels");
    expect(await failure(openFcn(gpu, { ...OPTIONS, classes: 5, weights }))).to.be.instanceOf(WeightsError);
    expect(await failure(openFcn(gpu, { ...OPTIONS, weights: new URL("data:,nothing") }))).to.be.instanceOf(WeightsError);
    for (const [given, said] of [
      ["fcn8s.safetensors", 'openFcn: weights is the text "fcn8s.safetensors": pass an address, as new URL('],
      [undefined, "openFcn: weights is undefined: pass an address"],
    ] as const) {
      const untyped = await failure(openFcn(gpu, { ...OPTIONS, weights: given as never }));
      expect(untyped).to.be.instanceOf(InputError);
      expect((untyped as Error).message).to.contain(said);
    }
    const segmenter = await openFcn(gpu, { ...OPTIONS, weights });
    for (const wrong of [
      segmenter.predict(pixels(400)),
      segmenter.predict(pixels(400), { size: [20, 21] }),
      segmenter.predict(new Float32Array(400), { size: [20, 20] }),
    ]) {
      expect(await failure(wrong)).to.be.instanceOf(InputError);
    }
    expect((await segmenter.predict(pixels(400), { size: [20, 20] })).labels.length).to.equal(400);
    segmenter[Symbol.dispose]();
    expect(await failure(segmenter.predict(pixels(400), { size: [20, 20] }))).to.be.instanceOf(DisposedError);
  }).timeout(600_000);
});
