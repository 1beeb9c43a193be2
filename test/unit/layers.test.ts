/** Who may import whom (docs/architecture.md): this test is the rule. */
import { expect } from "chai";
import { readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { root } from "../../scripts/paths.js";

/** Layer of src/ -> layers that it may import. "types" after a colon: for their types only. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  tensor: [],
  weights: ["tensor"], // files of weights: no package, no GPU
  gpu: [], // knows bytes, not tensors
  kernels: ["tensor", "shaders.gen:types"], // descriptions of dispatches: no GPU object
  graph: ["kernels", "gpu", "weights", "tensor", "shaders.gen"],
  fcn: ["graph", "kernels", "weights", "tensor"],
  reference: ["tensor", "kernels"], // never WebGPU
  training: ["fcn", "graph", "kernels", "weights", "tensor"], // platform-free; nothing imports it but data and cli
  data: ["training", "fcn", "weights", "tensor"], // Node's: files, threads, image codecs; nothing imports it but cli
  cli: ["data", "training", "caffe", "onnx", "fcn", "graph", "gpu", "weights", "tensor"], // the binary: nothing imports it
  caffe: ["weights", "tensor"], // the core stays free of protobuf: nothing imports it but cli
  onnx: ["graph", "kernels", "weights", "tensor"], // nor this
  index: ["graph", "gpu", "kernels", "tensor", "fcn"],
  "shaders.gen": [],
};

/** Folders beside src/ that use the library as a user does: by its public modules. */
const PUBLIC_ONLY = ["demo", "bench", "experiments", "tools"];
const PUBLIC = ["index", "reference/index", "weights/index", "caffe/index", "onnx/index", "training/index", "data/index"].map(
  (p) => `src/${p}`,
);

/** The modules that may import a package, an optional peer: they belong to subpaths of their own. */
const MAY_IMPORT_PACKAGE: Readonly<Record<string, string>> = {
  "src/caffe/blob.ts": "@bufbuild/protobuf/wire",
  "src/caffe/caffemodel.ts": "@bufbuild/protobuf/wire",
  "src/caffe/fields.ts": "@bufbuild/protobuf/wire",
  "src/onnx/decode.ts": "@bufbuild/protobuf/wire",
  "src/onnx/messages.ts": "@bufbuild/protobuf/wire",
  "src/cli/main.ts": "commander",
  "src/cli/options.ts": "commander",
  "src/cli/data-flags.ts": "commander",
  "src/cli/inspect.ts": "commander",
  "src/cli/predict.ts": "commander",
  "src/cli/convert.ts": "commander",
  "src/cli/train.ts": "commander",
  "src/cli/train-flags.ts": "commander",
  "src/cli/eval.ts": "commander",
  "src/data/photo.ts": "sharp",
  "src/data/label-png.ts": "fast-png",
  "src/data/decoder.ts": "tsx/esm/api", // for its thread, and only where it is not compiled
};

/** Folders of src/ that are Node's alone. */
const NODE_ONLY = ["data", "cli"];
const mayImportPackage = ({ from, to }: Import): boolean =>
  MAY_IMPORT_PACKAGE[from] === to || (NODE_ONLY.includes(layerOf(from)) && to.startsWith("node:"));

/** `import`, `import type`, `export ... from` and `import()` with a literal, by what they import. */
const IMPORT = /^(?:import|export)\s+(type\b)?[^;]*?from\s+"([^"]+)"|^import\s+"([^"]+)"|\bimport\("([^"]+)"\)/gm;

interface Import {
  readonly from: string;
  readonly to: string;
  readonly typeOnly: boolean;
}

async function importsOf(folder: string): Promise<Import[]> {
  const files = (await readdir(join(root, folder), { recursive: true })).filter(
    (name) => name.endsWith(".ts") && !name.includes("node_modules"),
  );
  const found: Import[] = [];
  for (const name of files) {
    const from = join(folder, name);
    for (const [, type, module, bare, dynamic] of (await readFile(join(root, from), "utf8")).matchAll(IMPORT)) {
      const to = (module ?? bare ?? dynamic)!;
      found.push({
        from,
        to: to.startsWith(".") ? relative(root, join(root, from, "..", to)).replace(/\.js$/, "") : to,
        typeOnly: type !== undefined,
      });
    }
  }
  return found;
}

const layerOf = (path: string): string => path.split("/")[1]!.replace(/\.ts$/, "");
const describeImport = ({ from, to }: Import): string => `${from} imports ${to}`;

describe("layers", () => {
  it("of src import only those below them", async () => {
    const wrong = (await importsOf("src")).filter((found) => {
      const { from, to, typeOnly } = found;
      const [layer, target] = [layerOf(from), to.startsWith("src/") ? layerOf(to) : `package ${to}`];
      const allowed = MAY_IMPORT[layer] ?? [];
      return (
        layer !== target &&
        !mayImportPackage(found) &&
        !allowed.includes(target) &&
        !(typeOnly && allowed.includes(`${target}:types`))
      );
    });
    expect(wrong.map(describeImport)).to.deep.equal([]);
  });

  it("beside src use only its public modules", async () => {
    const imports = (await Promise.all(PUBLIC_ONLY.map(importsOf))).flat();
    expect(imports.filter(({ to }) => to.startsWith("src/") && !PUBLIC.includes(to)).map(describeImport)).to.deep.equal([]);
    expect(imports.length).to.be.greaterThan(0);
  });

  it("of src name no module of Node and no package: one file a platform may load one at run time", async () => {
    const wrong = (await importsOf("src")).filter((found) => !found.to.startsWith("src/") && !mayImportPackage(found));
    expect(wrong.map(describeImport)).to.deep.equal([]);
  });

  it("of src make GPU memory in one place, where a lack of it is an OutOfMemoryError and leaves nothing behind", async () => {
    const files = (await readdir(join(root, "src"), { recursive: true })).filter((name) => name.endsWith(".ts"));
    const makers: string[] = [];
    for (const name of files) {
      if (/\.create(?:Buffer|Texture)\(/.test(await readFile(join(root, "src", name), "utf8"))) makers.push(name);
    }
    expect(makers).to.deep.equal([join("gpu", "allocate.ts")]);
  });

  it("of src reach no package from the core: protobuf stays with caffe and onnx", async () => {
    const imports = await importsOf("src");
    const reach = (entry: string): ReadonlySet<string> => {
      const seen = new Set([entry]);
      for (const module of seen)
        for (const { from, to, typeOnly } of imports) if (!typeOnly && from === `${module}.ts`) seen.add(to);
      return seen;
    };
    const packages = (entry: string): string[] => [...reach(entry)].filter((module) => !module.startsWith("src/"));
    for (const entry of ["src/index", "src/reference/index", "src/weights/index", "src/training/index"])
      expect(packages(entry), entry).to.deep.equal([]);
    for (const entry of ["src/caffe/index", "src/onnx/index"])
      expect(packages(entry), entry).to.deep.equal(["@bufbuild/protobuf/wire"]);
  });
});
