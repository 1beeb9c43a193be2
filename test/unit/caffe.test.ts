/** .caffemodel files: the nets that the paper started from and ended with, layer by layer, and files that are no such thing. */
import { expect } from "chai";
import { classifier, convolutionalClassifier, fcn, initialWeights, transplant, WeightsError } from "../../src/index.js";
import { readCaffemodel } from "../../src/caffe/index.js";
import { runReference } from "../../src/reference/index.js";
import { uniform } from "../../src/tensor/random.js";
import { block, blob, layer, layersOf, net, number, tag, text, varint, type BlobForm } from "../harness/caffe-file.js";
import { bvlcGooglenet, NETS, randomWeights, vgg } from "../harness/caffe-nets.js";
import { difference } from "../harness/difference.js";
import { rejects } from "../harness/rejects.js";

const plain: BlobForm = { shape: "packed" };

const GOOGLENET = { trunk: "googlenet", width: 1 / 32, classes: 5 } as const;
const google = classifier({ ...GOOGLENET, dropout: 0 });

describe("caffemodel", () => {
  for (const { file, form, lines, to } of NETS) {
    it(`${file} (${form}): every layer by its name`, async () => {
      const weights = randomWeights(to.params);
      const shape = form === "V1" ? "legacy" : "packed";
      const bytes = net(file, layersOf(lines, weights, { shape }), form);
      const read = await readCaffemodel(bytes);
      expect(read.name).to.equal(file);
      expect(read.layers.map(({ name, type }) => `${name} ${type}`)).to.deep.equal(lines);
      expect([...read.weights.keys()]).to.have.members([...weights.keys()]);
      for (const [name, tensor] of weights) expect(read.weights.get(name), name).to.deep.equal(tensor);
      const { report } = transplant(read.weights, to);
      expect([report.initialised, report.dropped, report.reshaped]).to.deep.equal([[], [], []]);
    });
  }

  it("bvlc_googlenet (V1, V2): every layer by its name; without the side classifiers it runs, as classifier, convolutional and FCN-8s", async () => {
    const { lines, weights, sides } = bvlcGooglenet(google);
    for (const form of ["V1", "V2"] as const) {
      const read = await readCaffemodel(net("GoogleNet", layersOf(lines, weights, { shape: "legacy" }), form));
      expect(new Map(read.weights)).to.deep.equal(weights);
      expect(read.layers.map(({ name, type }) => `${name} ${type}`)).to.deep.equal(lines);
      const { report } = transplant(read.weights, google);
      expect([report.initialised, report.reshaped, report.dropped]).to.deep.equal([[], [], sides]);
    }
    const random = uniform(4);
    const image = Float32Array.from({ length: 3 * 224 * 224 }, () => 200 * (random() - 0.5));
    const { scores } = runReference(google, transplant(weights, google).weights, { image });
    const dense = convolutionalClassifier({ ...GOOGLENET, dropout: 0, size: [224, 224] });
    const slid = transplant(weights, dense);
    expect(slid.report.dropped).to.deep.equal(sides);
    expect(difference(scores, runReference(dense, slid.weights, { image }).scores)).to.be.below(1e-6);
    const eight = transplant(weights, fcn({ ...GOOGLENET, variant: "8s", size: [64, 64] })).report;
    expect(eight.dropped).to.have.members([...sides, "loss3/classifier.weight", "loss3/classifier.bias"]);
    expect(eight.initialised.every((name) => name.startsWith("score_"))).to.equal(true);
  });

  it("starts FCN-32s from VGG16, as the paper does", async () => {
    const trained = initialWeights(classifier({ trunk: "vgg16", classes: 5, width: 1 / 64 }), 5);
    const bytes = net("VGG", layersOf(NETS[0]!.lines, trained, { shape: "legacy" }), "V1");
    const { report } = transplant((await readCaffemodel(bytes)).weights, fcn({ ...vgg, variant: "32s" }));
    expect(report.reshaped.map(({ name }) => name)).to.deep.equal(["fc6.weight", "fc7.weight"]);
    expect(report.dropped).to.deep.equal(["fc8.weight", "fc8.bias"]);
    expect(report.initialised).to.deep.equal(["score_fr.weight", "score_fr.bias"]);
    expect(report.matched.length).to.equal(28);
  });

  it("reads values in every form that protobuf allows", async () => {
    const values = Float32Array.of(1, -2.5, 3e-20, 4, 5, 6);
    const data = ["packed", "unpacked", "two parts", "double", "double unpacked"] as const;
    for (const shape of ["legacy", "packed", "unpacked"] as const)
      for (const form of data)
        for (const diff of [false, true]) {
          const blobs = [
            blob([3, 2, 1, 1], values, { shape, data: form, diff }),
            blob([3], [7, 8, 9], { shape, data: form, diff }),
          ];
          const { weights } = await readCaffemodel(net("n", [{ name: "c", type: "Convolution", blobs }], "V2"));
          expect(weights.get("c.weight")).to.deep.equal({ shape: [3, 2, 1, 1], data: values });
          expect(weights.get("c.bias")).to.deep.equal({ shape: [3], data: Float32Array.of(7, 8, 9) });
        }
  });

  it("reads a stream in pieces, and says how far it is", async () => {
    const { lines, weights } = bvlcGooglenet(google);
    const bytes = net("GoogleNet", layersOf(lines, weights, plain), "V2");
    async function* pieces(): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < bytes.length; at += 11) yield await Promise.resolve(bytes.slice(at, at + 11));
    }
    let last = 0;
    const read = await readCaffemodel(pieces(), { onProgress: ({ done }) => (last = done) });
    expect(new Map(read.weights)).to.deep.equal(weights);
    expect(last).to.equal(bytes.length);
  });

  it("divides the sums of a BatchNorm by their count", async () => {
    const blobs = [blob([2], [4, 8], plain), blob([2], [2, 6], plain), blob([1], [4], plain)];
    const { weights } = await readCaffemodel(net("n", [{ name: "bn", type: "BatchNorm", blobs }], "V2"));
    expect([...weights.get("bn.running_mean")!.data, ...weights.get("bn.running_var")!.data]).to.deep.equal([1, 2, 0.5, 1.5]);
  });

  const weight = blob([2, 1, 1, 1], [1, 2], plain);
  const one = (blobs: readonly (readonly number[])[], type = "Convolution"): Uint8Array =>
    net("n", [{ name: "c", type, blobs }], "V2");
  const raw = (...fields: readonly (readonly number[])[]): Uint8Array => Uint8Array.from(fields.flat());
  const hostile: readonly [what: string, bytes: Uint8Array, message: RegExp][] = [
    ["nothing", new Uint8Array(0), /the file is empty/],
    ["a net without layers", raw(text(1, "n")), /there are no layers/],
    ["a prototxt", new TextEncoder().encode('name: "VGG"\nlayer {'), /this is text, a .prototxt/],
    ["an HDF5 file", raw([0x89, 0x48, 0x44, 0x46, 13, 10, 26, 10, 0]), /HDF5/],
    ["a page of HTML", new TextEncoder().encode("<!doctype html><html>"), /caffemodel/],
    ["a layer beyond the end", raw(tag(100, 2), varint(1000), [1]), /field 100 of the net ends at byte 1004, but the net at 5/],
    ["a length of 4 GB", raw(tag(100, 2), varint(2 ** 32 - 1)), /has 4294967295 bytes/],
    ["a length of 2^63", raw(tag(100, 2), varint(2n ** 63n)), /caffemodel/],
    ["a varint without an end", raw(Array<number>(20).fill(0x80)), /no field at byte 0/],
    ["field number 0", raw([0, 0]), /no field at byte 0/],
    ["a group", raw(tag(100, 3), tag(100, 4)), /wire type 3/],
    ["a layer that is a number", raw(number(100, 7)), /field 100 of the net has wire type 0, expected 2/],
    [
      "a blob that is a float",
      raw(block(100, [...text(1, "c"), ...tag(7, 5), 0, 0, 0, 0])),
      /field 7 of layer c has wire type 5/,
    ],
    ["a name that is a number", raw(block(100, number(1, 7))), /field 1 of layer 0 has wire type 0/],
    ["a name that is no text", raw(block(100, block(1, [0xff, 0xfe]))), /is no text/],
    ["a name of a megabyte", raw(block(100, block(1, new Uint8Array(2 ** 20)))), /takes 1048576 bytes, expected at most 65536/],
    [
      "values that are varints",
      one([[...number(5, 1), ...block(7, block(1, [1]))]]),
      /field 5 of blob 0 of layer c has wire type 0/,
    ],
    ["values cut in the middle of a float", one([[...block(5, [0, 0, 0]), ...block(7, block(1, [1]))]]), /3 bytes of values/],
    [
      "fewer values than the shape takes",
      one([blob([2, 1, 1, 3], [1, 2], plain)]),
      /blob 0 of layer c has 2 values but its shape \[2, 1, 1, 3\] takes 6/,
    ],
    ["more values than the shape takes", one([blob([1], [1, 2], plain)]), /has 2 values but its shape \[1\] takes 1/],
    ["values without a shape", one([block(5, new Uint8Array(8))]), /has 2 values but its shape \[\] takes 1/],
    [
      "a negative extent",
      one([[...block(5, []), ...block(7, block(1, varint(-1)))]]),
      /the shape of blob 0 of layer c is \[-1\]/,
    ],
    ["a shape that overflows to 0", one([[...block(7, block(1, [2 ** 33, 2 ** 33].flatMap(varint)))]]), /has 0 values/],
    ["a shape of too many axes", one([[...block(7, block(1, Array<number>(33).fill(1)))]]), /the shape of blob 0/],
    ["a shape cut short", one([[...block(7, [10, 200])]]), /the shape of blob 0 of layer c cannot be read/],
    ["a convolution of rank 2", one([blob([2, 3], [1, 2, 3, 4, 5, 6], plain)]), /has a weight \[2, 3\], expected rank 4/],
    ["an InnerProduct of a true rank 4", one([blob([2, 3, 1, 1], [1, 2, 3, 4, 5, 6], plain)], "InnerProduct"), /expected rank 2/],
    ["biases that do not fit", one([weight, blob([3], [1, 2, 3], plain)]), /weight \[2, 1, 1, 1\] but 3 biases/],
    ["a layer with three blobs", one([weight, weight, weight]), /has 3 blobs, which no layer of this engine has/],
    [
      "weights without a layer's name",
      raw(block(100, [...text(2, "Convolution"), ...block(7, weight)])),
      /layer 0 has weights but no name/,
    ],
    [
      "two layers of one name",
      raw(...[1, 2].map(() => layer({ name: "c", type: "Convolution", blobs: [weight] }, "V2"))),
      /two layers are called c/,
    ],
    ["the form of 2013", raw(block(2, block(1, text(1, "c")))), /upgrade_net_proto_binary/],
  ];
  for (const [what, bytes, message] of hostile) {
    it(`refuses ${what}`, async () => {
      await rejects(readCaffemodel(bytes), WeightsError, message);
    });
  }

  it("refuses, or reads, whatever a good file turns into: every cut, and two thousand bytes changed", async () => {
    const random = uniform(8);
    const params = [
      { name: "conv1.weight", shape: [2, 1, 3, 3] },
      { name: "conv1.bias", shape: [2] },
      { name: "fc6.weight", shape: [3, 4] },
    ];
    const good = net(
      "n",
      layersOf(["data Data", "conv1 Convolution", "fc6 InnerProduct"], randomWeights(params), { shape: "legacy" }),
      "V1",
    );
    const cuts = Array.from(good, (_, length) => good.slice(0, length));
    const changes = Array.from({ length: 2000 }, () => {
      const bytes = good.slice();
      bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
      return bytes;
    });
    let refused = 0;
    for (const bytes of [...cuts, ...changes]) {
      const error = await readCaffemodel(bytes).then(
        () => null,
        (e: unknown) => e,
      );
      if (error !== null) expect(error).to.be.instanceOf(WeightsError);
      refused += error === null ? 0 : 1;
    }
    expect(refused).to.be.within(cuts.length / 2, cuts.length + changes.length - 100);
    expect((await readCaffemodel(good)).weights.size).to.equal(3);
  });
});
