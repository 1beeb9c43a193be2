/** The trunks as tables: their parameters, names and sizes, and tables of one's own. No device. */
import { expect } from "chai";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../scripts/paths.js";
import {
  classifier,
  coordinateMap,
  cropOffset,
  fcn,
  fcnLayers,
  input,
  parameterCount,
  receptiveField,
  ShapeError,
  trunkOf,
  type FcnOptions,
  type Shape,
  type Trunk,
  type TrunkLayer,
  type TrunkName,
} from "../../src/index.js";
import { sameShape } from "../../src/tensor/shape.js";
import { topological } from "../../src/tensor/tensor.js";

const NAMES: readonly TrunkName[] = ["lenet", "alexnet", "alexnet-bvlc", "vgg16", "vgg19", "googlenet", "squeezenet"];

function layersOf(options: Pick<FcnOptions, "trunk" | "variant"> & Partial<FcnOptions>, size: readonly [number, number]) {
  const image = input([1, trunkOf(options.trunk).crop.channels, ...size]);
  return { image, layers: fcnLayers(image, { classes: 21, ...options }).layers };
}

describe("trunks", () => {
  it("have the published numbers of parameters as classifiers", () => {
    expect(NAMES.map((trunk) => parameterCount(classifier({ trunk })).learnable)).to.deep.equal([
      431_080, 60_965_224, 60_965_224, 138_357_544, 143_667_240, 6_998_552, 1_235_496,
    ]);
  });

  it("have those of the paper as FCNs: GoogLeNet 5,995,077", () => {
    const learnable = (trunk: TrunkName, variant: string): number =>
      parameterCount(fcn({ trunk, variant, classes: 21, size: [64, 64] })).learnable;
    expect(learnable("googlenet", "32s")).to.equal(5_995_077);
    // With scores of 832 and 480 channels.
    expect(learnable("googlenet", "8s")).to.equal(5_995_077 + 21 * (832 + 1) + 21 * (480 + 1));
    expect(learnable("alexnet-bvlc", "32s")).to.equal(56_954_261);
    // VGG16's, and one more 3x3 convolution in each of the blocks 3 to 5.
    expect(learnable("vgg19", "8s")).to.equal(134_362_751 + 590_080 + 2 * 2_359_808);
    // Without conv10, and with scores of 512 channels.
    expect(learnable("squeezenet", "16s")).to.equal(1_235_496 - 1000 * 513 + 21 * 513);
  });

  it("call their parameters as the pretrained weights at hand do", function () {
    const folder = join(root, "../shared/data/weights");
    if (!existsSync(folder)) this.skip();
    for (const [trunk, file, others] of [
      ["googlenet", "googlenet", []],
      ["squeezenet", "squeezenet1_1", []],
      ["alexnet-bvlc", "alexnet_conv", ["fc6", "fc7", "fc8"]],
    ] as const) {
      const { tensors } = JSON.parse(readFileSync(join(folder, `${file}.json`), "utf8")) as {
        tensors: { name: string; shape: Shape }[];
      };
      const shapes = new Map(tensors.map(({ name, shape }) => [name, shape]));
      for (const { name, shape } of classifier({ trunk }).params) {
        if ((others as readonly string[]).includes(name.split(".")[0]!)) continue;
        // loss3/classifier lies there as a 1x1 convolution.
        const found = shapes.get(name)?.filter((d, i) => i < shape.length || d !== 1);
        expect(found && sameShape(found, shape), `${file}: ${name}`).to.equal(true);
        shapes.delete(name);
      }
      expect([...shapes.keys()], file).to.deep.equal([]);
    }
  });

  it("have the layer sizes of their papers on the crops", () => {
    const sizes = (trunk: TrunkName, names: readonly string[]): (readonly number[])[] => {
      const shapes = new Map(topological([classifier({ trunk }).outputs.scores]).map(({ name, shape }) => [name, shape]));
      return names.map((name) => shapes.get(name)!.slice(1));
    };
    expect(sizes("googlenet", ["pool1/3x3_s2", "pool2/3x3_s2", "inception_3a/output"])).to.deep.equal([
      [64, 56, 56],
      [192, 28, 28],
      [256, 28, 28],
    ]);
    expect(
      sizes("googlenet", [
        "inception_3b/output",
        "inception_4a/output",
        "inception_4e/output",
        "inception_5b/output",
        "pool5/7x7_s1",
      ]),
    ).to.deep.equal([
      [480, 28, 28],
      [512, 14, 14],
      [832, 14, 14],
      [1024, 7, 7],
      [1024, 1, 1],
    ]);
    expect(sizes("squeezenet", ["pool1", "fire3/concat", "fire5/concat", "fire9/concat", "pool10"])).to.deep.equal([
      [64, 56, 56],
      [128, 56, 56],
      [256, 28, 28],
      [512, 14, 14],
      [1000, 1, 1],
    ]);
  });

  it("normalise and pool in the order of their authors", () => {
    const order = (trunk: TrunkName): string[] =>
      trunkOf(trunk)
        .layers.map(({ name }) => name)
        .slice(1, 3);
    expect(order("alexnet")).to.deep.equal(["pool1", "norm1"]);
    expect(order("alexnet-bvlc")).to.deep.equal(["norm1", "pool1"]);
  });

  it("have the receptive fields of the paper: GoogLeNet 715 without its average pool, 907 with it", () => {
    const { layers } = layersOf({ trunk: "googlenet", variant: "32s" }, [300, 300]);
    const map = coordinateMap(layers.get("inception_5b/output")!);
    expect([receptiveField(map)[0], map[0].stride, map[0].offset]).to.deep.equal([715, 32, 30]);
    const whole: Trunk = { ...trunkOf("googlenet"), classifierOnly: ["loss3/classifier"] };
    const pooled = layersOf({ trunk: whole, variant: "32s", padding: "minimal" }, [300, 300]).layers.get("pool5/7x7_s1")!;
    expect([receptiveField(coordinateMap(pooled))[0], coordinateMap(pooled)[0].stride]).to.deep.equal([907, 32]);
  });

  it("have skips of the strides that their heads' names say, and cover images of any size", () => {
    for (const trunk of NAMES) {
      for (const [variant, head] of Object.entries(trunkOf(trunk).heads)) {
        const options = { trunk, variant, width: 1 / 64 } as const;
        const { layers } = layersOf(options, [70, 90]);
        const finest = head.skips.at(-1)?.from ?? trunkOf(trunk).layers.findLast(({ name }) => layers.has(name))!.name;
        expect(`${coordinateMap(layers.get(finest)!)[0].stride}s`, `${trunk} ${variant}`).to.equal(variant.split("-")[0]);
        for (const padding of ["caffe", "minimal", "same"] as const) {
          for (const size of [33, 47, 64, 97, 100, 129])
            expect(layersOf({ ...options, padding }, [size, size + 3]).layers.get("score")!.shape).to.deep.equal([
              1,
              21,
              size,
              size + 3,
            ]);
        }
      }
    }
  }).timeout(60_000);

  it("put FCN-GoogLeNet's 32 i + 33 - P on the image by a kernel of 63, cropped at P - 2", () => {
    const { image, layers } = layersOf({ trunk: "googlenet", variant: "32s" }, [224, 320]);
    const up = layers.get("upscore")!;
    expect(up.inputs[1]!.shape).to.deep.equal([21, 21, 63, 63]);
    expect(cropOffset(up, image)).to.deep.equal([1, 1]);
    const table = { ...trunkOf("googlenet"), caffePadding: 100 };
    const wide = layersOf({ trunk: table, variant: "32s" }, [224, 320]);
    expect(cropOffset(wide.layers.get("upscore")!, wide.image)).to.deep.equal([98, 98]);
    for (let size = 31; size < 300; size++)
      expect(
        layersOf({ trunk: "googlenet", variant: "32s", width: 1 / 64 }, [size, 331 - size + 31]).layers.get("score")!.shape[2],
      ).to.equal(size);
  }).timeout(60_000);
});

describe("trunks of one's own", () => {
  const conv = (name: string, more: object = {}): TrunkLayer => ({
    op: "conv",
    name,
    channels: 8,
    kernel: 3,
    padding: 1,
    relu: true,
    ...more,
  });
  const own: Trunk = {
    name: "mine",
    layers: [
      conv("a"),
      { op: "averagePool", name: "half", kernel: 2, stride: 2, rounding: "floor" },
      conv("left"),
      conv("right", { from: "half", groups: 2, dilation: 2, padding: 2 }),
      { op: "concat", name: "both", from: ["left", "right"] },
      { op: "lrn", name: "norm", size: 3 },
      { op: "dropout", name: "drop", p: 0.2 },
    ],
    crop: { channels: 4, size: 32 },
    caffePadding: 1,
    init: trunkOf("vgg16").init,
    bias: { lrMult: 1, decayMult: 1 },
    pixels: trunkOf("vgg16").pixels,
    heads: { "2s": { skips: [], upsampling: "upscore" } },
  };
  const options = { variant: "2s", classes: 5, size: [20, 30] } as const;

  it("become segmentation nets", () => {
    const net = fcn({ trunk: own, ...options });
    expect(net.inputs.image.shape).to.deep.equal([1, 4, 20, 30]);
    expect(net.outputs.scores.shape).to.deep.equal([1, 5, 20, 30]);
    expect(net.params.map(({ name }) => name)).to.include.members(["a.weight", "left.bias", "right.weight", "score_fr.weight"]);
    expect(() => classifier({ trunk: own })).to.throw(ShapeError, "trunk mine has no classification layer");
  });

  it("are refused where they do not hold together, by layer and field", () => {
    const build =
      (change: Partial<Trunk>): (() => unknown) =>
      () =>
        fcn({ trunk: { ...own, ...change }, ...options });
    const withLayer = (layer: TrunkLayer): (() => unknown) => build({ layers: [...own.layers, layer] });
    const wrong: readonly (readonly [() => unknown, string])[] = [
      [build({ layers: own.layers.slice(1) }), "trunk mine: its first layer is no convolution of the image"],
      [withLayer(conv("a")), "layer a: there are two of this name"],
      [
        withLayer(conv("b", { from: "c" })),
        "layer b: it is computed from c, which is no layer in front of it: use one of a, half",
      ],
      [withLayer(conv("b", { from: "image" })), "layer b: it reads the image"],
      [withLayer(conv("b", { stride: 0 })), "layer b: stride is 0: use an integer of at least 1"],
      [withLayer(conv("b", { groups: 3 })), "layer b: 8 channels do not divide into 3 groups"],
      [withLayer({ op: "maxPool", name: "b", kernel: 2, stride: 2, padding: 2 }), "layer b: padding is 2 but the kernel 2"],
      [withLayer({ op: "dropout", name: "b", p: 1 }), "layer b: p is 1"],
      [withLayer({ op: "concat", name: "b", from: [] }), "layer b: it is computed from nothing"],
      [withLayer({ op: "globalAveragePool", name: "b" }), "layer b: it leaves one number a channel"],
      [withLayer({ op: "swish" as "lrn", name: "b" }), "layer b: op is swish: use conv, maxPool"],
      [build({ classifierOnly: ["z"] }), "classifierOnly names z, which is no layer"],
      [build({ heads: {} }), "it has no heads"],
      [build({ heads: { "2s": { skips: [{ from: "z", upsampling: "up2" }], upsampling: "up" } } }), "head 2s: a skip is from z"],
      [build({ heads: { "2s": { skips: [], upsampling: "score" } } }), "head 2s: two layers are called score"],
      [build({ crop: { channels: 0, size: 3 } }), "crop is 0 channels of 3 x 3"],
    ];
    for (const [make, message] of wrong) expect(make, message).to.throw(ShapeError, message);
  });
});
