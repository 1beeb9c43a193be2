import { expect } from "chai";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runDemo } from "../../demo/demo.js";
import { loadDigits } from "../../demo/digits.js";
import { silentProgress } from "../../demo/progress.js";
import type { Settings } from "../../demo/settings.js";
import { openGpu, type Gpu } from "../../src/index.js";

const TINY: Settings = {
  name: "short",
  width: 0.2,
  classifier: { steps: 2, batch: 4, learningRate: 0.03 },
  single: { steps: 2, batch: 1, learningRate: 0.03 },
  further: { steps: 1, batch: 1, learningRate: 0.03 },
  heldOut: { sizes: 2, perSize: 1 },
};

describe("the demo", function () {
  this.timeout(600_000);
  let gpu: Gpu;
  let folder: string;
  before(async () => {
    gpu = await openGpu();
    folder = await mkdtemp(join(tmpdir(), "fcn-demo-"));
  });
  after(async () => {
    gpu[Symbol.dispose]();
    await rm(folder, { recursive: true });
  });

  it("goes the whole way and leaves a report that needs nothing else", async () => {
    const digits = loadDigits();
    const few = { training: digits.training, heldOut: digits.heldOut.filter((_, i) => i % 100 === 0) };
    const { results, goals, files } = await runDemo(
      gpu,
      few,
      { settings: TINY, seeds: [1], folder, facts: ["a test <run>"] },
      silentProgress(),
      new AbortController().signal,
    );

    const { convolutional, comparisons, curves } = results[0]!;
    expect(convolutional.difference).to.be.below(1e-4);
    for (const { map, derived } of convolutional.maps) expect(map).to.deep.equal(derived);
    for (const { difference, largest } of comparisons) expect(difference).to.be.below(1e-4 * Math.max(1, largest));
    expect(curves.map((c) => c.points.length)).to.deep.equal([2, 2, 1, 1]);
    expect(goals.map((g) => g.reached)).to.include(true);

    expect(files).to.have.length(1 + 2 + 1);
    for (const file of files) expect((await stat(file)).size).to.be.above(100);
    const page = await readFile(files[0]!, "utf8");
    expect(page).to.include("a test &lt;run&gt;");
    expect(page.match(/<img src="data:image\/png;base64,/g)).to.have.length(2 * 4);
    expect(page).to.not.match(/(?:src|href)="(?!data:)/);
  });

  it("stops when it is told to", async () => {
    const controller = new AbortController();
    const stopped = runDemo(
      gpu,
      loadDigits(),
      { settings: TINY, seeds: [1], folder, facts: [] },
      { step: (_t, _n, work) => work(() => controller.abort(new Error("stopped"))), say: () => undefined },
      controller.signal,
    );
    const error = await stopped.then(
      () => null,
      (reason: unknown) => reason as Error,
    );
    expect(error?.message).to.equal("stopped");
  });
});
