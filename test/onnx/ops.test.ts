/**
 * Every op that has a form in ONNX, in a small graph: ONNX Runtime runs its file at the sizes of the graph and, from the same file, at others; the
 * CPU reference says what must come out.
 */
import { expect } from "chai";
import { graph, initialWeights, input, type DType, type Shape } from "../../src/index.js";
import { OPERATORS } from "../../src/onnx/operators.js";
import { exportOnnx, type DynamicAxes } from "../../src/onnx/index.js";
import { runReference } from "../../src/reference/index.js";
import { uniform } from "../../src/tensor/random.js";
import { numel } from "../../src/tensor/shape.js";
import { topological } from "../../src/tensor/tensor.js";
import type { TypedArray } from "../../src/tensor/weights.js";
import { IMAGE_AXES, ONNX_CASES } from "../harness/onnx-cases.js";
import { runOnnx } from "../../tools/onnx/runtime.js";

const random = uniform(5);
function valuesOf(shape: Shape, dtype: DType): TypedArray {
  const length = numel(shape);
  if (dtype === "u32") return Uint32Array.from({ length }, () => random() * 2 ** 32);
  return Float32Array.from({ length }, () => 4 * random() - 2);
}

describe("ONNX export of ops", () => {
  for (const { what, shape, dtype = "f32", open = IMAGE_AXES, then, net } of ONNX_CASES) {
    it(what, async () => {
      const built = graph({ x: input(shape, dtype) }, ({ x }) => ({ y: net(x) }));
      const weights = initialWeights(built);
      const dynamic: DynamicAxes = { x: open };
      const inputs = [shape, then].map((s) => ({ x: { shape: s, data: valuesOf(s, dtype) } }));
      const results = await runOnnx(exportOnnx(built, weights, { dynamic }), inputs);
      // Nothing open: the file of the graph's own size alone.
      const [fixed] = await runOnnx(exportOnnx(built, weights), inputs.slice(0, 1));
      for (const [i, result] of [...results, fixed!].entries()) {
        const { x } = inputs[i % 2]!;
        const resized = built.resize({ x: x.shape });
        const { y: expected } = runReference(resized, weights, { x: x.data });
        const y = result["y"]!;
        expect(y.shape).to.deep.equal(resized.outputs.y.shape);
        const largest = Math.max(...expected.map(Math.abs));
        const off = Math.max(...Float64Array.from(expected, (v, k) => Math.abs(v - y.data[k]!)));
        expect(off).to.be.at.most(resized.outputs.y.dtype === "f32" ? 1e-5 * Math.max(1, largest) : 0);
      }
    });
  }

  it("leaves none out that has a form", () => {
    const built = ONNX_CASES.map(
      ({ shape, dtype, net }) => graph({ x: input(shape, dtype) }, ({ x }) => ({ y: net(x) })).outputs.y,
    );
    const met = new Set(topological(built).map(({ op }) => op));
    const missed = Object.entries(OPERATORS).filter(([op, row]) => row !== null && !met.has(op));
    expect(missed.map(([op]) => op)).to.deep.equal([]);
  });
});
