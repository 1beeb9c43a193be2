/** The command line `fcn` but for training: on nets and images small enough for seconds. */
import { expect } from "chai";
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { decode } from "fast-png";
import sharp from "sharp";
import { root } from "../../scripts/paths.js";
import { netFacts, netMetadata } from "../../src/fcn/net-metadata.js";
import { classifier, fcn, initialWeights, openFcn, type Weights } from "../../src/index.js";
import { loadSafetensors, writeSafetensors } from "../../src/weights/index.js";
import { layersOf, net as caffeNet } from "../harness/caffe-file.js";
import { bits, bitsOf, runFcn, succeed } from "../harness/cli.js";
import { testGpu } from "../harness/device.js";

const NET = { trunk: "lenet", variant: "4s", classes: 3, width: 0.2 } as const;
const NET_FLAGS = ["--trunk", "lenet", "--width", "0.2", "--classes", "3"];
const [WIDTH, HEIGHT] = [40, 32];

/** Weights that predict every class somewhere: score layers start at zero. */
function livelyWeights(): Weights {
  const graph = fcn({ ...NET, size: [HEIGHT, WIDTH] });
  return new Map(
    [...initialWeights(graph)].map(([name, { shape, data }]) => [
      name,
      name.startsWith("score") ? { shape, data: data.map((_, i) => Math.sin(i * 12.9898)) } : { shape, data },
    ]),
  );
}

describe("fcn, the command line", function () {
  this.timeout(120_000);
  let folder = "";
  const at = (...names: string[]): string => join(folder, ...names);
  const tensorsOf = async (file: string): Promise<Weights> => (await loadSafetensors(pathToFileURL(file))).tensors;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "fcn-cli-"));
    await writeFile(
      at("net.safetensors"),
      writeSafetensors({ tensors: livelyWeights(), metadata: netMetadata({ ...NET, labels: ["sky", "road", "<b>"] }) }),
    );
    for (const name of ["images", "photos"]) await mkdir(at(name));
    const grey = { create: { width: WIDTH, height: HEIGHT, channels: 3, background: "grey" } } as const;
    await sharp(grey).png().toFile(at("images", "0.png"));
  });
  after(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  describe("itself", () => {
    for (const command of ["inspect", "predict", "convert", "train", "eval"]) {
      it(`${command} --help has examples, whose options it has`, async () => {
        const help = await succeed([command, "--help"]);
        const [options, examples] = help.split("Examples:\n") as [string, string];
        expect(examples).to.contain(`fcn ${command} `);
        for (const [flag] of examples.matchAll(/--[\w-]+/g)) expect(options, flag).to.contain(`${flag} `);
      });
    }

    it("--help has examples of commands with all that they need", async () => {
      const help = await succeed(["--help"]);
      const needed = { train: ["--data", "--trunk", "--variants", "--steps", "--out"], predict: ["--weights", "--out"] };
      for (const [command, flags] of Object.entries(needed))
        for (const text of [help, await succeed([command, "--help"])]) {
          const examples = text.split("Examples:\n")[1]!.replaceAll("\\\n", "").split("\n");
          const own = examples.filter((line) => line.includes(`fcn ${command} `));
          expect(own).to.have.length.above(0);
          for (const line of own) for (const flag of flags) expect(line).to.contain(`${flag} `);
        }
      const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { version: string };
      expect(await succeed(["--version"])).to.equal(version);
    });

    it("says what is wrong with a command line, with exit code 2", async () => {
      const wrong: [string[], RegExp][] = [
        [["frobnicate"], /unknown command 'frobnicate'/],
        [["inspect", "--frob"], /unknown option '--frob'/],
        [["predict", "a.jpg", "--out", "x"], /required option '--weights <file>' not specified/],
        [["inspect", "--trunk", "vgg17"], /argument 'vgg17' is invalid.*alexnet/],
        [["inspect", "--trunk", "vgg16", "--variant", "8s", "--size", "500"], /'500' is invalid. Use WIDTHxHEIGHT/],
        [["inspect", "--trunk", "vgg16", "--variant", "4s", "--size", "9x9"], /--variant is 4s, but vgg16 has 32s, 16s, 8s/],
        [["inspect"], /nothing to inspect/],
        [["inspect", "weights.txt"], /weights are \.safetensors/],
        [["convert", at("net.safetensors"), "x.caffemodel"], /read, not written/],
        [["predict", at("images"), "--weights", "x", "--out", at("images")], /--out is the folder of the photos/],
        [
          ["predict", "a.jpg", "--weights", "x", "--out", "y", "--only-new", "--force"],
          /'--only-new' cannot be used with .*'--force'/,
        ],
      ];
      for (const [args, message] of wrong) {
        const { code, out, err } = await runFcn(args);
        expect(err).to.match(message);
        expect([code, out], args.join(" ")).to.deep.equal([2, ""]);
      }
    });

    it("says what failed in one line, with exit code 1, and where only when asked", async () => {
      await writeFile(at("damaged.safetensors"), "no such thing");
      const missing = await runFcn(["inspect", at("nothing.safetensors")]);
      expect(missing).to.deep.equal({
        code: 1,
        out: "",
        err: `fcn: ${at("nothing.safetensors")}: there is no such file: check the path`,
      });
      const damaged = await runFcn(["inspect", at("damaged.safetensors")]);
      expect([damaged.code, damaged.err.split("\n").length]).to.deep.equal([1, 1]);
      expect(damaged.err).to.match(/^fcn: .*damaged\.safetensors: safetensors: .* damaged or of another format$/);
      expect((await runFcn(["inspect", at("damaged.safetensors"), "--verbose"])).err).to.match(/\n\s+at .*safetensors/);
    });
  });

  describe("inspect", () => {
    it("prints layers, shapes, places, parameters and multiply-adds, and plans no memory when told so", async () => {
      const out = await succeed(["inspect", "--trunk", "vgg16", "--variant", "8s", "--size", "500x375", "--no-gpu"]);
      expect(out).to.match(/score_pool3c\s+1 x 21 x 54 x 70\s+x = 8 i - 23\.5, receptive field 44\s+9/);
      expect(out).to.match(/score\s+1 x 21 x 375 x 500 /);
      expect(out).to.match(/\d G multiply-adds an image$/);
    });

    it("plans memory where there is a GPU", async () => {
      const out = await succeed(["inspect", ...NET_FLAGS, "--variant", "4s", "--size", "40x32"]);
      expect(out.split("\n").at(-1)).to.match(
        /^memory on .+: [\d.]+ MiB, of it weights [\d.]+ MiB and activations [\d.]+ MiB; \d+ dispatches/,
      );
    });

    it("lists a weights file, and the net that it says it belongs to", async () => {
      const out = await succeed(["inspect", at("net.safetensors"), "--size", "40x32", "--no-gpu"]);
      expect(out).to.match(/conv1\.weight\s+F32\s+\[4, 1, 5, 5\]\s+100/);
      expect(out).to.match(/lenet 4s, 3 classes, padding caffe, width 0\.2, image 40 x 32/);
    });
  });

  describe("predict", () => {
    it("writes label images, overlays and a legend, and goes on behind a photo that cannot be read", async () => {
      const pixels = Buffer.from(Array.from({ length: 3 * WIDTH * HEIGHT }, (_, i) => (i * 53) % 256));
      const raw = { raw: { width: WIDTH, height: HEIGHT, channels: 3 } } as const;
      await sharp(pixels, raw).png().toFile(at("photos", "a.png"));
      await sharp(pixels, raw).withMetadata({ orientation: 6 }).tiff().toFile(at("photos", "b.tiff"));
      await writeFile(at("photos", "c.jpg"), "no photo");
      const args = [
        "predict",
        at("photos"),
        "--weights",
        at("net.safetensors"),
        "--out",
        at("out", "labelled"),
        "--opacity",
        "0.5",
      ];
      const { code, out, err } = await runFcn(args);
      expect(code).to.equal(1);
      expect(err).to.match(/c\.jpg: it cannot be read as an image.*\n.*1 of 3 photos/s);
      // As a camera that was turned has it: to be looked at upright.
      expect(out).to.match(/a\.png: 40 x 32, .*%\n.*b\.tiff: 32 x 40, /);
      expect((await readdir(at("out", "labelled"))).sort()).to.deep.equal([
        "a.labels.png",
        "a.overlay.png",
        "b.labels.png",
        "b.overlay.png",
        "classes.txt",
        "legend.html",
      ]);
      const rgba = Uint8Array.from({ length: 4 * WIDTH * HEIGHT }, (_, i) =>
        i % 4 === 3 ? 255 : pixels[3 * (i >> 2) + (i % 4)]!,
      );
      using segmenter = await openFcn(await testGpu(), { ...NET, weights: livelyWeights() });
      const { labels } = await segmenter.predict(rgba, { size: [HEIGHT, WIDTH] });
      expect(new Set(labels).size).to.be.above(1);
      const png = decode(await readFile(at("out", "labelled", "a.labels.png")));
      expect([png.width, png.height, png.channels]).to.deep.equal([WIDTH, HEIGHT, 1]);
      expect([...png.data]).to.deep.equal([...labels]);
      expect(png.palette?.map((c) => [...c].slice(0, 3))).to.deep.equal([
        [0, 0, 0],
        [128, 0, 0],
        [0, 128, 0],
      ]);
      const overlay = decode(await readFile(at("out", "labelled", "a.overlay.png")));
      const at7 = [0, 1, 2].map((c) => Math.round((pixels[21 + c]! + png.palette![labels[7]!]![c]!) / 2));
      expect([...overlay.data.slice(21, 24)]).to.deep.equal(at7);
      expect(await readFile(at("out", "labelled", "classes.txt"), "utf8")).to.equal(
        "0\tsky\t0,0,0\n1\troad\t128,0,0\n2\t<b>\t0,128,0\n",
      );
      expect(await readFile(at("out", "labelled", "legend.html"), "utf8")).to.contain("<td>2</td><td>&lt;b&gt;</td>");
    });

    it("says which option is missing where the file does not say which net it is", async () => {
      await writeFile(at("bare.safetensors"), writeSafetensors({ tensors: livelyWeights(), metadata: {} }));
      const { code, err } = await runFcn([
        "predict",
        at("images", "0.png"),
        "--weights",
        at("bare.safetensors"),
        "--out",
        at("x"),
      ]);
      expect(code).to.equal(2);
      expect(err).to.match(/^fcn: --trunk is missing/);
    });
  });

  describe("convert", () => {
    it("takes a Caffe classifier to FCN-4s, 2s, ONNX and a manifest, and prints what became of each weight", async () => {
      const given = initialWeights(classifier({ trunk: "lenet", width: 0.2 }), 7);
      const lines = ["conv1 Convolution", "pool1 Pooling", "conv2 Convolution", "ip1 InnerProduct", "ip2 InnerProduct"];
      await writeFile(at("lenet.caffemodel"), caffeNet("LeNet", layersOf(lines, given, { shape: "legacy" }), "V1"));
      expect(await succeed(["inspect", at("lenet.caffemodel")])).to.contain("pool1 (Pooling)");
      const surgery = await succeed(["convert", at("lenet.caffemodel"), at("4s.safetensors"), ...NET_FLAGS, "--variant", "4s"]);
      expect(surgery).to.match(/ip1\.weight.*reshaped/);
      expect(surgery).to.match(/ip2\.weight.*dropped/);
      expect(surgery).to.match(/\n\d+ matched, 1 reshaped/);
      const net = await tensorsOf(at("4s.safetensors"));
      expect(bits(net.get("conv2.weight")!)).to.deep.equal(bits(given.get("conv2.weight")!));
      expect(netFacts((await loadSafetensors(pathToFileURL(at("4s.safetensors")))).metadata)).to.deep.equal(NET);
      // The file says which net it is: only what changes is said.
      const toFiner = ["convert", at("4s.safetensors"), at("2s.safetensors"), "--variant", "2s"];
      expect((await runFcn(toFiner)).err).to.match(/score_fr\.weight .*nothing but zeros.*, or allow it: --allow score_fr$/);
      expect(await succeed([...toFiner, "--allow", "score_fr"])).to.match(/score_pool1\.weight.*initialised/);
      expect(await succeed(["convert", at("4s.safetensors"), at("4s.json")])).to.match(/4s\.json and .*4s\.bin: \d+ tensors/);
      await succeed(["convert", at("4s.json"), at("back.safetensors")]);
      expect(bitsOf(await tensorsOf(at("back.safetensors")))).to.deep.equal(bitsOf(net));
      expect(await succeed(["convert", at("back.safetensors"), at("4s.onnx")])).to.contain("as they are");
      expect(await succeed(["inspect", at("4s.onnx")])).to.match(/inputs: image \[batch, 1, height, width\]/);
      await succeed(["convert", at("4s.onnx"), at("from-onnx.safetensors")]);
      const fromOnnx = await tensorsOf(at("from-onnx.safetensors"));
      for (const name of ["conv1.weight", "ip1.weight", "ip1.bias"])
        expect(bits(fromOnnx.get(name)!)).to.deep.equal(bits(net.get(name)!));
    });

    it("writes ONNX of a net with minimal padding for images of one size, and says so where none is given", async () => {
      const net = { trunk: "squeezenet", variant: "16s", classes: 3, width: 0.1, padding: "minimal" } as const;
      const tensors = initialWeights(fcn({ ...net, size: [32, 40] }));
      await writeFile(at("squeezed.safetensors"), writeSafetensors({ tensors, metadata: netMetadata(net) }));
      const minimal = ["convert", at("squeezed.safetensors"), at("minimal.onnx")];
      const open = await runFcn(minimal);
      expect([open.code, open.err]).to.satisfy(
        ([code, err]: [number, string]) =>
          code === 1 && /^fcn: exportOnnx: padding of .*: give --size, as --size 500x375/.test(err),
      );
      await succeed([...minimal, "--size", "40x32"]);
      expect(await succeed(["inspect", at("minimal.onnx")])).to.match(
        /inputs: image \[batch, 3, 32, 40\]\n.*outputs: scores \[batch, 3, 32, 40\]/,
      );
      const senseless = await runFcn(["convert", at("net.safetensors"), at("sized.safetensors"), "--size", "40x32"]);
      expect([senseless.code, senseless.err]).to.deep.equal([
        2,
        "fcn: --size is for .onnx: other weights belong to no size, leave it out",
      ]);
    });

    it("overwrites nothing unless forced", async () => {
      const args = ["convert", at("net.safetensors"), at("bare2.safetensors")];
      await succeed(args);
      const { code, err } = await runFcn(args);
      expect([code, err]).to.deep.equal([
        1,
        `fcn: ${at("bare2.safetensors")} is there already: give another name, or --force to overwrite it`,
      ]);
      await succeed([...args, "--force", "--dtype", "F16"]);
      expect(await succeed(["inspect", at("bare2.safetensors")])).to.match(/conv1\.weight\s+F16/);
    });
  });
});
