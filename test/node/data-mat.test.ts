/** Labels in .mat files: SBD's, SIFT Flow's and NYUDv2's forms, from SciPy and byte by byte; and the folders of the last two as they are laid out. */
import { expect } from "chai";
import { InputError } from "../../src/index.js";
import { openDataSet, type DataSetOptions } from "../../src/data/index.js";
import { listDataSet } from "../../src/data/data-set.js";
import { decodeSample } from "../../src/data/decode.js";
import { readMatLabels } from "../../src/data/mat.js";
import { VOID } from "../../src/training/index.js";
import { HEIGHT, LABELS, mat, photo, WIDTH } from "../harness/label-files.js";
import { rejects } from "../harness/rejects.js";
import { testFolder } from "../harness/test-folder.js";
import { scipyMat } from "../harness/scipy-mats.js";

const labelsOf = (bytes: Uint8Array, variable?: string): number[] => {
  const { data, height, width } = readMatLabels("a.mat", bytes, variable);
  expect([height, width]).to.deep.equal([HEIGHT, WIDTH]);
  return [...data];
};
const refused = (bytes: Uint8Array, message: RegExp, variable?: string): void => {
  expect(() => readMatLabels("a.mat", bytes, variable)).to.throw(InputError, message);
};
const changed = (bytes: Uint8Array, at: number, ...values: number[]): Uint8Array => {
  const copy = Uint8Array.from(bytes);
  copy.set(values, at);
  return copy;
};

describe(".mat labels", () => {
  const plain = [...LABELS];
  const fromOne = plain.map((label) => label + 1);

  it("are read of SBD's struct, of the only numeric matrix, or of the variable that is named: files by SciPy", () => {
    expect(labelsOf(scipyMat("sbd"))).to.deep.equal(plain);
    expect(labelsOf(scipyMat("sbd"), "GTcls.Segmentation")).to.deep.equal(plain);
    expect(labelsOf(scipyMat("siftFlow"))).to.deep.equal(plain);
    expect(labelsOf(scipyMat("siftFlow"), "S")).to.deep.equal(plain);
    expect(labelsOf(scipyMat("siftFlowGeo"))).to.deep.equal([-1, 0, ...fromOne.slice(2)]);
    expect(labelsOf(scipyMat("int64"))).to.deep.equal(plain);
    expect(labelsOf(scipyMat("nyud"), "segmentation")).to.deep.equal(fromOne);
  });

  it("are not guessed: what a file has is named", () => {
    refused(
      scipyMat("nyud"),
      /a\.mat: it has segmentation \(uint8\), score \(double\), of which 2 can be labels \(say which: labelVariable,/,
    );
    refused(scipyMat("siftFlow"), /it has no variable T, but S \(double\), names \(cell\): expected .* file with T$/, "T");
    refused(scipyMat("siftFlow"), /the matrix is 3 x 1 of type cell, not a numeric image/, "names");
    refused(scipyMat("siftFlow"), /S is no struct/, "S.Segmentation");
    refused(
      scipyMat("sbd"),
      /GTcls has the fields Boundaries, Segmentation, CategoriesPresent but no matrix Other/,
      "GTcls.Other",
    );
  });

  it("are read compressed or not; damaged and hostile files are refused", () => {
    for (const compressed of [true, false]) expect(labelsOf(mat(LABELS, { compressed }))).to.deep.equal(plain);
    refused(mat(LABELS).subarray(0, 100), /a\.mat: it has 100 bytes: expected a MATLAB level-5 file with GTcls$/, "GTcls");
    refused(mat(LABELS).subarray(0, 170), /claims \d+ bytes, beyond its end/);
    refused(mat(LABELS, { compressed: false }).subarray(0, 300), /beyond its end/);
    refused(mat(LABELS, { variable: "GTinst" }), /it has GTinst \(struct\), of which 0 can be labels/);
    refused(mat(LABELS, { field: "Other" }), /has the fields Boundaries, Other, CategoriesPresent but no matrix Segmentation/);
    refused(changed(mat(LABELS), 140, ...new Array<number>(20).fill(7)), /cannot be inflated/);
    refused(changed(mat(LABELS), 125, 2), /it is of version 7\.3, which is HDF5 \(save it by -v7\)/);
    refused(changed(mat(LABELS), 126, 0x4d, 0x49), /it is big-endian/);
    const nyud = scipyMat("nyud");
    const at = Buffer.from(nyud).indexOf(Buffer.from([1, 2, 3, 1, 2]));
    expect(at, "the first column").to.be.above(0);
    expect(labelsOf(changed(nyud, at + 1, 255), "segmentation")[WIDTH]).to.equal(255);
    const wild = Buffer.from(mat(LABELS, { compressed: false }));
    for (let from = 128; from < wild.length - 4; from += 4) {
      const broken = Buffer.from(wild);
      broken.writeUInt32LE(0xfffffff0, from);
      try {
        readMatLabels("a.mat", broken);
      } catch (error) {
        expect(error).to.be.instanceOf(InputError);
      }
    }
  });
});

describe("data sets with .mat labels", function () {
  this.timeout(60_000);
  const folder = testFolder("mat");
  const first = async (options: DataSetOptions) => decodeSample((await listDataSet(folder.path, options)).jobs[0]!);

  it("SIFT Flow: two label sets of the same photos, void 0 and, of the geometric ones, -1", async () => {
    const below = "spatial_envelope_256x256_static_8outdoorcategories";
    await folder.put(`Images/${below}/coast_land111.png`, await photo());
    await folder.put(`SemanticLabels/${below}/coast_land111.mat`, scipyMat("siftFlow"));
    await folder.put(`GeoLabels/${below}/coast_land111.mat`, scipyMat("siftFlowGeo"));
    await folder.put("trainval.txt", "coast_land111\n");
    const options = {
      split: "trainval",
      folders: { images: `Images/${below}`, labels: `SemanticLabels/${below}` },
      classList: await folder.put("semantic.txt", "awning\nbalcony\n"),
      firstLabel: 1,
      ignore: 0,
    };
    const semantic = await first(options);
    expect([...semantic.labels]).to.deep.equal([...LABELS].map((label) => (label === 0 ? VOID : label - 1)));
    const geometric = {
      ...options,
      folders: { ...options.folders, labels: `GeoLabels/${below}` },
      classList: await folder.put("geometric.txt", "sky\nhorizontal\nvertical\n"),
    };
    await rejects(
      first(geometric),
      InputError,
      /pixel \(0, 0\) has label -1, which is outside 1 to 3, and 0 is ignored: correct the labels/,
    );
    const both = { ...geometric, ignore: [0, -1] };
    expect([...(await first(both)).labels]).to.deep.equal([VOID, VOID, ...LABELS.subarray(2)]);
    // Through a thread; and what a run notes of each: the same photos, other labels.
    using set = await openDataSet(folder.path, { ...both, threads: 1 });
    expect([...(await set.load(0)).labels]).to.deep.equal([VOID, VOID, ...LABELS.subarray(2)]);
    expect(set.classes).to.deep.equal(["sky", "horizontal", "vertical"]);
    expect(set.names).to.deep.equal([`Images/${below}/coast_land111.png GeoLabels/${below}/coast_land111.mat`]);
    expect(set.decoding).to.deep.equal({ size: null, firstLabel: 1, ignore: [0, -1], variable: null, colours: null });
    const { names } = await listDataSet(folder.path, options);
    expect(names).to.not.deep.equal(set.names);
    await rejects(
      first({ ...both, ignore: [0, -129] }),
      InputError,
      /ignore is -129: use labels from -128 to 255, or null for none/,
    );
  });

  it("NYUDv2 as the authors lay it out: data/images, segmentation, a list of file names", async () => {
    await folder.put("data/images/img_5449.png", await photo());
    await folder.put("segmentation/img_5449.mat", scipyMat("nyud"));
    const options = {
      split: "train",
      list: await folder.put("train-names.txt", "img_5449\n"),
      folders: { images: "data/images", labels: "segmentation" },
      classList: await folder.put("names.txt", "wall\nfloor\ncabinet\n"),
      firstLabel: 1,
      ignore: 0,
    };
    await rejects(
      first(options),
      InputError,
      /img_5449\.mat: it has segmentation \(uint8\), score \(double\), of which 2 can be/,
    );
    const { labels } = await first({ ...options, labelVariable: "segmentation" });
    expect([...labels]).to.deep.equal([...LABELS]);
  });

  it("other classes in VOC's folders, by a list of them", async () => {
    await folder.put("JPEGImages/a.png", await photo());
    await folder.put("SegmentationClass/a_gt.mat", scipyMat("int64"));
    await folder.put("ImageSets/Segmentation/train.txt", "a\n");
    const classList = await folder.put("mine.txt", "x\ny\nz\n");
    const { classes, names } = await listDataSet(folder.path, { split: "train", classList, labelSuffix: "_gt" });
    expect(classes.names).to.deep.equal(["x", "y", "z"]);
    expect(names).to.deep.equal(["JPEGImages/a.png SegmentationClass/a_gt.mat"]);
  });
});
