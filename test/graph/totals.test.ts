/** Counts summed over many runs on the GPU. */
import { expect } from "chai";
import { argMax, confusionMatrix, graph, input, InputError, type Program, type Tensor } from "../../src/index.js";
import { countingGpu, testGpu } from "../harness/device.js";
import { rejects } from "../harness/rejects.js";

const CLASSES = 5;
const counting = (h: number, w: number) =>
  graph({ scores: input([1, CLASSES, h, w]), labels: input([1, h, w], "i32") }, ({ scores, labels }) => {
    const prediction = argMax(scores);
    return { counts: confusionMatrix(labels, prediction, { classes: CLASSES }), prediction };
  });

/** Batches of a few sizes, some pixels void. */
function batches(count: number) {
  let state = 7;
  const random = (below: number): number => (state = (state * 16807) % 2147483647) % below;
  return Array.from({ length: count }, (_, i) => {
    const [h, w] = [3 + (i % 3), 4 + (i % 2)];
    return {
      scores: { data: Float32Array.from({ length: CLASSES * h * w }, () => random(100)), shape: [1, CLASSES, h, w] },
      labels: { data: Uint8Array.from({ length: h * w }, () => (random(6) === 5 ? 255 : random(CLASSES))), shape: [1, h, w] },
    };
  });
}

type Counting = Program<{ scores: Tensor; labels: Tensor }, { counts: Tensor; prediction: Tensor }>;

describe("Program.total", () => {
  it("is the sum of the runs' counts, over images of several sizes", async () => {
    using program: Counting = await (await testGpu()).compile(counting(3, 4));
    const given = batches(20);
    const want = new Array<number>(CLASSES * CLASSES).fill(0);
    for (const batch of given) (await program.run(batch, { outputs: ["counts"] })).counts.forEach((n, i) => (want[i]! += n));
    const told: number[] = [];
    const { counts } = await program.total(given, { outputs: ["counts"], onRun: (done) => told.push(done) });
    expect([...counts]).to.deep.equal(want);
    expect(told.at(-1)).to.equal(20);
    expect(want.reduce((sum, n) => sum + n)).to.be.above(0);
  });

  it("carries beyond 32 bits", async () => {
    const net = graph({ x: input([3], "i32") }, ({ x }) => ({ y: x }));
    using program = await (await testGpu()).compile(net);
    const x = Int32Array.of(0x7fffffff, 1, 0);
    const { y } = await program.total(Array(5).fill({ x }) as { x: Int32Array }[], { outputs: ["y"] });
    expect([...y]).to.deep.equal([5 * 0x7fffffff, 5, 0]);
  });

  it("reads one buffer back at its end, and leaves nothing behind", async () => {
    const { gpu, host, counting: device } = await countingGpu();
    try {
      using program: Counting = await gpu.compile(counting(3, 4));
      const given = batches(12);
      await program.total(given, { outputs: ["counts"] });
      const before = { ...device.counts };
      await program.total(given, { outputs: ["counts"] });
      // The totals, their uniforms and one staging buffer; a submit a run and one for the copy.
      expect(device.since(before)).to.include({ buffers: 3, liveBuffers: 0, submits: 13, pipelines: 0 });
    } finally {
      gpu[Symbol.dispose]();
      host[Symbol.dispose]();
    }
  });

  it("refuses outputs that are no counts, and ends by its signal", async () => {
    using program: Counting = await (await testGpu()).compile(counting(3, 4));
    const floats = graph({ x: input([1, 3, 2, 2]) }, ({ x }) => ({ y: argMax(x), x }));
    using other = await (await testGpu()).compile(floats);
    await rejects(other.total([], { outputs: ["x"] }), InputError, /output x is f32 \[1, 3, 2, 2\]/);
    const controller = new AbortController();
    const onRun = (done: number): void => void (done === 2 && controller.abort(new Error("enough")));
    await rejects(program.total(batches(9), { outputs: ["counts"], signal: controller.signal, onRun }), Error, /enough/);
  });
});
