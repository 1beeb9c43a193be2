/** The paper's nets as shapes: the golden constants of fcn.md 9. No device, no weights. */
import { expect } from "chai";
import {
  classifier,
  convolutionalClassifier,
  coordinateMap,
  cropOffset,
  fcn,
  fcnLayers,
  fcnTraining,
  input,
  parameterCount,
  receptiveField,
  ShapeError,
  trunkOf,
  type FcnOptions,
  type Tensor,
  type Trunk,
} from "../../src/index.js";
import { opOf } from "../../src/kernels/ops.js";
import { topological } from "../../src/tensor/tensor.js";

type Net = Pick<FcnOptions, "trunk" | "variant">;

const VGG: readonly Net[] = ["32s", "16s", "8s"].map((variant) => ({ trunk: "vgg16", variant }));

function layersOf(
  net: Net & Partial<FcnOptions>,
  size: readonly [number, number],
  channels = 3,
): { image: Tensor; layers: ReadonlyMap<string, Tensor> } {
  const image = input([1, channels, ...size]);
  return { image, layers: fcnLayers(image, { classes: 21, ...net }).layers };
}

/** Offsets of the crops, as the prototxts have them: of each skip's score against what it is added to, and of the last layer against the image. */
function crops(net: Net & Partial<FcnOptions>, size: readonly [number, number], channels = 3): number[] {
  const { image, layers } = layersOf(net, size, channels);
  const names = [...layers.keys()];
  const skips = names.filter((name) => /^score_pool\d$/.test(name));
  const ups = names.filter((name) => name.startsWith("up"));
  const offsets = [
    ...skips.map((skip, i) => cropOffset(layers.get(skip)!, layers.get(ups[i]!)!)),
    cropOffset(layers.get(ups.at(-1)!)!, image),
  ];
  return offsets.map(([h, w]) => {
    expect(h).to.equal(w);
    return h;
  });
}

/** Rows of the layers by name. */
function rows(net: Net & Partial<FcnOptions>, size: readonly [number, number], names: readonly string[]): (number | undefined)[] {
  const { layers } = layersOf(net, size);
  return names.map((name) => layers.get(name)?.shape[2]);
}

function multiplyAdds(output: Tensor): number {
  const nodes = topological([output]).filter((node) => ["conv2d", "convTranspose2d", "matmul"].includes(node.op));
  return nodes.reduce((n, node) => n + opOf(node.op).flops(node.inputs, node, node.attrs) / 2, 0);
}

describe("the paper's nets", () => {
  it("have the published numbers of parameters, counted without making one", () => {
    const before = process.memoryUsage().arrayBuffers;
    const learnable = (net: Net): number => parameterCount(fcn({ ...net, classes: 21, size: [500, 500] })).learnable;
    expect(VGG.map(learnable)).to.deep.equal([134_346_581, 134_357_354, 134_362_751]);
    expect(learnable({ trunk: "vgg16", variant: "8s-at-once" })).to.equal(134_362_751);
    expect(learnable({ trunk: "alexnet", variant: "32s" })).to.equal(56_954_261);
    expect(parameterCount(fcn({ trunk: "lenet", variant: "4s", classes: 11, size: [28, 28] })).learnable).to.equal(431_581);
    const classifiers = (["lenet", "alexnet", "vgg16"] as const).map((trunk) => parameterCount(classifier({ trunk })));
    expect(classifiers).to.deep.equal([431_080, 60_965_224, 138_357_544].map((n) => ({ learnable: n, frozen: 0 })));
    expect(process.memoryUsage().arrayBuffers - before).to.be.below(2 ** 20);
  });

  it("freeze the bilinear layers, or learn those asked for", () => {
    const frozen = (net: Net, upsampling: FcnOptions["upsampling"]): number =>
      parameterCount(fcn({ ...net, classes: 21, size: [64, 64], ...(upsampling ? { upsampling } : {}) })).frozen;
    expect(VGG.map((net) => frozen(net, undefined))).to.deep.equal([1_806_336, 458_640, 127_008]);
    expect(VGG.map((net) => frozen(net, "learned2x"))).to.deep.equal([1_806_336, 451_584, 112_896]);
    expect(VGG.map((net) => frozen(net, "learned"))).to.deep.equal([0, 0, 0]);
  });

  it("crop where the authors' prototxts do", () => {
    expect(VGG.map((net) => crops(net, [500, 500]))).to.deep.equal([[19], [5, 27], [5, 9, 31]]);
    expect(VGG.map((net) => crops(net, [375, 500]))).to.deep.equal([[19], [5, 27], [5, 9, 31]]);
    expect(crops({ trunk: "alexnet", variant: "32s" }, [500, 500])).to.deep.equal([18]);
    expect(crops({ trunk: "lenet", variant: "4s" }, [28, 28], 1)).to.deep.equal([0]);
    expect(crops({ trunk: "lenet", variant: "2s" }, [28, 28], 1)).to.deep.equal([4, 1]);
  });

  it("crop at P - 81, P - 73 and P - 69 behind a padding of P, skips at 5 and 9 whatever it is; AlexNet at P - 82", () => {
    const padded = (trunk: "vgg16" | "alexnet", caffePadding: number): Trunk => ({ ...trunkOf(trunk), caffePadding });
    const size = [97, 130] as const;
    for (let p = 81; p <= 120; p++) {
      const of = (variant: string): number[] => crops({ trunk: padded("vgg16", p), variant, width: 1 / 64 }, size);
      expect([of("32s"), of("16s"), of("8s")], `padding ${p}`).to.deep.equal([[p - 81], [5, p - 73], [5, 9, p - 69]]);
      // From 99 on it covers images of every size (fcn.md 1.6).
      if (p < 99) continue;
      expect(crops({ trunk: padded("alexnet", p), variant: "32s", width: 1 / 48 }, size), `padding ${p}`).to.deep.equal([p - 82]);
    }
  }).timeout(30_000);

  it("have the layer sizes of the paper at 500 x 500", () => {
    expect(
      rows(
        VGG[2]!,
        [500, 500],
        [
          "conv1_1",
          "pool1",
          "pool2",
          "pool3",
          "pool4",
          "pool5",
          "fc6",
          "score_fr",
          "upscore2",
          "upscore_pool4",
          "upscore8",
          "score",
        ],
      ),
    ).to.deep.equal([698, 349, 175, 88, 44, 22, 16, 16, 34, 70, 568, 500]);
    expect(rows(VGG[0]!, [500, 500], ["upscore"])).to.deep.equal([544]);
    expect(rows(VGG[1]!, [500, 500], ["upscore16"])).to.deep.equal([560]);
    expect(
      rows({ trunk: "alexnet", variant: "32s" }, [500, 500], ["conv1", "pool1", "pool2", "pool5", "fc6", "upscore"]),
    ).to.deep.equal([173, 86, 43, 21, 16, 543]);
  });

  it("have the published receptive fields and strides", () => {
    const of = (net: Net, names: readonly string[], channels = 3): [number, number][] => {
      const { layers } = layersOf(net, [300, 300], channels);
      return names.map((name) => {
        const map = coordinateMap(layers.get(name)!);
        return [receptiveField(map)[0], map[0].stride];
      });
    };
    expect(of(VGG[0]!, ["pool1", "pool2", "pool3", "pool4", "pool5", "fc7"])).to.deep.equal([
      [6, 2],
      [16, 4],
      [44, 8],
      [100, 16],
      [212, 32],
      [404, 32],
    ]);
    expect(of({ trunk: "alexnet", variant: "32s" }, ["conv1", "pool1", "conv2", "pool2", "conv5", "pool5", "fc6"])).to.deep.equal(
      [
        [11, 4],
        [19, 8],
        [51, 8],
        [67, 16],
        [163, 16],
        [195, 32],
        [355, 32],
      ],
    );
    expect(of({ trunk: "lenet", variant: "4s" }, ["ip1"], 1)).to.deep.equal([[28, 4]]);
  });

  it("need the published multiply-adds", () => {
    const giga = (output: Tensor, digits = 2): string => (multiplyAdds(output) / 1e9).toFixed(digits);
    expect(giga(classifier({ trunk: "vgg16" }).outputs.scores, 3)).to.equal("15.470");
    expect(giga(classifier({ trunk: "alexnet" }).outputs.scores, 3)).to.equal("0.724");
    expect(giga(fcn({ ...VGG[2]!, classes: 21, size: [500, 500] }).outputs.scores)).to.equal("181.53");
    expect(giga(fcn({ trunk: "alexnet", variant: "32s", classes: 21, size: [500, 500] }).outputs.scores)).to.equal("21.42");
  });

  it("follow the closed forms at every size from 1 to 699, and end at the image's", () => {
    const names = [
      ["score_fr", "upscore", "score"],
      ["score_fr", "upscore2", "upscore16", "score"],
      ["score_fr", "upscore2", "upscore_pool4", "upscore8", "score"],
    ];
    const expected = (size: number): number[][] => {
      const s5 = Math.ceil((size + 198) / 32);
      return [
        [s5 - 6, 32 * s5 - 160, size],
        [s5 - 6, 2 * s5 - 10, 32 * s5 - 144, size],
        [s5 - 6, 2 * s5 - 10, 4 * s5 - 18, 32 * s5 - 136, size],
      ];
    };
    // Rows of one size and columns of another: two sizes at once.
    for (let height = 1; height <= 350; height++) {
      const width = 700 - height;
      VGG.forEach((net, i) => {
        const { layers } = layersOf(net, [height, width]);
        const sizes = names[i]!.map((name) => layers.get(name)!.shape);
        expect(
          sizes.map((shape) => shape[2]),
          `${net.variant}, ${height} rows`,
        ).to.deep.equal(expected(height)[i]);
        expect(
          sizes.map((shape) => shape[3]),
          `${net.variant}, ${width} columns`,
        ).to.deep.equal(expected(width)[i]);
      });
    }
  }).timeout(60_000);

  it("pad by as little as the coordinate map allows: P - 81, P - 73, P - 69, and 82 on AlexNet", () => {
    const padding = (net: Net, size: number): number => {
      const { layers } = layersOf({ ...net, padding: "minimal" }, [size, size]);
      const first = topological([[...layers.values()][0]!]).find((node) => node.op === "conv2d")!;
      return (first.attrs as { padding: readonly number[] }).padding[0]!;
    };
    expect(VGG.map((net) => padding(net, 500))).to.deep.equal([81, 73, 69]);
    expect(padding({ trunk: "alexnet", variant: "32s" }, 500)).to.equal(82);
    for (let size = 33; size < 700; size += 11) expect(padding(VGG[0]!, size), `32s at ${size}`).to.equal(81);
    for (const size of [1, 2, 5, 17, 32]) expect(padding(VGG[0]!, size), `32s at ${size}`).to.be.within(81, 97);
    expect(() => padding(VGG[2]!, 1)).not.to.throw();
  }).timeout(30_000);

  it('pad layer by layer with "same": 32 i + 15.5, 16 i + 7.5, 8 i + 3.5, and no crop where 32 divides the image', () => {
    const { image, layers } = layersOf({ ...VGG[2]!, padding: "same" }, [64, 96]);
    const map = (name: string): number[] => coordinateMap(layers.get(name)!).flatMap(({ stride, offset }) => [stride, offset]);
    expect(map("score_fr")).to.deep.equal([32, 15.5, 32, 15.5]);
    expect(map("fuse_pool4")).to.deep.equal([16, 7.5, 16, 7.5]);
    expect(map("fuse_pool3")).to.deep.equal([8, 3.5, 8, 3.5]);
    expect(topological([layers.get("score")!]).filter((node) => node.op === "slice")).to.deep.equal([]);
    expect(cropOffset(layers.get("upscore8")!, image)).to.deep.equal([0, 0]);
    for (let size = 1; size < 66; size++) {
      for (const net of VGG) expect(rows({ ...net, padding: "same" }, [size, 40], ["score"])).to.deep.equal([size]);
      expect(layersOf({ trunk: "lenet", variant: "2s", padding: "same" }, [size, 9], 1).layers.get("score")!.shape).to.deep.equal(
        [1, 21, size, 9],
      );
    }
  }).timeout(30_000);

  it("turn classifiers into maps of the derived size", () => {
    const map = (trunk: "alexnet" | "vgg16" | "lenet", size: number): readonly number[] =>
      convolutionalClassifier({ trunk, size: [size, size] }).outputs.scores.shape;
    expect(map("alexnet", 227)).to.deep.equal([1, 1000, 1, 1]);
    expect(map("alexnet", 451)).to.deep.equal([1, 1000, 8, 8]);
    expect(map("alexnet", 500)).to.deep.equal([1, 1000, 10, 10]);
    expect(map("vgg16", 224)).to.deep.equal([1, 1000, 1, 1]);
    expect(map("lenet", 28)).to.deep.equal([1, 10, 1, 1]);
    expect(map("lenet", 64)).to.deep.equal([1, 10, 10, 10]);
  });

  it("keep at least one channel, and whole groups, at small widths", () => {
    const narrow = layersOf({ ...VGG[2]!, width: 0.001 }, [40, 40]).layers;
    expect(["conv1_1", "fc7", "score_fr"].map((name) => narrow.get(name)!.shape[1])).to.deep.equal([1, 4, 21]);
    const grouped = layersOf({ trunk: "alexnet", variant: "32s", width: 0.01 }, [40, 40]).layers;
    expect(["conv1", "conv2", "conv5"].map((name) => grouped.get(name)!.shape[1])).to.deep.equal([2, 2, 2]);
  });

  it("take labels and give both losses for training, with Caffe's multipliers", () => {
    const net = fcnTraining({ ...VGG[0]!, classes: 21, width: 1 / 64, batch: 2, size: [33, 47] });
    expect(Object.entries(net.outputs).map(([name, { shape }]) => [name, shape])).to.deep.equal([
      ["scores", [2, 21, 33, 47]],
      ["prediction", [2, 33, 47]],
      ["loss", []],
      ["lossSum", []],
    ]);
    const multipliers = new Map(net.params.map((p) => [p.name, [p.lrMult, p.decayMult]]));
    expect(
      ["conv1_1.weight", "conv1_1.bias", "score_fr.bias", "upscore.weight"].map((name) => multipliers.get(name)),
    ).to.deep.equal([
      [1, 1],
      [2, 0],
      [2, 0],
      [0, 0],
    ]);
    expect(topological([net.outputs.loss]).filter((node) => node.op === "dropout").length).to.equal(2);
    expect(
      topological([fcn({ ...VGG[0]!, classes: 2, size: [9, 9] }).outputs.labels]).some((node) => node.op === "dropout"),
    ).to.equal(false);
  });

  it("are built again for another size", () => {
    const net = fcn({ ...VGG[2]!, classes: 21, size: [500, 500] }).resize({ image: [1, 3, 97, 131] });
    expect(net.outputs.scores.shape).to.deep.equal([1, 21, 97, 131]);
    expect(net.outputs.labels.shape).to.deep.equal([1, 97, 131]);
  });

  it("refuse what they are not, by name", () => {
    const build =
      (options: Partial<FcnOptions>): (() => unknown) =>
      () =>
        fcn({ ...VGG[2]!, classes: 21, size: [64, 64], ...options });
    expect(build({ trunk: "resnet" as "vgg16" })).to.throw(
      ShapeError,
      /^fcn: trunk is resnet: use lenet, alexnet, .*squeezenet, or a table of your own \(Trunk\)$/,
    );
    expect(build({ variant: "4s" })).to.throw(ShapeError, "fcn: variant is 4s: use 32s, 16s, 8s, 8s-at-once on vgg16");
    expect(build({ classes: 0 })).to.throw(ShapeError, "fcn: classes is 0");
    expect(build({ width: -1 })).to.throw(ShapeError, "fcn: width is -1");
    expect(build({ padding: "valid" as "same" })).to.throw(ShapeError, "fcn: padding is valid");
    expect(build({ upsampling: "nearest" as "frozen" })).to.throw(ShapeError, "fcn: upsampling is nearest");
    const tiny = { trunk: "lenet", variant: "4s", classes: 2, size: [1, 1] } as const;
    expect(() => fcn(tiny)).to.throw(ShapeError, "an image of 1x1 is too small: it takes 5x5 and more");
    expect(fcn({ ...tiny, padding: "minimal" }).outputs.labels.shape).to.deep.equal([1, 1, 1]);
    expect(() => classifier({ trunk: "resnet" as "vgg16" })).to.throw(ShapeError, "trunk is resnet");
  });
});
