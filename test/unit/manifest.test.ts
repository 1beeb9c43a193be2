/** Manifests (NAME.json beside NAME.bin): what they hold, and pairs that do not fit together. */
import { expect } from "chai";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { WeightsError } from "../../src/index.js";
import { readManifest } from "../../src/weights/index.js";
import { rejects } from "../harness/rejects.js";

const values = Float32Array.of(1, 2, 3, 4, 5);
const data = new Uint8Array(values.buffer);
const good = {
  model: "small",
  dtype: "float32",
  byteOrder: "little",
  layout: "OIHW",
  tensors: [
    { name: "b", shape: [1], offset: 16 },
    { name: "a.weight", shape: [2, 2, 1, 1], offset: 0 },
  ],
};
const bytes = (value: unknown): Uint8Array => new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));

describe("manifest", () => {
  it("gives the tensors, and what else the JSON says", async () => {
    const folder = await mkdtemp(join(tmpdir(), "fcn-manifest-"));
    try {
      await writeFile(join(folder, "small.json"), bytes(good));
      await writeFile(join(folder, "small.bin"), data);
      const sources = [await readManifest(pathToFileURL(join(folder, "small.json"))), await readManifest(bytes(good), { data })];
      for (const { tensors, about } of sources) {
        expect([...tensors]).to.deep.equal([
          ["a.weight", { shape: [2, 2, 1, 1], data: values.slice(0, 4) }],
          ["b", { shape: [1], data: values.slice(4) }],
        ]);
        expect(about).to.deep.equal({ model: "small", layout: "OIHW" });
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  const tensor = good.tensors[1]!;
  const hostile: readonly [what: string, json: unknown, message: RegExp][] = [
    ["text that is no JSON", "{", /not JSON/],
    ["a list", [], /no object/],
    ["no tensors", { model: "x" }, /no list of tensors/],
    ["half precision", { ...good, dtype: "float16" }, /the values are float16, little-endian, expected float32/],
    ["big-endian values", { ...good, byteOrder: "big" }, /big-endian/],
    ["a tensor twice", { tensors: [tensor, { ...tensor, offset: 16, shape: [1] }] }, /a\.weight is there twice/],
    ["an offset that is text", { tensors: [{ ...tensor, offset: "0" }] }, /no valid name, shape and offset/],
    ["a tensor that is null", { tensors: [null] }, /undefined has no valid name/],
    ["an overlap", { tensors: [tensor, { name: "b", shape: [2], offset: 12 }] }, /b begins at byte 12, inside a\.weight/],
    ["less than the data holds", { tensors: [tensor] }, /end at byte 16 but the data has 20/],
    ["more than the data holds", { tensors: [{ ...tensor, shape: [9] }] }, /takes bytes 0 to 36 of 20/],
  ];
  for (const [what, json, message] of hostile)
    it(`refuses ${what}`, async () => await rejects(readManifest(bytes(json), { data }), WeightsError, message));

  it("asks for the data where it cannot know it", async () => {
    await rejects(readManifest(bytes(good)), WeightsError, /pass \{ data \}/);
  });
});
