/**
 * The contract of an op, checked from a table of cases (docs/testing.md): for each case and EVERY variant that applies: the inferred
 * shape; GPU against reference with the output pre-filled with NaN and guard elements behind it; zeros in the padding lanes; the same
 * bits twice. For each differentiable op: its gradient, on the reference, by central differences in float64.
 */
import { expect } from "chai";
import { traitsOf } from "../../src/graph/traits.js";
import { gradients } from "../../src/graph/gradients.js";
import { OPS, opOf, type OpAttrs, type OpName } from "../../src/kernels/ops.js";
import { evaluate } from "../../src/reference/evaluate.js";
import { floats, type NdArray } from "../../src/reference/nd-array.js";
import { layoutOf } from "../../src/tensor/layout.js";
import { uniform } from "../../src/tensor/random.js";
import { numel, type DType, type Shape, type TensorSpec } from "../../src/tensor/shape.js";
import { input, type Tensor } from "../../src/tensor/tensor.js";
import { testContext } from "./device.js";
import { checkHalves } from "./op-halves.js";
import { expectedOf, checkValues, makeValues, reference, toNd } from "./op-expected.js";
import { runVariant } from "./run-variant.js";

export interface CaseInput {
  readonly shape: Shape;
  readonly dtype?: DType;
  /** Values, by index and a seeded random source. Default: integers -3..3 where the case is exact or the dtype integer, else uniform in [-1, 1). */
  readonly values?: (index: number, random: () => number) => number;
}

export interface OpCase<K extends OpName> {
  readonly name: string;
  readonly inputs: readonly CaseInput[];
  readonly attrs: OpAttrs<K>;
  /** Expected output shape, written out by hand. */
  readonly shape?: Shape;
}

export interface OpCheck<K extends OpName> {
  /** "exact": every partial result is exact in f32 on small integers, so GPU and reference agree bit for bit (run beside the float check). */
  readonly exact?: boolean;
  /**
   * Allowed |gpu - reference| on floats. `terms`: 4 sqrt(terms) 2^-24 reference(|inputs|), the bound of a sum of that many products (times
   * the variant's errorFactor). `abs`/`rel`: for what is not a sum, with the reason beside the number in the test.
   */
  readonly bound: { terms: (inputs: readonly TensorSpec[], attrs: OpAttrs<K>) => number } | { abs: number; rel: number };
  /** Inputs whose gradient is compared with central differences; default: none. */
  readonly differentiable?: readonly number[];
  /** Values for the gradient check (away from kinks); default as `values`. */
  readonly gradientValues?: (index: number, random: () => number) => number;
  readonly cases: readonly OpCase<K>[];
}

/** One mocha suite for an op. With FCN_F16=all in the environment every case and variant runs on f16 too (op-halves.ts). */
export function describeOp<K extends OpName>(name: K, check: OpCheck<K>): void {
  describe(`op ${name}`, () => {
    for (const c of check.cases) {
      const specs: TensorSpec[] = c.inputs.map((i) => ({ shape: i.shape, dtype: i.dtype ?? "f32" }));
      const modes = check.exact ? (["integers", "floats"] as const) : (["floats"] as const);
      for (const mode of modes) {
        it(`${c.name} (${mode})`, async () => {
          const values = c.inputs.map((i, n) => makeValues(i, mode, 17 * n + 1));
          await checkForward(name, c, check, specs, values, mode);
        });
      }
      if (check.differentiable && c.inputs.reduce((n, i) => n + numel(i.shape), 0) <= 600) {
        it(`${c.name} (gradient)`, () => checkGradient(name, c, check, specs));
      }
    }
    it("as f16 in memory", () => checkHalves(name, check));
  });
}

async function checkForward<K extends OpName>(
  name: K,
  c: OpCase<K>,
  check: OpCheck<K>,
  specs: readonly TensorSpec[],
  values: readonly (Float32Array | Int32Array)[],
  mode: "integers" | "floats",
): Promise<void> {
  const { output, second, expected } = expectedOf(name, c, check, specs, values);
  if (c.shape) expect(output.shape, "inferred shape").to.deep.equal(c.shape);
  const { gpu, pipelines } = await testContext();
  const variants = opOf(name).variants(specs, output, c.attrs, traitsOf(gpu));
  expect(variants[0]?.name, "the first variant").to.equal("direct");
  for (const variant of variants) {
    const run = () =>
      runVariant(
        gpu,
        pipelines,
        variant,
        specs.map((spec, i) => ({ spec, data: values[i]! })),
        output,
        second,
      );
    const [first, again] = [await run(), await run()];
    for (const [which, result] of expected.entries()) {
      const where = `${name}.${variant.name}${which === 0 ? "" : ", second output"}`;
      const got = which === 0 ? first : first.second!;
      // What is exact on integers has no factor: other variants (Winograd) multiply by fractions.
      const factor = variant.errorFactor ?? (mode === "integers" ? 0 : 1);
      checkValues(where, got, result, (i) => (factor === 0 ? 0 : (result.bounds?.[i] ?? 0) * factor));
      expect(
        sameBits(got.memory, (which === 0 ? again : again.second!).memory, result.spec),
        `${where} gives the same bits twice`,
      ).to.equal(true);
    }
  }
}

/** Row-major tensors may leave anything behind their last element. */
function sameBits(a: Uint32Array | Uint16Array, b: Uint32Array | Uint16Array, output: TensorSpec): boolean {
  const n = layoutOf(output.shape).size;
  return a.subarray(0, n).every((v, i) => v === b[i]);
}

function checkGradient<K extends OpName>(name: K, c: OpCase<K>, check: OpCheck<K>, specs: readonly TensorSpec[]): void {
  const op = OPS[name] as unknown as { infer(i: readonly TensorSpec[], a: object): TensorSpec };
  const spec = op.infer(specs, c.attrs);
  const leaves = specs.map((s) => input(s.shape, s.dtype));
  const y: Tensor = { ...spec, name: "y", op: name, inputs: leaves, attrs: c.attrs };
  const seed = input(spec.shape);
  const wrt = check.differentiable!.filter((i) => i < specs.length);
  const dxs = gradients(
    y,
    wrt.map((i) => leaves[i]!),
    seed,
  );
  const random = uniform(99);
  const values = c.inputs.map((i, n) =>
    toNd(
      specs[n]!,
      makeValues(
        check.gradientValues && (i.dtype ?? "f32") === "f32" && !i.values ? { ...i, values: check.gradientValues } : i,
        "floats",
        31 * n + 5,
      ),
    ),
  );
  const seedValue = floats(
    spec.shape,
    Float64Array.from({ length: numel(spec.shape) }, () => random() * 2 - 1),
  );
  const all = evaluate(dxs, new Map([...leaves.map((l, i): [Tensor, NdArray] => [l, values[i]!]), [seed, seedValue]]));
  const loss = (vs: readonly NdArray[]): number =>
    Array.from(reference(name, vs, c.attrs, spec).data).reduce((s, v, i) => s + v * seedValue.data[i]!, 0);
  const h = 1e-5;
  wrt.forEach((which, k) => {
    const got = all.get(dxs[k]!)!;
    const data = values[which]!.data;
    const stride = Math.max(1, Math.floor(data.length / 40));
    for (let i = 0; i < data.length; i += stride) {
      const shifted = (by: number): number => {
        const moved = Float64Array.from(data);
        moved[i]! += by;
        return loss(values.map((v, n) => (n === which ? floats(v.shape, moved) : v)));
      };
      const want = (shifted(h) - shifted(-h)) / (2 * h);
      // Central differences in float64 are good to about h^2 + 1e-16/h, relative to the size of the sum.
      expect(
        Math.abs(got.data[i]! - want),
        `d ${name} / d input ${which}, element ${i}: ${got.data[i]} against ${want}`,
      ).to.be.at.most(1e-6 * (1 + Math.abs(want)));
    }
  });
}
