/** Bad input never corrupts, hangs or crashes: a typed error that says what to do, and the engine works on. */
import { expect } from "chai";
import {
  InputError,
  ShapeError,
  WeightsError,
  add,
  conv2d,
  graph,
  initialWeights,
  input,
  param,
  sgd,
  softmax,
  zeros,
  type Program,
} from "../../src/index.js";
import { testGpu } from "../harness/device.js";
import { drain, rejects } from "../harness/rejects.js";
import { toyFcn, toyInputs } from "../harness/toy-nets.js";

const optimizer = sgd({ learningRate: 0.1 });
const net = toyFcn();
const good = toyInputs(net);

describe("bad input, when the graph is built", () => {
  const x = input([1, 3, 8, 8]);
  const cases: [string, () => unknown, RegExp][] = [
    [
      "channels that differ",
      () => conv2d(x, param("w", [16, 4, 3, 3], zeros()), null),
      /conv2d: input has 3 channels but weight expects 4 \(x is \[1, 3, 8, 8\], weight is \[16, 4, 3, 3\]\)/,
    ],
    ["shapes that do not broadcast", () => add(x, input([1, 3, 7, 8])), /add: .*\[1, 3, 8, 8\].*\[1, 3, 7, 8\]/],
    ["an empty shape", () => input([0, 3]), /input: shape \[0, 3\]/],
    ["an integer where floats belong", () => softmax(input([2, 3], "i32")), /softmax: .*i32/],
    ["a parameter without a name", () => param("", [1], zeros()), /param: the name is empty/],
    [
      "two parameters of one name",
      () => graph({ x }, ({ x: t }) => ({ y: add(add(t, param("b", [1], zeros())), param("b", [1], zeros())) })),
      /two parameters are called b/,
    ],
    [
      "a tensor from outside",
      () => graph({ a: input([1]) }, ({ a }) => ({ y: add(a, input([1])) })),
      /not among the graph's inputs/,
    ],
    [
      "an input that nothing uses",
      () => graph({ a: input([1]), b: input([1]) }, ({ a }) => ({ y: add(a, a) })),
      /no output depends on input b/,
    ],
  ];
  for (const [name, build, message] of cases) it(name, () => expect(build).to.throw(ShapeError, message));

  it("optimiser settings out of range", () => {
    expect(() => sgd({ learningRate: NaN })).to.throw(InputError, /learningRate is NaN/);
    expect(() => sgd({ learningRate: 1, momentum: 1 })).to.throw(InputError, /momentum is 1/);
    expect(() => sgd({ learningRate: 1, accumulate: 0 })).to.throw(InputError, /accumulate is 0/);
  });
});

describe("bad input, when a program is used", () => {
  let program: Program<typeof net.inputs, typeof net.outputs>;
  before(async () => {
    program = await (await testGpu()).compile(net);
  });
  after(() => program[Symbol.dispose]());
  // After every rejected call the same program still gives its result.
  let result: unknown;
  afterEach(async () => {
    const { logits } = await program.run(good);
    result ??= logits;
    expect(logits).to.deep.equal(result);
  });

  it("a missing input", () =>
    rejects(program.run({ image: good.image } as never), InputError, /input labels \[2, 13, 11\] is missing/));
  it("an extra input", () =>
    rejects(
      program.run({ ...good, mask: good.image } as never),
      InputError,
      /there is no input mask: the inputs are image, labels/,
    ));
  it("too few values", () =>
    rejects(
      program.run({ ...good, image: new Float32Array(3) }),
      InputError,
      /input image: 3 values were given but \[2, 3, 13, 11\] takes 858; for another size/,
    ));
  it("another dtype", () =>
    rejects(
      program.run({ ...good, labels: new Float32Array(286) }),
      InputError,
      /input labels is i32 but a Float32Array was given/,
    ));
  it("something that is no data", () =>
    rejects(program.run({ ...good, image: "cat.png" as never }), InputError, /input image: expected a typed array/));
  it("another rank", () =>
    rejects(
      program.run({ ...good, image: { data: good.image, shape: [858] } }),
      InputError,
      /rank 1 but the graph's \[2, 3, 13, 11\] has 4/,
    ));
  it("other channels", () =>
    rejects(
      program.run({ ...good, image: { data: new Float32Array(2 * 4 * 143), shape: [2, 4, 13, 11] } }),
      InputError,
      /4 channels but the graph's/,
    ));
  it("a size that the net cannot take", () =>
    rejects(
      program.run({
        image: { data: new Float32Array(6), shape: [2, 3, 1, 1] },
        labels: { data: new Int32Array(4), shape: [2, 1, 2] },
      }),
      Error,
      /./,
    ));
  it("a label out of range", () => {
    const labels = good.labels.slice();
    labels[17] = 9;
    return rejects(program.run({ ...good, labels }), InputError, /input labels: label 9 at index 17 .*4/);
  });
  it("an output that is not there", () =>
    rejects(program.run(good, { outputs: ["scores" as never] }), InputError, /no output scores: the outputs are logits, loss/));
  it("a loss that is not there, or not a scalar", async () => {
    await rejects(drain(program.train([good], { loss: "los" as never, optimizer })), InputError, /no output los/);
    await rejects(drain(program.train([good], { loss: "logits", optimizer })), InputError, /must be an f32 scalar/);
  });
  it("batches that do not fit, in the middle of training", async () => {
    using trained = await (await testGpu()).compile(net);
    const seen: number[] = [];
    const loop = trained.train([good, { image: good.image } as never], { loss: "loss", optimizer });
    await rejects(
      (async () => {
        for await (const { step } of loop) seen.push(step);
      })(),
      InputError,
      /input labels .* is missing/,
    );
    expect(seen).to.deep.equal([1]);
    expect((await trained.run(good)).loss[0]).to.be.a("number");
  });
  it("two training loops at once", async () => {
    using trained = await (await testGpu()).compile(net);
    const first = trained.train([good, good], { loss: "loss", optimizer });
    await first.next();
    await rejects(drain(trained.train([good], { loss: "loss", optimizer })), InputError, /training already/);
    await drain(first);
  });

  const weightsWith = (
    change: (data: Float32Array, shape: readonly number[]) => { data: Float32Array; shape: readonly number[] },
  ) => {
    const weights = new Map(initialWeights(net));
    const { data, shape } = weights.get("conv2.weight")!;
    weights.set("conv2.weight", change(data.slice(), shape));
    return weights;
  };
  it("weights that are NaN", () =>
    rejects(
      program.load(weightsWith((data, shape) => ({ data: data.fill(NaN, 5, 6), shape }))),
      WeightsError,
      /conv2.weight holds NaN at index 5/,
    ));
  it("weights of another shape", () =>
    rejects(
      program.load(weightsWith((data) => ({ data, shape: [data.length] }))),
      WeightsError,
      /conv2.weight has shape \[432\] but the graph expects \[8, 6, 3, 3\]/,
    ));
  it("missing weights", async () => {
    const weights = new Map(initialWeights(net));
    weights.delete("score.bias");
    weights.set("scores.bias", { shape: [5], data: new Float32Array(5) });
    await rejects(program.load(weights), WeightsError, /no weights for score.bias.*unused: scores.bias/);
    const report = await program.load(weights, { strict: false });
    expect([report.missing, report.unused]).to.deep.equal([["score.bias"], ["scores.bias"]]);
  });
  it("a damaged checkpoint, or one of another seed", async () => {
    const { bytes } = await program.checkpoint();
    await rejects(program.resume({ bytes: bytes.slice(0, 100) }), WeightsError, /safetensors: the header claims/);
    await rejects(program.resume({ bytes: new Uint8Array(3) }), WeightsError, /too few/);
    await rejects(program.resume({ bytes: bytes.slice(0, bytes.length - 8) }), WeightsError, /takes bytes/);
    using other = await (await testGpu()).compile(net, { seed: 2 });
    await rejects(other.resume({ bytes }), WeightsError, /made with seed 1 but this program has 2/);
  });
});
