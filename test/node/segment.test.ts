/** docs/segment.node.ts, exactly that file: a photo and weights from a disk, a label image onto it. */
import { expect } from "chai";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { decode } from "fast-png";
import sharp from "sharp";
import { segment } from "../../docs/segment.node.js";
import { netMetadata } from "../../src/fcn/net-metadata.js";
import { writeSafetensors } from "../../src/weights/index.js";
import { HEIGHT, NARROW, narrowWeights, WIDTH, waves, wrongLabels } from "../harness/narrow-lenet.js";

describe("docs/segment.node.ts", () => {
  it("labels a photo as the CPU reference does and writes the labels", async () => {
    const folder = await mkdtemp(join(tmpdir(), "fcn-segment-"));
    try {
      const [photo, weights, png] = ["photo.png", "net.safetensors", "labels.png"].map((name) => join(folder, name)) as [
        string,
        string,
        string,
      ];
      await sharp(waves(), { raw: { width: WIDTH, height: HEIGHT, channels: 4 } })
        .png()
        .toFile(photo);
      await writeFile(weights, writeSafetensors({ tensors: narrowWeights(), metadata: netMetadata(NARROW) }));
      const { labels, legend } = await segment(photo, pathToFileURL(weights), png);
      expect(wrongLabels(labels).wrong).to.equal(0);
      expect(new Set(labels).size).to.be.above(2);
      const written = decode(await readFile(png));
      expect([...written.data]).to.deep.equal([...labels]);
      expect(written.palette?.map((colour) => [...colour].slice(0, 3))).to.deep.equal(legend.map(({ colour }) => [...colour]));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }).timeout(120_000);
});
