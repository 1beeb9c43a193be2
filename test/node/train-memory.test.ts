/** Checkpoints and weights go to the disk and back without lying in memory twice: a net of 500 MB must not need another gigabyte to be kept. */
import { createReadStream } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { runFolder } from "../../src/data/index.js";
import { add, graph, heNormal, input, multiply, param, reduceSum, sgd, type Program, type Tensor } from "../../src/index.js";
import type { FileData } from "../../src/training/index.js";
import { writeWeights } from "../../src/training/run-state.js";
import { readSafetensors, viewSafetensors } from "../../src/weights/safetensors.js";
import { testGpu } from "../harness/device.js";
import { settledArrayBuffers } from "../harness/memory.js";

const MB = 2 ** 20;
/** Of 4 MB each, and as much velocity. */
const COUNT = 4;
const held = (): number => process.memoryUsage().arrayBuffers;

/** The sum of the squares of some large parameters. */
const large = graph({ x: input([1]) }, ({ x }) => {
  const terms = Array.from({ length: COUNT }, (_, i) => {
    const weight = param(`w${i}`, [1024, 1024], heNormal());
    return reduceSum(multiply(weight, weight));
  });
  return {
    loss: add(
      reduceSum(x),
      terms.reduce<Tensor>((a, b) => add(a, b), reduceSum(x)),
    ),
  };
});

async function trained(): Promise<Program<(typeof large)["inputs"], (typeof large)["outputs"]>> {
  const program = await (await testGpu()).compile(large);
  const optimizer = sgd({ learningRate: 0.01, momentum: 0.9 });
  for await (const _ of program.train([{ x: Float32Array.of(1) }], { loss: "loss", optimizer }));
  return program;
}

/** The same pieces; the most memory that is held, beyond `before`, while one of a megabyte or more is about to be written. */
async function* watched(data: FileData, before: number, seen: (bytes: number) => void): AsyncGenerator<Uint8Array> {
  for await (const piece of data instanceof Uint8Array ? [data] : data) {
    if (piece.length > MB) seen((await settledArrayBuffers()) - before);
    yield piece;
  }
}

describe("what a run keeps, in memory", function () {
  this.timeout(300_000);
  let folder = "";
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "fcn-memory-"));
  });
  after(async () => {
    await rm(folder, { recursive: true });
  });

  it(`writes a checkpoint of ${8 * COUNT} MB from one tensor of 4 MB at a time, and reads it back once`, async () => {
    using program = await trained();
    const store = await runFolder(folder);
    let before = await settledArrayBuffers();
    let [most, pieces] = [0, 0];
    const seen = (bytes: number): void => void ([most, pieces] = [Math.max(most, bytes), pieces + 1]);
    await store.write("checkpoint", watched(program.checkpointPieces(), before, seen));
    expect(pieces).to.equal(2 * COUNT);
    expect(most / MB).to.be.within(3, 9);

    before = await settledArrayBuffers();
    const bytes = (await store.read("checkpoint"))!;
    expect((held() - before) / MB, "read").to.be.within(8 * COUNT, 8 * COUNT + 2);
    expect(Buffer.compare((await program.checkpoint()).bytes, bytes), "as in one array").to.equal(0);

    before = await settledArrayBuffers();
    const { tensors } = viewSafetensors(bytes);
    expect((held() - before) / MB, "viewed").to.be.below(1);
    expect(tensors.size).to.equal(2 * COUNT);

    const weights = await program.save();
    for await (const _ of program.train([{ x: Float32Array.of(1) }], { loss: "loss", optimizer: sgd({ learningRate: 0.1 }) }));
    await program.resume({ bytes });
    const resumed = await program.save();
    for (const [name, { data }] of weights)
      expect(Buffer.compare(viewOf(resumed.get(name)!.data), viewOf(data)), name).to.equal(0);
  });

  it(`goes on from that file with a tensor in memory at a time`, async () => {
    const store = await runFolder(folder);
    using program = await (await testGpu()).compile(large);
    const file = (await store.open!("checkpoint")) as URL;
    const before = await settledArrayBuffers();
    let [most, read] = [0, 0];
    // In the middle of the fourth tensor and of the last: what came before is on the GPU.
    const marks = [14 * MB, 30 * MB];
    async function* watchedFile(): AsyncGenerator<Uint8Array> {
      for await (const piece of createReadStream(file) as AsyncIterable<Uint8Array>) {
        read += piece.length;
        if (read > marks[0]!) most = Math.max(most, (marks.shift(), (await settledArrayBuffers()) - before));
        yield piece;
      }
    }
    await program.resume({ file: watchedFile() });
    expect(most / MB, "a tensor, and another that waits to be collected").to.be.within(3, 9);
    const { bytes } = await program.checkpoint();
    expect(Buffer.compare(bytes, await readFile(file)), "the same checkpoint").to.equal(0);
    const told: number[] = [];
    await program.resume({ file }, { onProgress: ({ done, total }) => void told.push(done / total) });
    expect(told.at(-1)).to.equal(1);
    expect(await store.open!("none")).to.equal(null);
  });

  it("writes the weights of a stage from where they lie", async () => {
    const store = await runFolder(folder);
    const weights = new Map(
      Array.from(
        { length: COUNT },
        (_, i) => [`w${i}`, { shape: [1024, 1024], data: new Float32Array(2 ** 20).fill(i) }] as const,
      ),
    );
    const before = await settledArrayBuffers();
    let most = 0;
    const write: typeof store.write = (name, data) =>
      store.write(
        name,
        watched(data, before, (bytes) => void (most = Math.max(most, bytes))),
      );
    await writeWeights({ ...store, write }, "stage.safetensors", weights, { net: "none" });
    expect(most / MB).to.be.below(1);
    const { tensors, metadata } = readSafetensors(new Uint8Array(await readFile(join(folder, "stage.safetensors"))));
    expect(metadata).to.deep.equal({ net: "none" });
    for (const [name, { data }] of weights)
      expect(
        tensors.get(name)!.data.every((v) => v === data[0]),
        name,
      ).to.equal(true);
  });

  it("leaves the file as it was where the pieces end in an error", async () => {
    const store = await runFolder(folder);
    await store.write("kept", Uint8Array.of(1));
    function* broken(): Generator<Uint8Array> {
      yield Uint8Array.of(2);
      throw new Error("the device was lost");
    }
    const failure = await store.write("kept", broken()).then(() => "none", String);
    expect(failure).to.contain("the device was lost");
    expect([...(await store.read("kept"))!]).to.deep.equal([1]);
  });

  it("gives way to other calls when a loop over the pieces is left", async () => {
    const net = graph({ x: input([4]) }, ({ x }) => ({ y: add(x, param("shift", [4], heNormal())) }));
    using program = await (await testGpu()).compile(net);
    let first: Promise<unknown> | undefined;
    for await (const _ of program.checkpointPieces()) {
      first = program.run({ x: new Float32Array(4) });
      break;
    }
    expect(await first).to.have.property("y");
  });
});

function viewOf(data: Float32Array): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
