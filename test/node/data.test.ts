/** Data sets on disk: layouts, label files of every kind, and errors that name file, pixel and value. */
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { performance } from "node:perf_hooks";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { encode } from "fast-png";
import sharp from "sharp";
import { root } from "../../scripts/paths.js";
import { InputError } from "../../src/index.js";
import { cached, openDataSet, runFolder, type DataSetOptions } from "../../src/data/index.js";
import { listDataSet } from "../../src/data/data-set.js";
import { decodeSample } from "../../src/data/decode.js";
import { VOID } from "../../src/training/index.js";
import { coloured, HEIGHT, indexed, LABELS, PALETTE, photo, WIDTH } from "../harness/label-files.js";
import { rejects } from "../harness/rejects.js";
import { testFolder } from "../harness/test-folder.js";

describe("fcn-webgpu/data", function () {
  this.timeout(60_000);
  const folder = testFolder("data");

  /** A set of format "folder" with one image. */
  async function withLabels(
    bytes: Uint8Array,
    { name = "a.png", classes = "x\ny\nz\n", image = undefined as Buffer | undefined } = {},
  ): Promise<string> {
    await mkdir(join(folder.path, "images"), { recursive: true });
    await mkdir(join(folder.path, "labels"), { recursive: true });
    await writeFile(join(folder.path, "classes.txt"), classes);
    await writeFile(join(folder.path, "images", "a.png"), image ?? (await photo()));
    await writeFile(join(folder.path, "labels", name), bytes);
    return folder.path;
  }
  /** In this thread: starting others takes long. */
  async function first(options: Partial<DataSetOptions> = {}) {
    const { jobs } = await listDataSet(folder.path, { split: "train", ...options });
    return decodeSample(jobs[0]!);
  }
  const fails = (message: RegExp, options: Partial<DataSetOptions> = {}): Promise<void> =>
    rejects(first(options), InputError, message);

  for (const depth of [2, 4, 8] as const) {
    it(`reads the indices of a palette PNG of ${depth} bits, not its colours`, async () => {
      await withLabels(indexed(LABELS, depth));
      const sample = await first();
      expect([...sample.labels]).to.deep.equal([...LABELS]);
      expect([sample.height, sample.width]).to.deep.equal([HEIGHT, WIDTH]);
      expect([...new Set(sample.pixels)]).to.deep.equal([0xff1e140a]);
    });
  }

  it("reads grey PNGs as indices, and makes the ignored label void", async () => {
    const data = LABELS.map((l) => (l === 2 ? 255 : l));
    await withLabels(encode({ width: WIDTH, height: HEIGHT, channels: 1, depth: 8, data }));
    expect([...(await first()).labels]).to.deep.equal([...data]);
    await fails(/pixel \(2, 0\) has label 255/, { ignore: 1 });
  });

  it("maps exact colours by the class list, and refuses others", async () => {
    const classes = "0\tx\t0,0,0\n1\ty\t128,0,0\n2\tvoid\t0,128,0\n";
    await withLabels(
      coloured((l) => PALETTE[l]!),
      { classes },
    );
    expect([...(await first()).labels]).to.deep.equal([...LABELS].map((l) => (l === 2 ? VOID : l)));
    await withLabels(
      coloured((l) => (l === 1 ? [127, 0, 0] : PALETTE[l]!)),
      { classes },
    );
    await fails(/labels.a\.png: pixel \(1, 0\) has colour #7f0000, which is none of the 3/);
    await withLabels(coloured((l) => PALETTE[l]!));
    await fails(/a\.png: the labels are colours, and the class list has none/);
  });

  it("names file, pixel and value of a label that is no class", async () => {
    await withLabels(indexed(LABELS.map((l, i) => (i === 2 * WIDTH + 3 ? 9 : l))));
    await fails(/labels.a\.png: pixel \(3, 2\) has label 9, which is outside 0 to 2, and 255 is ignored/);
    await fails(/no label is ignored/, { ignore: null });
  });

  it("names what does not fit, is missing or cannot be read", async () => {
    await withLabels(indexed(LABELS), { image: await photo(8) });
    await fails(/a\.png: the labels are 7 x 5 but .*a\.png is 8 x 5/);
    await withLabels(indexed(LABELS).subarray(0, 60));
    await fails(/labels.a\.png: it cannot be read as a PNG/);
    await withLabels(indexed(LABELS), { image: Buffer.from("no image") });
    await fails(/images.a\.png: it cannot be read as an image/);
    await rm(join(folder.path, "labels", "a.png"));
    await fails(/images.a\.png: it has no labels: .*a\.png is missing/);
    await writeFile(join(folder.path, "train.txt"), "b\n");
    await fails(/images.b: there is no such image/);
    await writeFile(join(folder.path, "classes.txt"), "0\tx\n2\ty\n");
    await fails(/classes\.txt: line 2 is .*expected index 1/);
    await rejects(openDataSet(join(folder.path, "images"), { split: "train" }), InputError, /this is no data set that is known/);
    await rejects(
      openDataSet(join(folder.path, "imagse"), { split: "train" }),
      InputError,
      /imagse: there is no such folder: check the path/,
    );
  });

  it("turns a photo of a camera on its side where its labels are of what one sees, and leaves it where they are of the file", async () => {
    const [height, width] = [6, 10];
    const file = Uint8Array.from({ length: 3 * height * width }, (_, i) => (i < 3 * width ? 255 : 0)); // its first row is white
    await mkdir(join(folder.path, "turned", "images"), { recursive: true });
    await mkdir(join(folder.path, "turned", "labels"));
    for (const [name, w, h] of [
      ["lying", width, height],
      ["seen", height, width],
    ] as const) {
      const photo = sharp(file, { raw: { width, height, channels: 3 } }).withMetadata({ orientation: 6 });
      await photo.png().toFile(join(folder.path, "turned", "images", `${name}.png`));
      const labels = sharp(new Uint8Array(w * h), { raw: { width: w, height: h, channels: 1 } }).toColourspace("b-w");
      await labels.png().toFile(join(folder.path, "turned", "labels", `${name}.png`));
    }
    await writeFile(join(folder.path, "turned", "classes.txt"), "a\nb\n");
    using set = await openDataSet(join(folder.path, "turned"), { split: "train" });
    const white = async (i: number): Promise<number[]> => {
      const { height: h, width: w, pixels } = await set.load(i);
      const found = [...pixels.keys()].filter((at) => (pixels[at]! & 255) === 255);
      return [h, w, found[0]!, found[1]! - found[0]!];
    };
    // The first row; the last column, a quarter turn clockwise.
    expect(await white(0)).to.deep.equal([height, width, 0, 1]);
    expect(await white(1)).to.deep.equal([width, height, height - 1, height]);
  });

  it("scales photos and labels to one size", async () => {
    await withLabels(
      indexed(
        Uint8Array.from({ length: 8 * 4 }, (_, i) => (i % 8) >> 2),
        8,
        8,
      ),
      { image: await photo(8, 4) },
    );
    const sample = await first({ size: [2, 4] });
    expect([...sample.labels]).to.deep.equal([0, 0, 1, 1, 0, 0, 1, 1]);
    expect(sample.pixels.length).to.equal(8);
  });

  it("knows what labelme2voc.py writes, whole or by lists", async () => {
    const root = join(folder.path, "data_dataset_voc");
    for (const below of ["JPEGImages", "SegmentationClass", "SegmentationClassPNG"])
      await mkdir(join(root, below), { recursive: true });
    await writeFile(join(root, "class_names.txt"), "_background_\npotted plant\ntv/monitor");
    for (const name of ["a", "b"]) {
      await writeFile(join(root, "JPEGImages", `${name}.png`), await photo());
      await writeFile(join(root, "SegmentationClass", `${name}.npy`), "not read");
      await writeFile(join(root, "SegmentationClassPNG", `${name}.png`), indexed(LABELS.map((l) => (l === 2 ? 255 : l))));
    }
    const all = await listDataSet(root, { split: "train" });
    expect(all.classes.names).to.deep.equal(["_background_", "potted plant", "tv/monitor"]);
    expect(all.jobs).to.have.length(2);
    expect([...(await decodeSample(all.jobs[0]!)).labels]).to.include(255);
    await writeFile(join(root, "val.txt"), "b\n");
    const { jobs } = await listDataSet(root, { split: "val" });
    expect(jobs.map(({ image }) => image.slice(root.length + 1))).to.deep.equal([join("JPEGImages", "b.png")]);
  });

  it("decodes in threads while this one stays free", async function () {
    // By the clock: on a busy machine it counts what keeps this thread waiting too.
    this.retries(2);
    const large = await sharp({
      create: { width: 1500, height: 1000, channels: 3, background: "red", noise: { type: "gaussian", mean: 128, sigma: 60 } },
    })
      .jpeg({ quality: 95 })
      .toBuffer();
    await withLabels(indexed(new Uint8Array(1500 * 1000), 8, 1500), { image: large });
    using set = await openDataSet(folder.path, { split: "train", threads: 2 });
    await set.load(0);
    const before = performance.eventLoopUtilization();
    await Promise.all(Array.from({ length: 12 }, () => set.load(0)));
    const { utilization } = performance.eventLoopUtilization(before);
    expect(utilization).to.be.below(0.5);
    // Errors come through whole.
    await writeFile(join(folder.path, "labels", "a.png"), indexed(new Uint8Array(1500 * 1000).fill(9, 4502, 4503), 8, 1500));
    await rejects(set.load(0), InputError, /labels.a\.png: pixel \(2, 3\) has label 9/);
    await rejects(set.load(7), InputError, /there is no sample 7: the set has 1/);
  });

  it("keeps what fits and reads the rest again", async () => {
    let loads = 0;
    const sample = { name: "", height: 1, width: 4, pixels: new Uint32Array(4), labels: new Uint8Array(4) };
    const kept = cached({ classes: ["a"], length: 3, load: () => (loads++, Promise.resolve(sample)) }, 30);
    for (let i = 0; i < 6; i++) await kept.load(i % 3);
    // 20 bytes each: the second one passes the limit, the third is no longer kept.
    expect(loads).to.equal(4);
  });

  it("writes files whole or not at all", async () => {
    const store = await runFolder(join(folder.path, "run", "1"));
    expect(await store.read("a")).to.equal(null);
    await store.write("a", Uint8Array.of(1, 2));
    await store.write("a", Uint8Array.of(3));
    expect(await store.read("a")).to.deep.equal(Uint8Array.of(3));
    await store.append("log", "one");
    await store.append("log", "two");
    expect(await readFile(join(folder.path, "run", "1", "log"), "utf8")).to.equal("one\ntwo\n");
    await mkdir(join(folder.path, "run", "1", "busy"));
    await rejects(store.write("busy", Uint8Array.of(1)), Error, /EISDIR|ENOTEMPTY|EPERM|directory/);
    await store.remove("a");
    expect((await readdir(join(folder.path, "run", "1"))).sort()).to.deep.equal(["busy", "log"]);
  });
});

const SHARED = join(root, "..", "shared", "data");

describe("the photos beside the repository", function () {
  this.timeout(60_000);
  for (const [name, split, count, classes] of [
    ["camvid", "train", 367, 11],
    ["pets", "val", 62, 3],
  ] as const) {
    it(`${name}: ${count} images of ${split}, of which the first ten decode`, async function () {
      if (!existsSync(join(SHARED, name))) this.skip();
      using set = await openDataSet(join(SHARED, name), { split });
      expect([set.length, set.classes.length]).to.deep.equal([count, classes]);
      const samples = await Promise.all(Array.from({ length: 10 }, (_, i) => set.load(i)));
      expect(samples.some(({ labels }) => labels.includes(VOID))).to.equal(true);
      for (const { labels } of samples) expect(labels.every((l) => l < classes || l === VOID)).to.equal(true);
    });
  }
});
