/** The cache of tuned choices as a file. */
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { openTuneStore } from "../../src/graph/tune-store.js";
import { testGpu } from "../harness/device.js";
import { toyFcn } from "../harness/toy-nets.js";

describe("cache of tuned choices in Node", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "fcn-tuning-"));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it("is a file in the folder that is asked for, which is made", async () => {
    const store = openTuneStore("key", join(folder, "deep", "down"))!;
    expect(await store.read()).to.equal(undefined);
    await store.write("first");
    await store.write("second");
    expect(await store.read()).to.equal("second");
    expect(store.where).to.equal(join(folder, "deep", "down", "tuning-key.json"));
    expect(await readdir(join(folder, "deep", "down"))).to.deep.equal(["tuning-key.json"]);
  });

  it("lies in the user's cache folder otherwise", async () => {
    const before = process.env["XDG_CACHE_HOME"];
    process.env["XDG_CACHE_HOME"] = folder;
    try {
      if (process.platform === "linux")
        expect(openTuneStore("key")!.where).to.equal(join(folder, "fcn-webgpu", "tuning-key.json"));
    } finally {
      if (before === undefined) delete process.env["XDG_CACHE_HOME"];
      else process.env["XDG_CACHE_HOME"] = before;
    }
  });

  it("is whole at any time, however many write", async () => {
    const texts = Array.from({ length: 20 }, (_, i) => String(i).repeat(100_000));
    const store = openTuneStore("key", folder)!;
    await store.write(texts[0]!);
    const writing = Promise.all(texts.map((text) => openTuneStore("key", folder)!.write(text)));
    for (let i = 0; i < 20; i++) expect(texts.includes((await store.read())!), "a whole text").to.equal(true);
    await writing;
    expect(await readdir(folder)).to.deep.equal(["tuning-key.json"]);
  });

  it("that cannot be written, or is damaged, is a warning; the program works", async () => {
    const gpu = await testGpu();
    const file = join(folder, "file");
    await writeFile(file, "not a folder");
    const warnings: string[] = [];
    const compile = async (cache: string): Promise<readonly string[]> => {
      warnings.length = 0;
      using program = await gpu.compile(toyFcn(), { tune: { budgetMs: 150_000, cache }, onWarning: (w) => warnings.push(w) });
      expect(program.plan.choices.rows.some((r) => r.why.startsWith("tuned: "))).to.equal(true);
      return [...warnings];
    };
    // A file where the folder should be: nothing can be read or written there.
    const refused = await compile(join(file, "cache"));
    expect(refused.at(-1)).to.match(/^tune: the cache in .* cannot be written, so the next start measures again \(.*ENOTDIR/);

    expect(await compile(folder)).to.deep.equal([]);
    const [name] = (await readdir(folder)).filter((n) => n.startsWith("tuning-"));
    const path = join(folder, name!);
    await writeFile(path, (await readFile(path, "utf8")).slice(0, 100));
    expect(await compile(folder)).to.have.length(1);
    expect(await compile(folder), "after it was made anew").to.deep.equal([]);
  });
});
