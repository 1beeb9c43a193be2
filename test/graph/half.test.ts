/** Programs in f16 and in mixed precision, beside the same in f32. Where the adapter has no f16 these are skipped by name, and the errors are looked at. */
import { expect } from "chai";
import {
  conv2d,
  fcn,
  graph,
  GpuUnavailableError,
  heNormal,
  initialWeights,
  input,
  InputError,
  matmul,
  maxPool2d,
  openGpu,
  param,
  reduceSum,
  relu,
  scale,
  multiply,
  sgd,
  WeightsError,
  type Gpu,
  type TrainStep,
} from "../../src/index.js";
import { roundToHalf } from "../../src/tensor/half.js";
import { uniform } from "../../src/tensor/random.js";
import { testGpu } from "../harness/device.js";
import { itWithF16 } from "../harness/halves.js";
import { temporaryCache } from "../harness/tune-cache.js";
import { rejects } from "../harness/rejects.js";
import { toyClassifier, toyFcn, toyInputs } from "../harness/toy-nets.js";

/** Convolutions of 5x5, which no variant computes by way of larger scratch memory. */
function convolutions() {
  return graph({ x: input([4, 3, 64, 64]) }, ({ x }) => {
    let f = x;
    for (const [i, c] of [16, 16, 16, 16].entries())
      f = relu(conv2d(f, param(`conv${i}.weight`, [c, f.shape[1]!, 5, 5], heNormal()), null, { padding: 2 }));
    return { y: maxPool2d(f, { kernel: 8 }), loss: reduceSum(scale(multiply(f, f), 1e-4)) };
  });
}

const optimizer = sgd({ learningRate: 0.05, momentum: 0.9, weightDecay: 1e-3 });

describe("without f16", () => {
  it("a program in f16 is refused, with what to do", async () => {
    const gpu = await testGpu();
    for (const precision of ["f16", "mixed"] as const)
      await rejects(
        gpu.compile(toyFcn(), { precision }),
        GpuUnavailableError,
        /needs a device with shader-f16.*openGpu\(\{ f16: true \}\)/,
      );
    await rejects(
      gpu.compile(toyFcn(), { precision: "f64" as never }),
      InputError,
      /precision is f64: use "f32", "f16" or "mixed"/,
    );
  });

  it("openGpu says whether the adapter has it", async () => {
    const opened = await openGpu({ f16: true }).catch((error: unknown) => error);
    if (opened instanceof Error) {
      expect(opened).to.be.instanceOf(GpuUnavailableError);
      expect(opened.message).to.match(/f16 was asked for but the adapter lacks shader-f16: leave f16 out/);
    } else (opened as Gpu)[Symbol.dispose]();
  });
});

describe("f16", () => {
  const options = { trunk: "vgg16", variant: "8s", classes: 21, size: [64, 64], width: 1 / 16, padding: "same" } as const;

  /** He's weights everywhere, also where a new net has zeros. */
  function busyWeights() {
    const random = uniform(11);
    return new Map(
      [...initialWeights(fcn(options))].map(([name, { shape, data }]) => [
        name,
        { shape, data: data.every((v) => v === 0) ? data.map(() => 0.2 * (random() - 0.5)) : data },
      ]),
    );
  }

  itWithF16("labels an FCN's pixels as f32 does: scores within 2^-8 of the largest, 99 % of the labels", async (gpu) => {
    const random = uniform(7);
    const image = Float32Array.from({ length: 3 * 64 * 64 }, () => 255 * random() - 115);
    const results = [];
    for (const precision of ["f32", "f16"] as const) {
      using program = await gpu.compile(fcn(options), { precision });
      await program.load(busyWeights());
      const { scores, labels } = await program.run({ image });
      results.push({ scores: Float32Array.from(scores), labels: Int32Array.from(labels) });
    }
    const [plain, ...others] = results;
    const largest = plain!.scores.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
    expect(largest).to.be.above(1);
    expect(new Set(plain!.labels).size, "classes among the labels").to.be.above(3);
    for (const { scores, labels } of others) {
      const error = scores.reduce((most, v, i) => Math.max(most, Math.abs(v - plain!.scores[i]!)), 0);
      expect(error / largest, "of the largest score").to.be.within(1e-7, 2 ** -8);
      const same = labels.reduce((n, v, i) => n + Number(v === plain!.labels[i]), 0);
      expect(same / labels.length, "equal labels").to.be.at.least(0.99);
    }
  });

  itWithF16("takes about half of the memory", async (gpu) => {
    using plain = await gpu.compile(convolutions());
    using halved = await gpu.compile(convolutions(), { precision: "f16" });
    using mixed = await gpu.compile(convolutions(), { precision: "mixed" });
    expect(halved.plan.transientBytes / plain.plan.transientBytes).to.be.within(0.49, 0.56);
    expect(halved.plan.weightBytes / plain.plan.weightBytes, "but for alignment").to.be.within(0.5, 0.51);
    expect(mixed.plan.weightBytes).to.equal(plain.plan.weightBytes);
    const [before, after] = [await plain.trainingPlan("loss"), await mixed.trainingPlan("loss")];
    expect(after.transientBytes / before.transientBytes, "of a training step").to.be.within(0.45, 0.6);
    expect(halved.plan.toTable()).to.match(/conv0 +conv2d +\w+ +f16 \[4, 16, 64, 64\]/);
  });

  itWithF16("keeps weights as f16, biases as f32, and says what does not fit", async (gpu) => {
    using program = await gpu.compile(toyClassifier(), { precision: "f16" });
    const weights = initialWeights(toyClassifier());
    const saved = await program.save();
    for (const [name, { data }] of weights) {
      const isBias = name.endsWith(".bias");
      expect(saved.get(name)!.data, name).to.deep.equal(isBias ? data : data.map(roundToHalf));
    }
    const { shape, data } = weights.get("fc1.weight")!;
    const large = new Map([...weights, ["fc1.weight", { shape, data: data.map((v, i) => (i === 5 ? 70000 : v)) }] as const]);
    await rejects(program.load(large), WeightsError, /fc1.weight holds 70000 at index 5 but an f16 is at most 65504/);
    const { image, labels } = toyInputs(toyClassifier(), 10);
    await rejects(
      (async () => {
        for await (const _ of program.train([{ image, labels }], { loss: "loss", optimizer }));
      })(),
      InputError,
      /keeps its weights in f16: compile with precision "mixed"/,
    );
  });

  itWithF16("gives f32 out, be it a weight itself", async (gpu) => {
    const net = graph({ x: input([1, 2, 3, 3]) }, ({ x }) => {
      const weight = param("w", [4, 2, 1, 1], heNormal());
      return { weight, y: conv2d(x, weight, null) };
    });
    using program = await gpu.compile(net, { precision: "f16" });
    const { weight, y } = await program.run({ x: new Float32Array(18).fill(1) });
    expect(weight).to.deep.equal(initialWeights(net).get("w")!.data.map(roundToHalf));
    expect(y[0]).to.be.closeTo(weight[0]! + weight[1]!, 1e-6);
  });

  itWithF16("is tuned like f32", async (gpu) => {
    const net = graph({ x: input([32, 64]) }, ({ x }) => ({ y: relu(matmul(x, param("w", [64, 32], heNormal()))) }));
    await using kept = await temporaryCache();
    using program = await gpu.compile(net, { precision: "f16", tune: { budgetMs: 60_000, cache: kept.cache } });
    const choice = program.plan.choices.rows.find((row) => row.op === "matmul")!;
    expect(choice.why).to.match(/^tuned: /);
    expect(choice.why).to.not.match(/wrong|compile/);
  });
});

describe("mixed precision", () => {
  async function losses(gpu: Gpu, precision: "f32" | "mixed", steps: number): Promise<TrainStep[]> {
    const net = toyFcn({ batch: 1, channels: 8 });
    using program = await gpu.compile(net, { precision });
    const found: TrainStep[] = [];
    for await (const step of program.train(Array<ReturnType<typeof toyInputs>>(steps).fill(toyInputs(net)), {
      loss: "loss",
      optimizer,
    }))
      found.push(step);
    return found;
  }

  itWithF16("follows f32's losses within 1 %, skipping no step", async (gpu) => {
    const [plain, mixed] = [await losses(gpu, "f32", 12), await losses(gpu, "mixed", 12)];
    expect(plain[11]!.loss!, "it learns").to.be.below(0.9 * plain[0]!.loss!);
    mixed.forEach(({ loss, skipped, lossScale }, i) => {
      expect(Math.abs(loss! / plain[i]!.loss! - 1), `step ${i + 1}`).to.be.at.most(0.01);
      expect([skipped, lossScale]).to.deep.equal([0, 65536]);
    });
    expect(mixed[11]!.loss, "computed otherwise").to.not.equal(plain[11]!.loss);
    expect(plain[0]).to.not.have.any.keys("skipped", "lossScale");
  });

  /** Its gradient is so large that f16 holds it up to a loss scale of about 2^7 only. */
  function steep() {
    return graph({ x: input([1, 4, 6, 6]) }, ({ x }) => {
      const hidden = conv2d(x, param("a", [4, 4, 3, 3], heNormal()), null);
      const y = conv2d(hidden, param("b", [4, 4, 3, 3], heNormal()), null);
      return { loss: reduceSum(scale(multiply(y, y), 20)) };
    });
  }
  const x = Float32Array.from({ length: 144 }, (_, i) => Math.sin(i));
  const slow = sgd({ learningRate: 1e-7, momentum: 0.9 });

  itWithF16("skips steps whose gradients overflow, and recovers with a smaller loss scale", async (gpu) => {
    using program = await gpu.compile(steep(), { precision: "mixed" });
    const before = await program.save();
    const steps: TrainStep[] = [];
    let untouched = true;
    for await (const step of program.train(Array<{ x: Float32Array }>(24).fill({ x }), {
      loss: "loss",
      optimizer: slow,
      lossScale: { initial: 2 ** 20, interval: 4 },
    })) {
      steps.push(step);
      if (steps.every((s) => s.skipped === 1)) untouched &&= sameWeights(before, await program.save());
    }
    const first = steps.findIndex((s) => s.skipped === 0);
    expect(first, "steps skipped at first").to.be.within(2, 18);
    expect(untouched, "weights during skipped steps").to.equal(true);
    steps.slice(0, first).forEach((s, i) => expect(s.lossScale).to.equal(2 ** (19 - i)));
    expect(steps[first + 3]!.lossScale, "grown after four good steps").to.equal(2 ** (21 - first));
    expect(sameWeights(before, await program.save())).to.equal(false);
    expect([...(await program.save()).values()].every(({ data }) => data.every(Number.isFinite))).to.equal(true);
    expect(steps[23]!.loss!).to.be.below(steps[0]!.loss!);
  });

  itWithF16("leaves a loss scale that is a number as it is", async (gpu) => {
    using program = await gpu.compile(steep(), { precision: "mixed" });
    const batches = [{ x }, { x }, { x }];
    for (const [lossScale, skipped] of [
      [2 ** 20, 1],
      [1, 0],
    ] as const) {
      for await (const step of program.train(batches, { loss: "loss", optimizer: slow, lossScale }))
        expect([step.lossScale, step.skipped]).to.deep.equal([lossScale, skipped]);
    }
    const train = (lossScale: object | number) => program.train(batches, { loss: "loss", optimizer: slow, lossScale }).next();
    await rejects(train(0), InputError, /lossScale is 0: use a number from 2\^-14 to 2\^24/);
    await rejects(train({ growth: 0.5 }), InputError, /lossScale.growth is 0.5/);
    const checked = program.train(batches, { loss: "loss", optimizer: slow, checkFinite: true });
    await rejects(checked.next(), InputError, /checkFinite was given but mixed precision skips/);
    using plain = await gpu.compile(steep());
    await rejects(
      plain.train(batches, { loss: "loss", optimizer: slow, lossScale: 8 }).next(),
      InputError,
      /lossScale was given but this program trains in f32/,
    );
  });

  itWithF16("unscales: the first step is f32's, whatever the scale, also of accumulated gradients", async (gpu) => {
    const accumulating = sgd({ learningRate: 1e-7, momentum: 0.9, accumulate: 2 });
    for (const optimizerOfStep of [slow, accumulating]) {
      const weights = [];
      for (const options of [
        { precision: "f32" },
        { precision: "mixed", lossScale: 1 },
        { precision: "mixed", lossScale: 16 },
      ] as const) {
        using program = await gpu.compile(steep(), { precision: options.precision });
        const scaled = "lossScale" in options ? { lossScale: options.lossScale } : {};
        for await (const _ of program.train([{ x }, { x }], { loss: "loss", optimizer: optimizerOfStep, steps: 1, ...scaled }));
        weights.push((await program.save()).get("a")!.data);
      }
      const start = initialWeights(steep()).get("a")!.data;
      const step = weights[0]!.map((v, i) => v - start[i]!);
      const largest = step.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
      for (const other of weights.slice(1))
        other.forEach((v, i) => expect(Math.abs(v - start[i]! - step[i]!) / largest, `weight ${i}`).to.be.at.most(2 ** -7));
    }
  });

  itWithF16("resumes to the same bits, loss scale and all", async (gpu) => {
    const lossScale = { initial: 2 ** 20, interval: 4 };
    const train = async (program: Awaited<ReturnType<typeof compile>>, steps: number): Promise<void> => {
      for await (const _ of program.train(Array<{ x: Float32Array }>(steps).fill({ x }), {
        loss: "loss",
        optimizer: slow,
        lossScale,
      }));
    };
    const compile = () => gpu.compile(steep(), { precision: "mixed" });
    using whole = await compile();
    await train(whole, 20);
    using first = await compile();
    await train(first, 9);
    using second = await compile();
    await second.resume(await first.checkpoint());
    await train(second, 11);
    expect(sameWeights(await whole.save(), await second.save())).to.equal(true);
  });
});

function sameWeights(a: ReadonlyMap<string, { data: Float32Array }>, b: ReadonlyMap<string, { data: Float32Array }>): boolean {
  return [...a].every(([name, { data }]) => data.every((v, i) => v === b.get(name)!.data[i]));
}
