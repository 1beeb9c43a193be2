/** What a run notes of the samples that it draws from, and what it says to others. */
import { expect } from "chai";
import { createHash } from "node:crypto";
import { cached } from "../../src/data/index.js";
import { samplesOf, stagesOf, type SampleSource, type TrainFcnOptions } from "../../src/training/index.js";
import { differenceOf, settingsOf, type Settings } from "../../src/training/settings.js";

const stages = stagesOf({
  net: { trunk: "lenet", classes: 2 },
  variants: ["4s"],
  recipe: "accumulated",
  steps: 1,
  changes: { learningRate: 1 },
});
const source = (names: readonly string[], decoding?: SampleSource["decoding"]): SampleSource => ({
  ...samplesOf(
    ["a", "b"],
    names.map((name) => ({ name, height: 1, width: 1, pixels: new Uint32Array(1), labels: new Uint8Array(1) })),
  ),
  ...(decoding ? { decoding } : {}),
});
const settings = (train: SampleSource, more: Partial<TrainFcnOptions> = {}): Promise<Settings> =>
  settingsOf({ stages, train, ...more });
/** As it comes back from run.json. */
const kept = async (train: SampleSource): Promise<Settings> => JSON.parse(JSON.stringify(await settings(train))) as Settings;
const without = ({ samples: _, decoding: __, ...older }: Settings): Settings => older;

describe("settings of a run", () => {
  it("note the samples by the SHA-256 of their names, which sha256sum gives of a list", async () => {
    const names = ["images/ä.png", "images/b.png", "images/a.png"];
    const sha256 = (of: readonly string[]): string =>
      createHash("sha256")
        .update(`${of.join("\n")}\n`)
        .digest("hex");
    const samples = { first: names[0], inOrder: sha256(names), inAnyOrder: sha256([names[2]!, names[1]!, names[0]!]) };
    expect((await settings(source(names)))["samples"]).to.deep.equal(samples);
    expect((await settings(cached(source(names, { size: [1, 2] }))))["samples"], "through the cache").to.deep.equal(samples);
  });

  it("let a run go on with the same samples alone, and say what is different and what to do", async () => {
    const was = await kept(source(["a", "b", "c"]));
    const differs = async (train: SampleSource): Promise<string | null> => differenceOf(was, await settings(train));
    expect(await differs(source(["a", "b", "c"]))).to.equal(null);
    const remedy = "give the folder and the list that it began with, or another folder to begin anew";
    expect(await differs(source(["b", "a", "c"]))).to.equal(
      `the same 3 training samples in another order (the first was a and is b): ${remedy}`,
    );
    expect(await differs(source(["a", "c", "b"]))).to.equal(
      `the same 3 training samples in another order (the first is a in both, later ones differ): ${remedy}`,
    );
    expect(await differs(source(["a", "b", "d"]))).to.equal(
      `other training samples, 3, now 3 (the first is a in both, later ones differ): ${remedy}`,
    );
    expect(await differs(source(["b", "c"]))).to.equal(`other training samples, 3, now 2 (the first was a and is b): ${remedy}`);
    const { names: _, ...nameless } = source(["a", "b", "c"]);
    expect(await differs(nameless)).to.match(
      /^training samples whose names it noted, the first a, but now .* \(SampleSource\.names\)/,
    );
  });

  it("hold what the files are decoded by, too", async () => {
    const was = await kept(source(["a"], { size: [120, 160], ignore: [255], firstLabel: 0 }));
    const differs = async (decoding?: SampleSource["decoding"]): Promise<string | null> =>
      differenceOf(was, await settings(source(["a"], decoding)));
    expect(await differs({ size: [120, 160], ignore: [255], firstLabel: 0 })).to.equal(null);
    expect(await differs({ size: null, ignore: [255], firstLabel: 0 })).to.equal(
      "decoding.size [120,160] but now it is null: give the same settings to go on, or another folder to begin anew",
    );
    expect(await differs({ size: [120, 160], ignore: [0, -1], firstLabel: 0 })).to.match(
      /^decoding\.ignore\.0 255 but now it is 0:/,
    );
    expect(await differs()).to.match(/^decoding \{.*\} but now it is absent/);
  });

  it("of runs that began before say nothing of samples: these go on, and what they do say counts", async () => {
    const named = source(["a", "b"], { size: null });
    const older = without(await kept(named));
    expect(differenceOf(older, await settings(named))).to.equal(null);
    expect(differenceOf(older, await settings(named, { seed: 2 }))).to.match(/^seed 1337 but now it is 2:/);
    expect(differenceOf(older, await settings(source(["a"])))).to.match(/^images 2 but now it is 1:/);
  });
});
