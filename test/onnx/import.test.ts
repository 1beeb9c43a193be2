/** Files that ONNX Runtime has written, of every op and every trunk, come in by importOnnx: an encoder, names and simplifications that are not this engine's. */
import { expect } from "chai";
import {
  classifier,
  fcn,
  graph,
  initialWeights,
  input,
  trunkOf,
  type Graph,
  type Names,
  type Shape,
  type Weights,
} from "../../src/index.js";
import { TRUNK_NAMES } from "../../src/fcn/trunks.js";
import { exportOnnx, importOnnx } from "../../src/onnx/index.js";
import { runReference } from "../../src/reference/index.js";
import { uniform } from "../../src/tensor/random.js";
import { numel } from "../../src/tensor/shape.js";
import { difference } from "../harness/difference.js";
import { ONE_WAY, ONNX_CASES } from "../harness/onnx-cases.js";
import { rewriteOnnx } from "../../tools/onnx/runtime.js";

/** Begun anew for each test: its numbers do not depend on which ran before it. */
let random = uniform(5);
const noise = (shape: Shape): Float32Array => Float32Array.from({ length: numel(shape) }, () => 2 * random() - 1);

/** Score layers start at zero: random ones let differences through. Biases are above zero, or a last ReLU may pass nothing, as SqueezeNet's. */
function weightsOf(net: Graph<Names, Names>): Weights {
  return new Map(
    [...initialWeights(net)].map(([name, { shape, data }]) => [
      name,
      { shape, data: data.some((v) => v !== 0) ? data : name.endsWith(".bias") ? noise(shape).map(Math.abs) : noise(shape) },
    ]),
  );
}

async function expectBack(net: Graph<Names, Names>, isDynamic: boolean, at: Shape): Promise<void> {
  const weights = weightsOf(net);
  const ours = exportOnnx(net, weights, isDynamic ? { dynamic: true } : {});
  const theirs = await rewriteOnnx(ours);
  expect(Buffer.compare(ours, theirs), "written anew").to.not.equal(0);
  const shapes = { image: net.inputs["image"]!.shape };
  const back = importOnnx(theirs, { shapes });
  const image = noise(at);
  const expected = runReference(net.resize({ image: at }), weights, { image });
  const got = runReference(back.graph.resize({ image: at }), back.weights, { image });
  expect(Object.keys(got)).to.have.members(Object.keys(expected));
  expect(difference(expected["scores"]!, got["scores"]!)).to.be.below(1e-6);
}

describe("ONNX import of what ONNX Runtime has written", () => {
  beforeEach(() => {
    random = uniform(5);
  });

  for (const { what, shape, dtype = "f32", net } of ONNX_CASES.filter(
    (c) => (c.dtype ?? "f32") === "f32" && !ONE_WAY.test(c.what),
  ))
    it(what, async () => {
      const built = graph({ x: input(shape, dtype) }, ({ x }) => ({ y: net(x) }));
      const weights = weightsOf(built);
      const back = importOnnx(await rewriteOnnx(exportOnnx(built, weights)));
      const x = noise(shape);
      const expected = runReference(built, weights, { x }).y;
      const { y } = runReference(back.graph, back.weights, { x }) as { y: Float64Array };
      expect(difference(expected, y)).to.be.below(1e-6);
    });

  for (const trunk of TRUNK_NAMES) {
    const { crop, heads } = trunkOf(trunk);
    const variant = Object.keys(heads).findLast((name) => !name.endsWith("at-once"))!;
    const padding = trunk === "lenet" || trunk === "squeezenet" ? "caffe" : "same";

    it(`${trunk} ${variant}, of one size and of any`, async () => {
      const net = fcn({ trunk, variant, classes: 3, width: 1 / 64, padding, size: [33, 42] });
      await expectBack(net, false, [1, crop.channels, 33, 42]);
      await expectBack(net, true, [1, crop.channels, 50, 37]);
    }).timeout(60_000);

    it(`${trunk} as a classifier`, async () => {
      const { channels, size } = crop;
      await expectBack(classifier({ trunk, classes: 5, width: 1 / 64, dropout: 0 }), false, [1, channels, size, size]);
    }).timeout(60_000);
  }
});
