/**
 * Shaders with marked loops compute the same as they are written, rolled, as after src/gpu/unroll.ts. But for those that broadcast from the lane
 * that a loop counts: WGSL wants a const-expression there, so they are valid unrolled only.
 */
import { expect } from "chai";
import { traitsOf } from "../../src/graph/traits.js";
import type { PipelineCache } from "../../src/gpu/pipelines.js";
import { conv2d } from "../../src/kernels/conv2d.js";
import { opOf } from "../../src/kernels/ops.js";
import { SHADERS } from "../../src/shaders.gen.js";
import { uniform } from "../../src/tensor/random.js";
import { numel } from "../../src/tensor/shape.js";
import { input, type Tensor } from "../../src/tensor/tensor.js";
import { testContext } from "../harness/device.js";
import { runVariant } from "../harness/run-variant.js";

function convWithGradients(): readonly Tensor[] {
  const y = conv2d(input([2, 5, 6, 7]), input([9, 5, 3, 3]), null, { padding: 1 });
  const [dx, dw] = opOf("conv2d").grad(input(y.shape), y.inputs, y, y.attrs) as [Tensor, Tensor];
  return [y, dx, dw];
}

/** The same cache with the marks taken out of every shader. */
function rolled(pipelines: PipelineCache): PipelineCache {
  const strip = (code: string): string => code.replaceAll("// @unroll", "// as written");
  return {
    ...pipelines,
    kernel: (name, shader, constants) => pipelines.kernel(`${name} (rolled)`, { ...shader, code: strip(shader.code) }, constants),
  };
}

describe("shaders with marked loops, rolled", () => {
  for (const node of convWithGradients()) {
    it(`${node.op} gives the same integers`, async function () {
      this.timeout(120000);
      const { gpu, pipelines } = await testContext();
      const random = uniform(7);
      const inputs = node.inputs.map((spec) => ({
        spec,
        data: Float32Array.from({ length: numel(spec.shape) }, () => Math.floor(random() * 7) - 3),
      }));
      const marked = opOf(node.op)
        .variants(node.inputs, node, node.attrs, traitsOf(gpu))
        .filter((v) => v.dispatches.some((d) => SHADERS[d.shader].code.includes("// @unroll")))
        .filter((v) => !v.dispatches.some((d) => SHADERS[d.shader].code.includes("subgroupBroadcast(")));
      expect(marked, "variants with marked loops").to.not.have.lengthOf(0);
      for (const variant of marked) {
        const [plain, unrolled] = [
          await runVariant(gpu, rolled(pipelines), variant, inputs, node),
          await runVariant(gpu, pipelines, variant, inputs, node),
        ];
        expect(plain.values, variant.name).to.deep.equal(unrolled.values);
      }
    });
  }
});
