/** What a segmenter reads back, and what it draws: onto a texture that stands for a canvas's, as Node has none. test/browser/canvas.test.ts has real ones. */
import { expect } from "chai";
import { fcn, initialWeights, InputError, openFcn, vocPalette, type Gpu } from "../../src/index.js";
import { countingGpu, testGpu } from "../harness/device.js";
import { HEIGHT, NARROW, narrowWeights, WIDTH, waves } from "../harness/narrow-lenet.js";
import { rejects } from "../harness/rejects.js";

const NET = NARROW;
const weights = narrowWeights();
const rgba = new Uint8Array(waves());
const size = [HEIGHT, WIDTH] as const;

/** A context whose texture can be read, by the words of its pixels. */
function stage(
  { device }: Gpu,
  format: GPUTextureFormat,
  [width, height]: readonly [number, number],
): { context: GPUCanvasContext; words: () => Promise<Uint32Array> } {
  const texture = device.createTexture({
    size: [width, height],
    format,
    usage: GPUTextureUsage.RENDER_ATTACHMENT | GPUTextureUsage.COPY_SRC,
  });
  const stride = Math.ceil(width / 64) * 64;
  return {
    context: { getCurrentTexture: () => texture } as unknown as GPUCanvasContext,
    async words() {
      const staging = device.createBuffer({
        size: 4 * stride * height,
        usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
      });
      const encoder = device.createCommandEncoder();
      encoder.copyTextureToBuffer({ texture }, { buffer: staging, bytesPerRow: 4 * stride }, [width, height]);
      device.queue.submit([encoder.finish()]);
      await staging.mapAsync(GPUMapMode.READ);
      const all = new Uint32Array(staging.getMappedRange().slice(0));
      staging.destroy();
      texture.destroy();
      return Uint32Array.from({ length: width * height }, (_, p) => all[Math.floor(p / width) * stride + (p % width)]!);
    },
  };
}

/** The image under the colours, by floating point. */
function overlaid(labels: Uint8Array, palette: Uint8Array, shareOf: (label: number) => number): Uint32Array {
  return Uint32Array.from(labels, (label, p) => {
    const share = Math.round(255 * shareOf(label)) / 255;
    const [r, g, b] = [0, 1, 2].map((c) => Math.round((1 - share) * rgba[4 * p + c]! + share * palette[3 * label + c]!));
    return (0xff000000 | (b! << 16) | (g! << 8) | r!) >>> 0;
  });
}

describe("a segmenter's results", () => {
  it("are read back as one byte a pixel, up to a whole word, and what is drawn not at all", async () => {
    const { gpu, host, counting } = await countingGpu();
    try {
      using segmenter = await openFcn(gpu, { ...NET, weights });
      const readBytes = (from: number): number[] =>
        counting.sizes.slice(from).filter((_, i) => counting.labels[from + i] === "readback");
      let from = counting.labels.length;
      const { labels } = await segmenter.predict(rgba, { size });
      expect(labels).to.have.length(WIDTH * HEIGHT);
      expect(readBytes(from)).to.deep.equal([WIDTH * HEIGHT + 1]);
      from = counting.labels.length;
      const { context, words } = stage(gpu, "rgba8unorm", [WIDTH, HEIGHT]);
      await segmenter.draw(rgba, context, { size });
      expect(readBytes(from)).to.deep.equal([]);
      expect((await words()).length).to.equal(labels.length);
      from = counting.labels.length;
      await segmenter.draw(rgba, stage(gpu, "rgba8unorm", [WIDTH, HEIGHT]).context, { size });
      expect(counting.labels.slice(from), "buffers of a second drawing").to.deep.equal([]);
    } finally {
      gpu[Symbol.dispose]();
      host[Symbol.dispose]();
    }
  }).timeout(600_000);

  it("are drawn over the image, in the legend's colours or one's own, at one opacity or one for each class", async () => {
    const gpu = await testGpu();
    using segmenter = await openFcn(gpu, { ...NET, weights });
    const { labels } = await segmenter.predict(rgba, { size });
    expect(new Set(labels).size).to.be.above(2);
    const own = Uint8Array.from({ length: 15 }, (_, i) => (i * 71) % 256);
    const shares = [0, 0.25, 0.5, 0.75, 1];
    for (const [options, expected] of [
      [{}, overlaid(labels, vocPalette(), () => 0.6)],
      [{ palette: own, opacity: 1 }, overlaid(labels, own, () => 1)],
      [{ opacity: shares }, overlaid(labels, vocPalette(), (label) => shares[label]!)],
      [{ palette: own.subarray(0, 6), opacity: 1 }, overlaid(labels, own, (label) => (label < 2 ? 1 : 0))],
    ] as const) {
      const { context, words } = stage(gpu, "rgba8unorm", [WIDTH, HEIGHT]);
      await segmenter.draw(rgba, context, { size, ...options });
      expect([...(await words())]).to.deep.equal([...expected]);
    }
  }).timeout(600_000);

  it("are drawn in the texture's format and scaled to its size", async () => {
    const gpu = await testGpu();
    using segmenter = await openFcn(gpu, { ...NET, weights });
    const { labels } = await segmenter.predict(rgba, { size });
    const { context, words } = stage(gpu, "bgra8unorm", [2 * WIDTH, 3 * HEIGHT]);
    await segmenter.draw(rgba, context, { size });
    const small = overlaid(labels, vocPalette(), () => 0.6);
    const swapped = (word: number): number => ((word & 0xff00ff00) | ((word & 255) << 16) | ((word >> 16) & 255)) >>> 0;
    const large = Array.from({ length: 6 * WIDTH * HEIGHT }, (_, p) => {
      const [x, y] = [p % (2 * WIDTH), Math.floor(p / (2 * WIDTH))];
      return swapped(small[Math.floor(y / 3) * WIDTH + (x >> 1)]!);
    });
    expect([...(await words())]).to.deep.equal(large);
  }).timeout(600_000);

  it("refuse what cannot be drawn", async () => {
    const gpu = await testGpu();
    using segmenter = await openFcn(gpu, { ...NET, weights });
    const { context, words } = stage(gpu, "rgba8unorm", [WIDTH, HEIGHT]);
    const unconfigured = { ...context, getConfiguration: () => null } as GPUCanvasContext;
    const others = { ...context, getConfiguration: () => ({ device: {} }) } as unknown as GPUCanvasContext;
    for (const [drawing, message] of [
      [() => segmenter.draw(rgba, context), /^draw: an array does not say its size/],
      [() => segmenter.draw(rgba, context, { size, opacity: 1.5 }), /^draw: opacity is 1\.5: use 0, the image alone, to 1/],
      [
        () => segmenter.draw(rgba, context, { size, palette: new Uint8Array(4) }),
        /^draw: palette has 4 bytes: give 3 for each class/,
      ],
      [() => segmenter.draw(rgba, unconfigured, { size }), /^draw: the context is not configured/],
      [() => segmenter.draw(rgba, others, { size }), /^draw: the context is configured for another device/],
    ] as const)
      await rejects(drawing(), InputError, message);
    await segmenter.draw(rgba, context, { size });
    expect((await words()).length).to.equal(WIDTH * HEIGHT);
  }).timeout(600_000);
});

describe("a segmenter's legend", () => {
  it("has VOC's names and colours for its 21 classes, else numbers, or what is given; and counts pixels", async () => {
    const gpu = await testGpu();
    const twentyOne = { ...NET, classes: 21 };
    using voc = await openFcn(gpu, { ...twentyOne, weights: initialWeights(fcn({ ...twentyOne, size: [28, 28] })) });
    expect(voc.legend[15]).to.deep.equal({ label: 15, name: "person", colour: [192, 128, 128] });
    using plain = await openFcn(gpu, { ...NET, weights });
    const { legend, labels } = await plain.predict(rgba, { size });
    expect(legend.map(({ name }) => name)).to.deep.equal(["class 0", "class 1", "class 2", "class 3", "class 4"]);
    expect(legend[3]!.colour).to.deep.equal([128, 128, 0]);
    expect(legend.map(({ pixels }) => pixels)).to.deep.equal(
      legend.map(({ label }) => labels.filter((other) => other === label).length),
    );
    const colours = [0, 1, 2, 3, 4].map((i) => [i, 2 * i, 3 * i] as const);
    using named = await openFcn(gpu, { ...NET, weights, labels: ["a", "b", "c", "d", "e"], colours });
    const own = await named.predict(rgba, { size });
    expect(own.legend[4]).to.deep.include({ name: "e", colour: [4, 8, 12] });
    expect([...own.toImageData().data.subarray(0, 3)]).to.deep.equal([...colours[own.labels[0]!]!]);
    await rejects(
      openFcn(gpu, { ...NET, weights, labels: ["a"] }),
      InputError,
      /^openFcn: 1 labels were given but the net has 5 classes/,
    );
  }).timeout(600_000);
});
