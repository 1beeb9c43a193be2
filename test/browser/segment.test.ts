/** docs/segment.ts, exactly that file, in a page: weights served at an address, an ImageBitmap, a canvas. */
import { expect } from "chai";
import { segment } from "../../docs/segment.js";
import { netMetadata } from "../../src/fcn/net-metadata.js";
import { writeSafetensors } from "../../src/weights/index.js";
import { HEIGHT, NARROW, narrowWeights, WIDTH, waves, wrongLabels } from "../harness/narrow-lenet.js";

describe("docs/segment.ts", () => {
  it("labels an ImageBitmap as the CPU reference does, draws the labels, and names the classes", async () => {
    const names = ["sky", "road", "car", "tree", "person"];
    const colours = names.map((_, i) => [50 * i, 200 - 50 * i, 7 * i] as const);
    const metadata = netMetadata({ ...NARROW, labels: names, colours });
    const file = writeSafetensors({ tensors: narrowWeights(), metadata }) as Uint8Array<ArrayBuffer>;
    const address = URL.createObjectURL(new Blob([file]));
    const canvas = document.createElement("canvas");
    const bitmap = await createImageBitmap(new ImageData(waves(), WIDTH, HEIGHT));
    const { labels, legend, width, height } = await segment(bitmap, new URL(address), canvas);
    URL.revokeObjectURL(address);
    expect([width, height, canvas.width, canvas.height]).to.deep.equal([WIDTH, HEIGHT, WIDTH, HEIGHT]);
    const { wrong, decided } = wrongLabels(labels);
    expect(wrong).to.equal(0);
    expect(decided).to.be.above(0.99 * WIDTH * HEIGHT);
    expect(new Set(labels).size).to.be.above(2);
    expect(legend.map(({ name, colour }) => [name, colour])).to.deep.equal(names.map((name, i) => [name, colours[i]]));
    expect(legend.reduce((n, { pixels }) => n + pixels, 0)).to.equal(WIDTH * HEIGHT);
    const { data } = canvas.getContext("2d")!.getImageData(0, 0, WIDTH, HEIGHT);
    expect([...data]).to.deep.equal([...labels].flatMap((label) => [...colours[label]!, 255]));
  }).timeout(120_000);
});
