/** Loss sampling (paper, 3.4) on the nets that it is for: which pixels belong to a cell of the coarsest scores, and that whole cells go. */
import { expect } from "chai";
import { drawnBatches, type StepPixels } from "../../src/training/batches.js";
import { samplesOf, VOID, type Sample, type Stage } from "../../src/training/index.js";
import { cellGrid } from "../../src/training/net.js";
import { recipe } from "../../src/training/recipe.js";

/**
 * Where the first cell is centred, and the pixels between two, without the engine's coordinate map: of an upsampling by `stride` with a kernel of k, cell 0 is centred at
 * (k - 1) / 2 of its output, of which the crop takes off so much (fcn.md 1.6 and 9: 64 - 19, 63 - 18, 63 - 1). SqueezeNet by hand: 3x3 with stride 2 and padding 1
 * begins at 0, and pools of 3 at strides 2, 4 and 8 add 2, 4 and 8.
 */
const GRIDS = [
  { net: { trunk: "vgg16", variant: "32s", padding: "caffe" }, stride: 32, offset: 63 / 2 - 19 },
  { net: { trunk: "alexnet", variant: "32s", padding: "caffe" }, stride: 32, offset: 62 / 2 - 18 },
  { net: { trunk: "googlenet", variant: "32s", padding: "caffe" }, stride: 32, offset: 62 / 2 - 1 },
  // Every layer keeps its size: only the five pools move it, by half a pixel of their own input.
  { net: { trunk: "vgg16", variant: "8s", padding: "same" }, stride: 32, offset: 0.5 + 1 + 2 + 4 + 8 },
  { net: { trunk: "squeezenet", variant: "16s", padding: "caffe" }, stride: 16, offset: 2 + 4 + 8 },
  { net: { trunk: "squeezenet", variant: "4s", padding: "caffe" }, stride: 16, offset: 2 + 4 + 8 },
] as const;

const [HEIGHT, WIDTH] = [100, 140];

/** Without a void pixel but one. */
const photo: Sample = {
  name: "a",
  height: HEIGHT,
  width: WIDTH,
  pixels: new Uint32Array(HEIGHT * WIDTH),
  labels: new Uint8Array(HEIGHT * WIDTH).fill(VOID, 0, 1),
};

describe("loss sampling", () => {
  for (const { net, stride, offset } of GRIDS) {
    const options = { ...net, classes: 3, width: 1 / 16 };
    const stage: Stage = {
      name: "a",
      net: options,
      recipe: recipe("accumulated", { ...options, learningRate: 1 }),
      steps: 1,
    };

    it(`cells of ${net.trunk} ${net.variant}, ${net.padding}: centred at ${stride} i + ${offset}; they count as a whole or not at all`, async () => {
      expect(cellGrid(options, [HEIGHT, WIDTH])).to.deep.equal({ stride: [stride, stride], offset: [offset, offset] });
      const cellOf = (at: number): number => Math.floor((at - offset) / stride + 0.5);
      const seen: StepPixels[] = [];
      const batches = drawnBatches({
        train: samplesOf(["a", "b", "c"], [photo]),
        stage,
        seed: 5,
        firstDraw: 0,
        ahead: 0,
        seen,
        keepCells: 0.5,
      });
      let [kept, all] = [0, 0];
      for (let n = 0; n < 12; n++) {
        const { labels } = (await batches.next()).value as unknown as { labels: { data: Uint8Array } };
        const cells = new Map<string, Set<boolean>>();
        labels.data.forEach((label, i) => {
          const key = `${cellOf(Math.floor(i / WIDTH))} ${cellOf(i % WIDTH)}`;
          if (!cells.has(key)) cells.set(key, new Set());
          if (i > 0) cells.get(key)!.add(label !== VOID);
        });
        for (const counts of cells.values()) expect(counts.size).to.equal(1);
        kept += [...cells.values()].filter((counts) => counts.has(true)).length;
        all += cells.size;
        expect(labels.data[0], "void before").to.equal(VOID);
        expect(seen[n]!.valid, "pixels that count").to.equal(labels.data.filter((label) => label !== VOID).length);
      }
      await batches.return();
      // Half of them, to three standard deviations.
      expect(kept / all).to.be.closeTo(0.5, 1.5 / Math.sqrt(all));
    });
  }
});
