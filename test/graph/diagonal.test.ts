/** Frozen bilinear upsampling with a dense weight is computed channel by channel, as long as the weight is diagonal. */
import { expect } from "chai";
import { bilinear, convTranspose2d, graph, heNormal, input, param, reduceSum, type Program } from "../../src/index.js";
import { initialWeights, runReference } from "../../src/reference/index.js";
import { uniform } from "../../src/tensor/random.js";
import { initialValue } from "../../src/tensor/weights.js";
import { testGpu } from "../harness/device.js";

const SHAPE = [6, 6, 4, 4] as const;
const net = (lrMult: number) =>
  graph({ x: input([1, 6, 5, 4]) }, ({ x }) => {
    const scaled = convTranspose2d(x, param("first.weight", [6, 6, 1, 1], heNormal()), null);
    const y = convTranspose2d(scaled, param("up.weight", SHAPE, bilinear(), { lrMult }), null, { stride: 2 });
    return { y, loss: reduceSum(y) };
  });
type Net = ReturnType<typeof net>;

const random = uniform(3);
const numbers = (n: number): Float32Array => Float32Array.from({ length: n }, () => random() - 0.5);
const x = numbers(120);
const frozen = initialValue(param("up.weight", SHAPE, bilinear()), 1);
const first = numbers(36);
const dense = numbers(576);
const almost = frozen.slice();
almost[17] = 1e-30; // of input channel 0 to output channel 1

const choiceOf = (plan: Program<Net["inputs"], Net["outputs"]>["plan"]) => plan.choices.rows.find((r) => r.node === "up")!;

describe("a frozen weight that is diagonal", () => {
  it("is computed channel by channel; what is loaded decides", async () => {
    const gpu = await testGpu();
    const graphs = net(0);
    using program = await gpu.compile(graphs);
    for (const [name, data] of Object.entries({ frozen, dense, again: frozen, almost })) {
      const weights = new Map([
        ["first.weight", { shape: [6, 6, 1, 1], data: first }],
        ["up.weight", { shape: [...SHAPE], data }],
      ]);
      await program.load(weights);
      const isDiagonal = data === frozen;
      const { y } = await program.run({ x });
      const want = runReference(graphs, weights, { x }).y;
      y.forEach((v, i) => {
        expect(v, `${name}, element ${i}`).to.be.closeTo(want[i]!, 1e-5);
      });
      for (const plan of [program.plan, await program.trainingPlan("loss")]) {
        const { variant, why } = choiceOf(plan);
        expect(variant === "depthwise", `${name}: ${variant}`).to.equal(isDiagonal);
        expect(why.includes("the weight is diagonal"), why).to.equal(isDiagonal);
      }
    }
  });

  it("is not taken to stay so where it is trained", async () => {
    const gpu = await testGpu();
    using program = await gpu.compile(net(1));
    expect(choiceOf(program.plan).variant).to.not.equal("depthwise");
    expect(initialWeights(net(1)).get("up.weight")!.data).to.deep.equal(frozen);
  });
});
