/** A device that has no room for something: which error, what it says, what is left behind, and that all goes on once there is room. */
import { expect } from "chai";
import {
  conv2d,
  heNormal,
  graph,
  input,
  matmul,
  OutOfMemoryError,
  param,
  sgd,
  WeightsError,
  type Weights,
} from "../../src/index.js";
import { withVariant } from "../../bench/with-variant.js";
import { shortDevice, type ShortDevice } from "../harness/short-device.js";
import { drain, rejects } from "../harness/rejects.js";
import { bitsOf } from "../harness/small-run.js";
import { toyFcn, toyInputs } from "../harness/toy-nets.js";

const net = toyFcn();
const inputs = toyInputs(net);
const optimizer = (accumulate: number) => sgd({ learningRate: 0.05, momentum: 0.9, accumulate });
const none = (): boolean => false;

describe("a device without room", () => {
  let short: ShortDevice;
  before(async () => {
    short = await shortDevice();
  });
  afterEach(() => {
    short.refuse = none;
    short.refuseWrite = none;
    expect(short.uncaptured, "errors outside of scopes").to.deep.equal([]);
    expect(short.counting.counts.liveBuffers, "buffers of programs that are gone").to.equal(0);
  });
  after(() => short[Symbol.dispose]());

  const live = (): readonly number[] => [short.counting.counts.liveBuffers, short.counting.counts.liveBytes];
  const compile = () => short.gpu.compile(net, { seed: 3 });
  type ToyProgram = Awaited<ReturnType<typeof compile>>;
  const train = (program: ToyProgram, steps = 3, accumulate = 1) =>
    program.train(Array<typeof inputs>(steps * accumulate).fill(inputs), {
      loss: "loss",
      optimizer: optimizer(accumulate),
      checkFinite: true,
    });
  const trained = async (steps = 3, accumulate = 1): Promise<Weights> => {
    using program = await compile();
    await drain(train(program, steps, accumulate));
    return await program.save();
  };

  for (const [label, message] of [
    [/^weight/, /^compile: the device has no room for the weights, \d+ bytes in \d+ buffers \(.*\): use a smaller net/],
    [/^rng/, /^compile: the device has no room for the weights/],
    [
      /^transient/,
      /^compile: the device has no room for a plan of \d+ nodes for image \[2, 3, 13, 11\], labels \[2, 13, 11\], \d+ bytes in \d+ buffers \(.*\): use a smaller batch, image or net$/,
    ],
    [/^readback/, /^compile: the device has no room for reading the outputs back, \d+ bytes in 2 buffers/],
  ] as const) {
    it(`compile: ${label.source.slice(1)}`, async () => {
      short.refuse = (name) => label.test(name);
      await rejects(compile(), OutOfMemoryError, message);
      expect(live(), "left behind").to.deep.equal([0, 0]);
      short.refuse = none;
      using program = await compile();
      expect((await program.run(inputs)).loss[0]).to.be.above(0);
    });
  }

  it("a first training step, whatever of it has no room; then the steps of a program that had", async () => {
    const want = bitsOf(await trained());
    using program = await compile();
    const before = await program.run(inputs);
    const idle = live();
    for (const [label, message] of [
      [/^gradient/, /^train: the device has no room for gradients and velocities \(momentum\) beside the weights, \d+ bytes in/],
      [/^velocity/, /^train: the device has no room for gradients and velocities \(momentum\) beside the weights, \d+ bytes in/],
      [/^loss readback/, /^train: the device has no room for reading the loss back, \d+ bytes in 1 buffer /],
    ] as const) {
      short.refuse = (name) => label.test(name);
      await rejects(drain(train(program)), OutOfMemoryError, message);
      // Plans were let go to make room: they come again when they are asked for.
      expect(live()[0], label.source).to.be.at.most(idle[0]!);
      expect((await program.run(inputs)).loss).to.deep.equal(before.loss);
      expect(live(), label.source).to.deep.equal(idle);
    }
    // What was whole by then is kept for the next try, and not made twice.
    for (const label of [/^hyper/, /^guard params/, /^transient/, /^params/]) {
      short.refuse = (name) => label.test(name);
      await rejects(drain(train(program)), OutOfMemoryError, /^(train|compile): the device has no room for .*, \d+ bytes in/);
    }
    short.refuse = none;
    await drain(train(program));
    expect(bitsOf(await program.save())).to.deep.equal(want);
    await program.run(inputs);
    const used = live()[0]!;
    using other = await compile();
    await drain(train(other));
    expect(live()[0]! - used, "as many as of a program that always had room").to.equal(used);
  });

  it("sums of gradients", async () => {
    const want = bitsOf(await trained(2, 2));
    using program = await compile();
    const idle = live();
    short.refuse = (name) => name.startsWith("accumulator");
    const refused = drain(train(program, 2, 2));
    await rejects(refused, OutOfMemoryError, /gradients and velocities \(momentum\) and sums of gradients beside the weights/);
    expect(live()[0]).to.be.at.most(idle[0]!);
    short.refuse = none;
    await drain(train(program, 2, 2));
    expect(bitsOf(await program.save())).to.deep.equal(want);
  });

  it("room is made for training by letting plans of other sizes go", async () => {
    using program = await compile();
    for (const height of [20, 24, 28]) {
      const larger = toyInputs(toyFcn({ size: [height, 16] }));
      await program.run({
        image: { data: larger.image, shape: [2, 3, height, 16] },
        labels: { data: larger.labels, shape: [2, height, 16] },
      });
    }
    const most = live()[1]!;
    short.refuse = (_, size, bytes) => bytes + size > most;
    await drain(train(program));
    expect(live()[1]).to.be.at.most(most);
  });

  it("weights as kernels want them", async () => {
    const one = graph({ x: input([1, 16, 16, 16]) }, ({ x }) => ({
      y: conv2d(x, param("w", [16, 16, 3, 3], heNormal()), null, { padding: 1 }),
    }));
    using program = await short.gpu.compile(one);
    const x = Float32Array.from({ length: 16 ** 3 }, (_, i) => Math.sin(i));
    const want = await program.run({ x });
    const checkpoint = await withVariant(await program.checkpoint(), "winograd");
    const idle = live();
    const message = /^compile: the device has no room for weights of \S+ as its kernels want them, \d+ bytes in 2 buffers/;
    short.refuse = (name) => name.startsWith("prepared");
    await rejects(
      program.resume(checkpoint).then(() => program.run({ x })),
      OutOfMemoryError,
      message,
    );
    expect(live()[0]).to.be.at.most(idle[0]!);
    short.refuse = none;
    const got = await program.run({ x });
    got.y.forEach((v, i) => expect(v).to.be.closeTo(want.y[i]!, 1e-4));
  });

  it("a run of another size, and its way back", async () => {
    using program = await compile();
    const want = await program.run(inputs);
    const large = toyFcn({ size: [21, 23] });
    const { image, labels } = toyInputs(large);
    const run = () =>
      program.run({ image: { data: image, shape: [2, 3, 21, 23] }, labels: { data: labels, shape: [2, 21, 23] } });
    const idle = live();
    for (const label of ["readback", "transient 0"]) {
      short.refuse = (name) => name === label;
      await rejects(run(), OutOfMemoryError, /^compile: the device has no room for .*, \d+ bytes in/);
      short.refuse = none;
      expect((await program.run(inputs)).loss).to.deep.equal(want.loss);
      expect(live()).to.deep.equal(idle);
    }
    expect((await run()).logits.length).to.equal(2 * 5 * 21 * 23);
  });

  it("reading weights, a checkpoint and its pieces back", async () => {
    using program = await compile();
    await drain(train(program));
    const want = bitsOf(await program.save());
    const idle = live();
    const pieces = async (): Promise<number> => {
      let bytes = 0;
      for await (const piece of program.checkpointPieces()) bytes += piece.length;
      return bytes;
    };
    for (const [read, by] of [
      [() => program.save(), "save"],
      [() => program.checkpoint(), "checkpoint"],
      [pieces, "checkpoint"],
    ] as const) {
      await program.run(inputs); // for a plan that can go
      let [reads, refused] = [0, 0];
      short.refuse = (name) => name === "readback" && ++reads > 2 && ++refused > 0;
      const message = new RegExp(`^${by}: the device has no room for reading \\S+ back, \\d+ bytes in 1 buffer`);
      await rejects(Promise.resolve(read()), OutOfMemoryError, message);
      expect(refused, "once more without plans").to.equal(2);
      expect(live()[0]).to.be.at.most(idle[0]!);
      // Where plans make room, nobody hears of it.
      short.refuse = none;
      await program.run(inputs);
      reads = 0;
      short.refuse = (name) => name === "readback" && ++reads === 3;
      await read();
    }
    short.refuse = none;
    expect(bitsOf(await program.save())).to.deep.equal(want);
  });

  it("resuming: nothing has changed, then it goes on to the same bits", async () => {
    using first = await compile();
    await drain(train(first, 2));
    const checkpoint = await first.checkpoint();
    await drain(train(first, 1));
    using second = await compile();
    const before = bitsOf(await second.save());
    short.refuse = (name) => name.startsWith("velocity");
    const refused = second.resume(checkpoint);
    await rejects(refused, OutOfMemoryError, /^resume: the device has no room for velocities \(momentum\) beside the weights/);
    short.refuse = none;
    expect(bitsOf(await second.save())).to.deep.equal(before);
    await second.resume(checkpoint);
    await drain(train(second, 1));
    expect(bitsOf(await second.save())).to.deep.equal(bitsOf(await first.save()));
  });

  it("inputs on their way: the run or the training ends, the next is right", async () => {
    using program = await compile();
    const want = await program.run(inputs);
    short.refuseWrite = (bytes) => bytes === 4 * 4 * 2 * 13 * 11; // the image, its channels padded
    await rejects(
      program.run(inputs),
      OutOfMemoryError,
      /^run: the device has no room for copies of the inputs on their way to it/,
    );
    await rejects(drain(train(program)), OutOfMemoryError, /^train: .* steps since the last loss .* resume from a checkpoint/);
    short.refuseWrite = none;
    using other = await compile();
    expect((await other.run(inputs)).loss).to.deep.equal(want.loss);
  });

  it("weights on their way: the program wants them all before it does anything else", async () => {
    const weights = await trained();
    using program = await compile();
    const want = await program.run(inputs);
    let writes = 0;
    short.refuseWrite = () => ++writes > 2;
    await rejects(program.load(weights), OutOfMemoryError, /^load: .* dispose other programs, then call load\(\) again/);
    short.refuseWrite = none;
    const torn = /the weights are in part those of a load\(\) that broke off/;
    await rejects(program.run(inputs), WeightsError, torn);
    await rejects(program.save(), WeightsError, torn);
    await rejects(program.checkpoint(), WeightsError, torn);
    await rejects(drain(train(program)), WeightsError, torn);
    await program.load(weights);
    expect((await program.run(inputs)).loss[0]).to.be.below(want.loss[0]!);
    expect(bitsOf(await program.save())).to.deep.equal(bitsOf(weights));
  });

  it("sums over runs, a profile, and what the device can do", async () => {
    const tiny = graph({ x: input([4, 4]) }, ({ x }) => ({ y: matmul(x, param("w", [4, 4], heNormal())) }));
    using program = await short.gpu.compile(tiny);
    const idle = live();
    short.refuse = (name) => name.startsWith("clock") || name === "probe params";
    const x = new Float32Array(16).fill(1);
    const message = /^(timing|measure): the device has no room for .*, \d+ bytes in \d buffers? /;
    if (short.gpu.device.features.has("timestamp-query")) await rejects(program.profile({ x }), OutOfMemoryError, message);
    await rejects(short.gpu.measure(), OutOfMemoryError, message);
    expect(live()).to.deep.equal(idle);
  });
});
