/** Training that meets an infinity or a NaN stops in front of it and says where it was. */
import { expect } from "chai";
import { DivergedError, sgd, type TrainOptions, type Weights } from "../../src/index.js";
import { testGpu } from "../harness/device.js";
import { toyFcn, toyInputs } from "../harness/toy-nets.js";

const net = toyFcn();
type Net = typeof net;
type Batch = ReturnType<typeof toyInputs>;

/** Trains on the batches; the error, the weights behind it, and how many steps were told of. */
async function train(
  batches: readonly Batch[],
  options: Omit<TrainOptions<Net["outputs"]>, "loss">,
  load?: (weights: Weights) => Weights,
): Promise<{ error: unknown; weights: Weights; told: number; again: number | null }> {
  using program = await (await testGpu()).compile(net);
  if (load) await program.load(load(await program.save()));
  let told = 0;
  let error: unknown;
  try {
    for await (const step of program.train(batches, { loss: "loss", ...options })) told = step.step;
  } catch (e) {
    error = e;
  }
  const weights = await program.save();
  let again: number | null = null;
  for await (const { loss } of program.train([toyInputs(net, 5, 9)], { loss: "loss", optimizer: sgd({ learningRate: 0.01 }) }))
    again = loss;
  return { error, weights, told, again };
}

const good = Array.from({ length: 8 }, (_, i) => toyInputs(net, 5, i + 1));
const spoiled = (at: number, value: number): Batch[] =>
  good.map((batch, i) => (i === at ? { ...batch, image: batch.image.map((v, p) => (p === 17 ? value : v)) } : batch));

describe("DivergedError", () => {
  for (const [lossEvery, accumulate, value] of [
    [1, 1, NaN],
    [3, 1, Infinity],
    [100, 1, -Infinity],
    [1, 2, NaN],
  ] as const) {
    it(`names the input that is ${value}, with lossEvery ${lossEvery} and ${accumulate} batches a step, in front of its step`, async () => {
      const optimizer = sgd({ learningRate: 0.05, momentum: 0.9, accumulate });
      const stopped = await train(spoiled(4, value), { optimizer, lossEvery, checkFinite: true });
      const done = Math.floor(4 / accumulate);
      expect(stopped.error).to.be.instanceOf(DivergedError);
      expect((stopped.error as DivergedError).where).to.deep.equal({
        step: done + 1,
        part: "input",
        tensor: "image",
        elements: 1,
        of: good[0]!.image.length,
      });
      const whole = await train(good.slice(0, done * accumulate), { optimizer });
      expect(whole.error).to.equal(undefined);
      for (const [name, { data }] of whole.weights) expect([...stopped.weights.get(name)!.data], name).to.deep.equal([...data]);
      // And the program can go on.
      expect(stopped.again).to.be.a("number");
      expect(Number.isFinite(stopped.again)).to.equal(true);
    });
  }

  it("names the layer whose activations overflow, though the loss may not show it", async () => {
    const huge = (weights: Weights): Weights =>
      new Map([...weights].map(([name, w]) => [name, name === "conv2.weight" ? { ...w, data: w.data.map((v) => v * 1e38) } : w]));
    const { error } = await train(good, { optimizer: sgd({ learningRate: 0.01 }), checkFinite: true }, huge);
    expect((error as DivergedError).where).to.include({ step: 1, part: "activation", tensor: "conv2" });
    expect((error as Error).message).to.match(/^train: step 1 is not finite, first in the output of conv2 \(\d+ of \d+ values/);
  });

  it("is thrown before the weights are spoiled by too high a rate", async () => {
    const { error, weights } = await train(good, { optimizer: sgd({ learningRate: 1e25, momentum: 0.9 }), checkFinite: true });
    expect(error).to.be.instanceOf(DivergedError);
    expect((error as Error).message).to.include("1e+25");
    for (const [name, { data }] of weights) expect(data.every(Number.isFinite), name).to.equal(true);
  });

  it("changes no bit of a run that is fine", async () => {
    const optimizer = sgd({ learningRate: 0.05, momentum: 0.9 });
    const [plain, checked] = [
      await train(good, { optimizer }),
      await train(good, { optimizer, checkFinite: true, lossEvery: 4 }),
    ];
    expect(checked.error).to.equal(undefined);
    for (const [name, { data }] of plain.weights) expect([...checked.weights.get(name)!.data], name).to.deep.equal([...data]);
  });
});
