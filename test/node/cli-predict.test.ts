/** `fcn predict` and folders: what is there already, photos that are too large, labels in another size than the net saw. */
import { expect } from "chai";
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decode } from "fast-png";
import sharp from "sharp";
import { root } from "../../scripts/paths.js";
import { netMetadata } from "../../src/fcn/net-metadata.js";
import { openGpu } from "../../src/index.js";
import { writeSafetensors } from "../../src/weights/index.js";
import { runFcn, succeed } from "../harness/cli.js";
import { HEIGHT, livelyWeights, STRIPED_NET, WIDTH, writeStripes } from "../harness/striped-set.js";

describe("fcn predict", function () {
  this.timeout(120_000);
  let folder = "";
  const at = (...names: string[]): string => join(folder, ...names);

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "fcn-predict-"));
    await writeStripes(at("set"));
    const metadata = netMetadata({ ...STRIPED_NET, labels: ["dark", "grey", "bright"] });
    await writeFile(at("net.safetensors"), writeSafetensors({ tensors: livelyWeights(), metadata }));
  });
  after(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  it("--no-overlay, --class-list and --max-side", async () => {
    const list = at("names.txt");
    await writeFile(list, "0\tx\t1,2,3\n1\ty\t4,5,6\n2\tz\t7,8,9\n");
    const args = ["predict", at("set", "images", "0.png"), "--weights", at("net.safetensors"), "--no-overlay"];
    const out = await succeed([...args, "--class-list", list, "--max-side", "20", "--out", at("small")]);
    expect(out).to.match(/0\.png: 40 x 32 \(labelled at 20 x 16\), [xyz] /);
    expect((await readdir(at("small"))).sort()).to.deep.equal(["0.labels.png", "classes.txt", "legend.html"]);
    expect(await readFile(at("small", "classes.txt"), "utf8")).to.equal(await readFile(list, "utf8"));
    // As of the photo that the image library has scaled, each label four pixels.
    const half = at("half", "0.png");
    await mkdir(at("half"));
    await sharp(at("set", "images", "0.png"))
      .resize({ width: 20, height: 16, kernel: "lanczos3" })
      .png()
      .toFile(half);
    await succeed(["predict", half, "--weights", at("net.safetensors"), "--out", at("halved")]);
    const [large, small] = [
      decode(await readFile(at("small", "0.labels.png"))),
      decode(await readFile(at("halved", "0.labels.png"))),
    ];
    expect([large.width, large.height, small.width, small.height]).to.deep.equal([WIDTH, HEIGHT, 20, 16]);
    expect(new Set(small.data).size).to.be.above(1);
    const doubled = Array.from(large.data, (_, i) => small.data[20 * (Math.floor(i / WIDTH) >> 1) + ((i % WIDTH) >> 1)]);
    expect([...large.data]).to.deep.equal(doubled);
    const fits = await succeed([...args, "--max-side", "40", "--out", at("fits")]);
    expect(fits).to.match(/0\.png: 40 x 32, /);
  });

  it("--only-new and --force; without them nothing is replaced, nor a list of other classes", async () => {
    const args = ["predict", at("set", "images"), "--weights", at("net.safetensors"), "--out", at("again")];
    const stopped = await runFcn(args, (text, stop) => text.startsWith("2 of 4") && stop());
    expect([stopped.code, stopped.err]).to.deep.equal([
      130,
      "2 of 4 photos labelled: --only-new goes on with the others\nfcn: interrupted",
    ]);
    expect((await runFcn([...args, "--only-new"])).err).to.match(/^2 photos labelled into .*; 2 were there already$/);
    const again = await runFcn(args);
    expect([again.code, again.out]).to.deep.equal([1, ""]);
    expect(again.err).to.match(/4 of the 4 photos have results there already, .*0\.png the first: .*--only-new .*--force/);
    // One that was stopped between its two files.
    await rm(at("again", "2.overlay.png"));
    const onlyNew = await runFcn([...args, "--only-new"]);
    expect(onlyNew.out).to.match(/^[^\n]*2\.png: 40 x 32[^\n]*$/);
    expect(onlyNew.err).to.match(/^1 photo labelled into .*; 1 of them anew; 3 were there already$/);
    expect((await runFcn([...args, "--only-new"])).err).to.match(/^all 4 photos have their results in .* already$/);
    expect((await runFcn([...args, "--force"])).err).to.match(/^4 photos labelled into .*; 4 of them anew$/);
    const list = at("set", "classes.txt");
    const into = ["predict", at("set", "images", "0.png"), "--weights", at("net.safetensors"), "--out", at("set")];
    expect((await runFcn(into)).err).to.match(
      /classes\.txt is there already, with other classes: give another folder, or --force/,
    );
    expect(await readFile(list, "utf8")).to.contain("void");
    const beside = await runFcn([...into.slice(0, -1), at("set", "images")]);
    expect(beside.code).to.equal(2);
    expect(beside.err).to.match(
      /--out is the folder of the photos, .*images: give another, or the results are photos the next time/,
    );
  });

  it("of a folder takes no hidden files and no folders", async () => {
    await mkdir(at("odd", "folder.jpg"), { recursive: true });
    await sharp(at("set", "images", "0.png"))
      .jpeg()
      .toFile(at("odd", "a.jpg"));
    await rename(at("odd", "a.jpg"), at("odd", "Ä b.JPG"));
    await writeFile(at("odd", "._Ä b.JPG"), "what macOS puts beside a photo");
    await succeed(["predict", at("odd"), "--weights", at("net.safetensors"), "--no-overlay", "--out", at("odd-out")]);
    expect((await readdir(at("odd-out"))).sort()).to.deep.equal(["classes.txt", "legend.html", "Ä b.labels.png"]);
  });

  it("where the net does not fit the weights says so in flags, and leaves nothing that stands in the way of the next", async () => {
    const args = ["predict", at("set", "images", "0.png"), "--weights", at("net.safetensors"), "--out", at("misfit")];
    for (const wrong of [
      ["--classes", "4"],
      ["--variant", "2s"],
    ]) {
      const ran = await runFcn([...args, ...wrong]);
      expect(ran.code).to.equal(1);
      expect(ran.err).to.match(
        /^fcn: load: .*score.* give the --trunk, --variant, --classes and --width that these weights were made for/,
      );
    }
    await succeed(args);
  });

  it("names what cannot be written, and why", async () => {
    await writeFile(at("file"), "");
    for (const out of [at("file"), at("file", "below")]) {
      const ran = await runFcn(["predict", at("set", "images"), "--weights", at("net.safetensors"), "--out", out]);
      expect(ran.code).to.equal(1);
      expect(ran.err).to.contain(`fcn: ${out}: no folder that can be written to is or can be made here (E`);
    }
    const into = at("no", "such", "folder.safetensors");
    expect((await runFcn(["convert", at("net.safetensors"), into])).err).to.contain(`fcn: ${into}: it cannot be written (ENOENT`);
  });

  it("as a program: goes on where nobody reads what it prints", async function () {
    if (process.platform === "win32") this.skip();
    const args = ["predict", at("set", "images"), "--weights", at("net.safetensors"), "--no-overlay", "--out", at("unread")];
    const child = spawn(process.execPath, ["--import", "tsx", join(root, "src", "cli", "bin.ts"), ...args], { cwd: root });
    child.stdout.once("data", () => child.stdout.destroy());
    child.stderr.destroy();
    expect(await new Promise<number | null>((resolve) => child.once("close", resolve))).to.equal(0);
    expect((await readdir(at("unread"))).filter((name) => name.endsWith(".png"))).to.have.length(4);
  });

  it("goes on behind a photo that is too large for the GPU, and says what to do", async () => {
    await mkdir(at("large"));
    const create = (width: number, height: number): ReturnType<typeof sharp> =>
      sharp({ create: { width, height, channels: 3, background: "grey" } });
    await create(3000, 160).png().toFile(at("large", "a.png"));
    await create(40, 32).png().toFile(at("large", "b.png"));
    const small = (): ReturnType<typeof openGpu> => openGpu({ checked: true, limits: { maxStorageBufferBindingSize: 2 ** 17 } });
    const args = ["predict", at("large"), "--weights", at("net.safetensors"), "--out", at("sizes")];
    const ran = await runFcn(args, undefined, small);
    expect(ran.code).to.equal(1);
    expect(ran.out).to.match(/^[^\n]*b\.png: 40 x 32, [^\n]*$/);
    expect(ran.err).to.match(
      /a\.png: 3000 x 160 is too large for this GPU: let it be scaled down, as by --max-side 1500 \(.*\)\nfcn: 1 of 2 photos/,
    );
    expect(ran.err).not.to.contain("openGpu");
    const scaled = await runFcn([...args, "--only-new", "--max-side", "300"], undefined, small);
    expect(scaled.out, scaled.err).to.match(/^[^\n]*a\.png: 3000 x 160 \(labelled at 300 x 16\), [^\n]*$/);
  });
});
