/** What exportOnnx writes comes back by importOnnx: every op that has a form, every trunk and variant. */
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
  type TrunkName,
  type Weights,
} from "../../src/index.js";
import { exportOnnx, importOnnx, OnnxError } from "../../src/onnx/index.js";
import { runReference } from "../../src/reference/index.js";
import { uniform } from "../../src/tensor/random.js";
import { numel } from "../../src/tensor/shape.js";
import { IMAGE_AXES, ONE_WAY, ONNX_CASES } from "../harness/onnx-cases.js";
import { difference } from "../harness/difference.js";

/** All of them: a new one does not compile until it is here. */
const TRUNKS: Readonly<Record<TrunkName, true>> = {
  lenet: true,
  alexnet: true,
  "alexnet-bvlc": true,
  "alexnet-torchvision": true,
  vgg16: true,
  vgg19: true,
  googlenet: true,
  "googlenet-torchvision": true,
  squeezenet: true,
};

const random = uniform(5);
const values = (shape: Shape): Float32Array => Float32Array.from({ length: numel(shape) }, () => 4 * random() - 2);

/** Score layers start at zero: random ones let differences through. */
function weightsOf(net: Graph<Names, Names>): Weights {
  return new Map(
    [...initialWeights(net)].map(([name, { shape, data }]) => [
      name,
      { shape, data: data.every((v) => v === 0) ? values(shape) : data },
    ]),
  );
}

describe("ONNX import of what was exported", () => {
  for (const { what, shape, dtype = "f32", open = IMAGE_AXES, then, net } of ONNX_CASES.filter(
    (c) => (c.dtype ?? "f32") === "f32",
  )) {
    it(what, () => {
      const built = graph({ x: input(shape, dtype) }, ({ x }) => ({ y: net(x) }));
      const weights = weightsOf(built);
      const dimensions = Object.fromEntries(Object.entries(open).map(([axis, name]) => [name, shape[Number(axis)]!]));
      const bring = () => importOnnx(exportOnnx(built, weights, { dynamic: { x: open } }), { dimensions });
      if (ONE_WAY.test(what)) {
        expect(bring).to.throw(OnnxError, /^importOnnx: node .* \(\w+, opset 19\): /);
        return;
      }
      const back = bring();
      for (const [name, tensor] of back.weights) expect(tensor, name).to.deep.equal(weights.get(name));
      for (const at of [shape, then]) {
        const x = values(at);
        const own = built.resize({ x: at });
        const expected = runReference(own, weights, { x }).y;
        const { y } = runReference(back.graph.resize({ x: at }), back.weights, { x }) as { y: Float64Array };
        expect(difference(expected, y)).to.be.below(1e-6);
      }
    });
  }

  for (const trunk of Object.keys(TRUNKS) as TrunkName[]) {
    const variants = Object.keys(trunkOf(trunk).heads);
    for (const variant of variants) {
      // Open sizes take some seventy builds of the net: once a trunk.
      const isOpen = variant === variants.filter((name) => !name.endsWith("at-once")).at(-1);
      it(`${trunk} ${variant}${isOpen ? ", of any size" : ""}: the same parameters, weights, scores and labels`, () => {
        const padding = trunk === "lenet" || trunk === "squeezenet" ? "caffe" : "same";
        const net = fcn({ trunk, variant, classes: 3, width: 1 / 64, padding, size: [33, 42] });
        const weights = weightsOf(net);
        const open = { dimensions: { batch: 1, height: 33, width: 42 } };
        const back = importOnnx(exportOnnx(net, weights, isOpen ? { dynamic: true } : {}), isOpen ? open : {});
        expect(back.graph.params.map(({ name }) => name)).to.have.members(net.params.map(({ name }) => name));
        expect(new Map(back.weights)).to.deep.equal(weights);
        const channels = net.inputs.image.shape[1]!;
        for (const size of isOpen ? [[50, 37]] : [[33, 42]]) {
          const shape = [1, channels, ...size];
          const image = values(shape);
          const own = runReference(net.resize({ image: shape }), weights, { image });
          const theirs = runReference(back.graph.resize({ image: shape }), back.weights, { image });
          expect(difference(own.scores, theirs["scores"]!)).to.be.below(1e-7);
          expect([...theirs["labels"]!].filter((label, i) => label !== own.labels[i]).length).to.be.at.most(1);
        }
      });
    }
  }

  it("LeNet as a classifier, for any batch, exported once more: the same bytes of weights and the same scores", () => {
    const net = classifier({ trunk: "lenet", width: 0.2 });
    const weights = weightsOf(net);
    const once = importOnnx(exportOnnx(net, weights, { dynamic: { image: { 0: "batch" } } }), { dimensions: { batch: 1 } });
    const twice = importOnnx(exportOnnx(once.graph, once.weights, { dynamic: { image: { 0: "n" } } }), { dimensions: { n: 2 } });
    expect(new Map(twice.weights)).to.deep.equal(new Map(once.weights));
    const image = values([2, 1, 28, 28]);
    const own = runReference(net.resize({ image: [2, 1, 28, 28] }), weights, { image });
    expect(difference(own.scores, runReference(twice.graph, twice.weights, { image })["scores"]!)).to.be.below(1e-7);
  });
});
