/**
 * The package as its users get it: packed, installed into an empty project (test/consumer), imported with types from Node, and built into a page by
 * Vite. The samples of README.md and docs/ are compiled there too.
 */
import { expect } from "chai";
import { execFile } from "node:child_process";
import { cp, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, sep } from "node:path";
import { promisify } from "node:util";
import { browserAdapter } from "../../scripts/adapters/browser-adapter.js";
import { launchChromium } from "../../scripts/browser/chromium.js";
import type { PageEvent } from "../../scripts/browser/page.js";
import { servePage } from "../../scripts/browser/server.js";
import { root } from "../../scripts/paths.js";

interface Comparison {
  readonly software: boolean;
  readonly largestDifference: number;
  readonly losses: readonly number[];
}

function expectGood({ largestDifference, losses }: Comparison): void {
  expect(largestDifference).to.be.lessThan(1e-5);
  expect(losses).to.have.length(3);
  expect(losses[2]).to.be.lessThan(losses[0]!);
}

const bin = (...path: string[]): string => join(root, "node_modules", ...path);

/** Every file below a folder, as paths with slashes. */
async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(folder.length + 1)
        .split(sep)
        .join("/"),
    );
}

/** The ```ts blocks of the README and of docs/, each a module. */
async function samples(): Promise<ReadonlyMap<string, string>> {
  const documents = [
    "README.md",
    ...(await readdir(join(root, "docs"))).filter((name) => name.endsWith(".md")).map((name) => join("docs", name)),
  ];
  const found = new Map<string, string>();
  for (const document of documents) {
    const blocks = [...(await readFile(join(root, document), "utf8")).matchAll(/^```ts\n(.*?)^```$/gms)];
    blocks.forEach(([, code], i) => found.set(`sample-${document.replace(/\W+/g, "-")}-${i + 1}.ts`, `${code!}\nexport {};\n`));
  }
  return found;
}

describe("the package in a project of its own", function () {
  this.timeout(300_000);
  let folder = "";

  const run = async (program: string, args: readonly string[], cwd = folder): Promise<string> => {
    const { stdout } = await promisify(execFile)(program, args, { cwd, shell: process.platform === "win32" }).catch(
      (error: Error & { stdout?: string }) => {
        throw new Error(`${error.message}\n${error.stdout ?? ""}`);
      },
    );
    return stdout;
  };
  const runJson = async (file: string): Promise<Comparison & { error?: string; scores?: number }> =>
    JSON.parse(await run(process.execPath, [join("built", file)])) as Comparison & { error?: string };

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "fcn-consumer-"));
    await cp(join(root, "test", "consumer"), folder, { recursive: true });
    const packed = (await run("npm", ["pack", "--silent", "--pack-destination", folder], root)).trim().split("\n").at(-1)!;
    await run("npm", ["install", "--prefer-offline", "--no-audit", "--no-fund", `./${packed}`]);
  });
  after(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  it("brings no browser, no peer engine and no native binary", async () => {
    const files = await filesBelow(join(folder, "node_modules"));
    const packages = new Set(
      files
        .filter((file) => !file.startsWith("."))
        .map((file) =>
          file
            .split("/")
            .slice(0, file.startsWith("@") ? 2 : 1)
            .join("/"),
        ),
    );
    expect([...packages].sort()).to.deep.equal(["@webgpu/types", "fcn-webgpu"]);
    expect(files.filter((file) => !/\.(js|ts|json|md|wgsl)$|\/LICENSE$/.test(file))).to.deep.equal([]);
    for (const file of ["README.md", "LICENSE", "CHANGELOG.md", "dist/index.js", "shaders/conv2d.direct.wgsl"])
      expect(files).to.include(`fcn-webgpu/${file}`);
  });

  it("is imported with types, by the samples of the documentation too", async () => {
    const found = await samples();
    expect(found.size).to.be.greaterThan(2);
    for (const [name, code] of found) await writeFile(join(folder, name), code);
    await cp(join(root, "docs", "segment.ts"), join(folder, "segment.ts"));
    const tsc = bin("typescript", "bin", "tsc");
    await run(process.execPath, [tsc, "-p", "."]);
    // This one alone knows Node's types.
    await cp(join(root, "docs", "segment.node.ts"), join(folder, "node", "segment.node.ts"));
    await symlink(bin("@types"), join(folder, "node_modules", "@types"), "junction");
    const options =
      "--noEmit --strict --target es2022 --module nodenext --lib es2023,dom,dom.iterable,esnext.disposable --types node";
    await run(process.execPath, [tsc, ...options.split(" "), join("node", "segment.node.ts")]);
    // And the subpaths without the core find the types of WebGPU.
    await writeFile(join(folder, "node", "training.ts"), `export * from "fcn-webgpu/training";\n`);
    await run(process.execPath, [tsc, ...options.split(" "), join("node", "training.ts")]);
  });

  it("is imported with types by TypeScript 7 too, whose lib.dom has WebGPU of its own", async () => {
    const compiler = join(root, "tools", "typescript");
    // It is a dependency there, not one of development: Vite sets NODE_ENV to production in this process, and npm would leave it out.
    await run("npm", ["install", "--prefer-offline", "--no-audit", "--no-fund"], compiler);
    await run(process.execPath, [join(compiler, "node_modules", "typescript", "bin", "tsc"), "-p", ".", "--noEmit"]);
  });

  it("runs a graph on the CPU reference in Node", async () => {
    expect(await runJson("node-reference.js")).to.deep.equal({ scores: 128 });
  });

  it("says in Node what to install for the GPU, and runs on it then", async () => {
    expect((await runJson("node-gpu.js")).error).to.equal(
      "GpuUnavailableError: Node has no WebGPU of its own: add the optional peer with `npm install webgpu`",
    );
    await symlink(bin("webgpu"), join(folder, "node_modules", "webgpu"), "junction");
    expectGood(await runJson("node-gpu.js"));
  });

  it("says in Node what to install for ONNX and Caffe files, and writes and reads them then", async () => {
    const exported = (): Promise<string> => run(process.execPath, [join("built", "node-onnx.js")]);
    const weights = async (): Promise<{ caffe: string; tensors: boolean }> =>
      JSON.parse(await run(process.execPath, [join("built", "node-weights.js")])) as { caffe: string; tensors: boolean };
    expect(await exported()).to.match(/Cannot find package '@bufbuild\/protobuf'/);
    // safetensors need no package, .caffemodel files the same.
    expect((await weights()).tensors).to.equal(true);
    expect((await weights()).caffe).to.match(/Cannot find package '@bufbuild\/protobuf'/);
    await symlink(bin("@bufbuild"), join(folder, "node_modules", "@bufbuild"), "junction");
    expect((JSON.parse(await exported()) as { bytes: number }).bytes).to.be.above(1000);
    expect((await weights()).caffe).to.match(/^WeightsError: caffemodel: the file is empty/);
  });

  it("runs the README's samples for Node", async () => {
    const trained = await run(process.execPath, [join("built", "sample-README-md-2.js")]);
    const losses = [...trained.matchAll(/^\d+ ([\d.]+)$/gm)].map(([, loss]) => Number(loss));
    expect(losses).to.have.length(20);
    expect(losses[19]).to.be.lessThan(losses[0]!);
    expect(await run(process.execPath, [join("built", "sample-README-md-3.js")])).to.match(/^Float64Array\(4\)/);
  });

  it("runs the samples of docs/fcn.md, which print what their comments say", async () => {
    const [layers, dense] = await Promise.all(
      [1, 2, 3].map((n) => run(process.execPath, [join("built", `sample-docs-fcn-md-${n}.js`)])),
    );
    expect(layers).to.match(/^score_pool3c +1 x 21 x 70 x 70 +x = 8 i - 23\.5, receptive field 44 +9$/m);
    expect(dense!.replace(/\s+/g, " ")).to.match(
      /^\[ 1, 10, 53, 73 \] .*'fc\.weight', from: \[ 10, 512 \], to: \[ 10, 8, 8, 8 \]/,
    );
  });

  it("runs in Chromium from a page that Vite built", async () => {
    await run(process.execPath, [bin("vite", "bin", "vite.js"), "build", "--logLevel", "warn", "--outDir", "page"]);
    const names = await filesBelow(join(folder, "page"));
    const files = new Map(
      await Promise.all(names.map(async (name) => [`/${name}`, await readFile(join(folder, "page", name))] as const)),
    );
    const { adapter } = await browserAdapter("chromium");
    let settle: (event: PageEvent) => void = () => undefined;
    const outcome = new Promise<PageEvent>((resolve) => (settle = resolve));
    await using server = await servePage({
      bundle: files,
      start: { args: null, hiddenAdapter: null },
      mounts: {},
      onEvent: settle,
      outbox: () => new Promise(() => undefined),
    });
    await using browser = await launchChromium(adapter);
    await browser.open(`${server.url}index.html`, (reason) => settle({ kind: "failure", text: reason }));
    const event = await outcome;
    if (event.kind !== "result") throw new Error(`the page failed: ${event.kind === "failure" ? event.text : event.kind}`);
    expectGood(event.result as Comparison);
  });
});
