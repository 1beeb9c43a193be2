/** Which images of a data set a split takes: lists, folders without any, what is left out; and labels that do not begin at 0. */
import { rm } from "node:fs/promises";
import { join, parse } from "node:path";
import { expect } from "chai";
import { InputError } from "../../src/index.js";
import type { DataSetOptions } from "../../src/data/index.js";
import { listDataSet } from "../../src/data/data-set.js";
import { decodeSample } from "../../src/data/decode.js";
import { VOID } from "../../src/training/index.js";
import { indexed, LABELS, mat, photo } from "../harness/label-files.js";
import { rejects } from "../harness/rejects.js";
import { testFolder } from "../harness/test-folder.js";

describe("lists of a data set", function () {
  this.timeout(60_000);
  const folder = testFolder("lists");
  /** Of format "folder": images with labels of 0, 1 and 2. */
  const withImages = async (...names: string[]): Promise<void> => {
    await folder.put("classes.txt", "x\ny\nz\n");
    for (const name of names) {
      await folder.put(`images/${name}.png`, await photo());
      await folder.put(`labels/${name}.png`, indexed(LABELS));
    }
  };
  const list = async (options: Partial<DataSetOptions> = {}, below = "") =>
    listDataSet(join(folder.path, below), { split: "train", ...options });
  const names = async (...args: Parameters<typeof list>): Promise<string[]> =>
    (await list(...args)).jobs.map(({ image }) => parse(image).name);

  it("knows VOC's and SBD's folders, lists and exclusions", async () => {
    const png = await photo();
    for (const name of ["2007_000032", "2007_000039", "2011_000003"]) {
      await folder.put(`voc/VOC2012/JPEGImages/${name}.jpg`, png);
      await folder.put(`voc/VOC2012/SegmentationClass/${name}.png`, indexed(LABELS.map((l) => (l === 2 ? 255 : l))));
      await folder.put(`sbd/benchmark_RELEASE/dataset/img/${name}.jpg`, png);
      await folder.put(`sbd/benchmark_RELEASE/dataset/cls/${name}.mat`, mat(LABELS));
    }
    const val = await folder.put("voc/VOC2012/ImageSets/Segmentation/val.txt", "2007_000032\n2007_000039\n2011_000003\n");
    const sbdTrain = await folder.put("sbd/benchmark_RELEASE/dataset/train.txt", "2007_000039\n");
    const seg11 = await folder.put("seg11valid.txt", "2007_000032\n2007_000039\n");
    const voc = await list({ split: "val" }, "voc");
    expect([voc.jobs.length, voc.classes.names.length, voc.list, voc.excluded]).to.deep.equal([3, 21, val, 0]);
    const left = await list({ split: "val", list: seg11, exclude: [sbdTrain] }, "voc");
    expect(left.jobs.map(({ image }) => parse(image).name)).to.deep.equal(["2007_000032"]);
    expect([left.list, left.excluded]).to.deep.equal([seg11, 1]);
    expect(await names({}, "sbd")).to.deep.equal(["2007_000039"]);
    await rejects(
      list({}, "voc"),
      InputError,
      /train\.txt: split train has no list, but there is one for val: name one of these/,
    );
    await rejects(list({ split: "val" }, "sbd"), InputError, /split val has no list, but there is one for train:/);
    await rm(val);
    await rejects(list({}, "voc"), InputError, /train\.txt: the split's list is missing, and there is none beside it/);
  });

  it("takes everything only where there is no list at all, and says so; a split without one is an error that names the others", async () => {
    await withImages("a", "b", "c d");
    await folder.put("README.txt", "Photos of a road.\n");
    const all = await list();
    expect([all.jobs.length, all.list, all.excluded]).to.deep.equal([3, null, 0]);
    const train = await folder.put("train.txt", "b\nc d\n");
    // The rest of a set of which one list is left out.
    expect(await names({ split: "val", exclude: [train] })).to.deep.equal(["a"]);
    await folder.put("train.txt", "a\n");
    await folder.put("val.txt", "b\n");
    expect((await list()).list).to.equal(train);
    await rejects(
      list({ split: "tset" }),
      InputError,
      /tset\.txt: split tset has no list, but there is one for train, val: name one of these, or give a list of its own$/,
    );
    await rejects(list({ list: join(folder.path, "no.txt") }), InputError, /no\.txt: the list of names cannot be read/);
    await rejects(list({ exclude: [train] }), InputError, /train\.txt: all 1 images are left out by exclude/);
  });

  it("leaves out names and paths, whichever of them the lists have", async () => {
    await withImages("a", "b", "c");
    const paths = (...of: string[]): string => of.map((name) => `images/${name}.png labels/${name}.png\n`).join("");
    await folder.put("train.txt", paths("a", "b", "c"));
    await folder.put("all.txt", "a\nb\nc\n");
    const [byName, byPaths, elsewhere] = [
      await folder.put("names.txt", "b\n"),
      await folder.put("paths.txt", paths("c")),
      await folder.put("else.txt", "val/a.png valannot/a.png\n"),
    ];
    expect(await names({ exclude: [byName, byPaths] })).to.deep.equal(["a"]);
    expect(await names({ split: "all", exclude: [byName, byPaths] })).to.deep.equal(["a"]);
    // Another folder's image of the same name is another one.
    expect(await names({ exclude: [elsewhere] })).to.deep.equal(["a", "b", "c"]);
    await rejects(list({ split: "tset" }), InputError, /but there is one for all, names, paths, train:/);
  });

  it("takes names with spaces and with their endings, and paths with spaces", async () => {
    await withImages("IMG 1", "IMG 2", "c.d");
    const val = await folder.put("val.txt", "\ufeffIMG 2.png\r\nc.d \r\n");
    await folder.put("train.txt", "IMG 1\nIMG 2\n");
    expect(await names()).to.deep.equal(["IMG 1", "IMG 2"]);
    expect(await names({ split: "val" })).to.deep.equal(["IMG 2", "c.d"]);
    expect(await names({ exclude: [val] })).to.deep.equal(["IMG 1"]);
    await folder.put("paths.txt", "images/IMG 1.png labels/IMG 1.png\nimages/c.d.png\tlabels/c.d.png\n");
    expect(await names({ split: "paths" })).to.deep.equal(["IMG 1", "c.d"]);
    expect(await names({ split: "paths", exclude: [val] })).to.deep.equal(["IMG 1"]);
    await folder.put("mixed.txt", "images/c.d.png labels/c.d.png\nIMG 1\n");
    await rejects(list({ split: "mixed" }), InputError, /mixed\.txt: line 2 is "IMG 1": expected an image and its labels/);
    await rejects(
      list({ split: "train", list: await folder.put("wrong.txt", "IMG 3.png\n") }),
      InputError,
      /IMG 3\.png: there is no such image/,
    );
  });

  it("takes no hidden files for images of a folder without lists, and no two classes of one name", async () => {
    await withImages("a");
    await folder.put("images/._a.png", "what macOS puts beside");
    await folder.put("labels/._a.png", "what macOS puts beside");
    expect(await names()).to.deep.equal(["a"]);
    await folder.put("classes.txt", "x\ny\nx\n");
    await rejects(list(), InputError, /classes\.txt: two classes are called x/);
  });

  it("reads labels that begin at 1, with 0 as void", async () => {
    await withImages("a");
    await folder.put("classes.txt", "x\ny\n");
    const from1 = { firstLabel: 1, ignore: 0 };
    const { jobs } = await list(from1);
    expect([...(await decodeSample(jobs[0]!)).labels]).to.deep.equal([...LABELS].map((l) => (l === 0 ? VOID : l - 1)));
    const wrong = async (options: Partial<DataSetOptions>, message: RegExp): Promise<void> =>
      rejects(
        list(options).then((listed) => decodeSample(listed.jobs[0]!)),
        InputError,
        message,
      );
    await wrong({ firstLabel: 1 }, /pixel \(0, 0\) has label 0, which is outside 1 to 2, and 255 is ignored/);
    await wrong({ firstLabel: 255 }, /firstLabel is 255 for 2 classes: use a label from 0 to 254/);
    // The class list's own void is a label like the others.
    await folder.put("classes.txt", "y\nvoid\n");
    await wrong({ firstLabel: 1 }, /pixel \(0, 0\) has label 0, which is outside 1 to 1, and 2 is ignored/);
  });
});
