/**
 * The cases of an op on f16: inputs and output as a program in f16 stores them (graph/passes/half.ts), against the float64 reference on the rounded
 * inputs. What is computed is f32, so the bound is that of f32 and the rounding of the output: half a unit, 2^-11 of the value or 2^-25.
 */
import { expect } from "chai";
import { storesHalf, takesHalves } from "../../src/graph/passes/half.js";
import { traitsOf } from "../../src/graph/traits.js";
import { storedAs } from "../../src/kernels/half.js";
import { opOf, type OpName } from "../../src/kernels/ops.js";
import { HALF_MAX, roundToHalf } from "../../src/tensor/half.js";
import type { TensorSpec } from "../../src/tensor/shape.js";
import { halfContext } from "./halves.js";
import type { OpCase, OpCheck } from "./op-cases.js";
import { checkValues, expectedOf, makeValues } from "./op-expected.js";
import { runVariant } from "./run-variant.js";

const ROUNDING = 2 ** -11;
const SUBNORMAL_ROUNDING = 2 ** -25;

const environment = (globalThis as { process?: { env?: Readonly<Record<string, string | undefined>> } }).process?.env;

/** Nothing to check where the adapter has no f16: test/kernels/halves.test.ts looks at the error then. */
export async function checkHalves<K extends OpName>(name: K, check: OpCheck<K>): Promise<void> {
  const context = await halfContext();
  if (!context) return;
  const { gpu, pipelines } = context;
  const seen = new Set<string>();
  const all = environment?.["FCN_F16"] === "all";
  // From the middle on: tables begin with what is simple.
  const middle = Math.floor(check.cases.length / 2);
  for (const c of [...check.cases.slice(middle), ...check.cases.slice(0, middle)]) {
    const stored = storedSpecs(name, c);
    if (!stored) continue;
    const { specs, inputs, output } = stored;
    const variants = opOf(name).variants(specs, output, c.attrs, traitsOf(gpu));
    // Else once for the plain variant and for those that the rule would take, three in all: drivers take minutes to compile the rest.
    const isTaken = (i: number): boolean => seen.size < 3 && (i === 0 || i === variants.length - 1);
    const fresh = all ? variants : variants.filter((v, i) => isTaken(i) && !seen.has(v.name));
    if (fresh.length === 0) continue;
    const values = c.inputs.map((input, n) => {
      const data = makeValues(input, "floats", 17 * n + 1);
      return inputs[n]!.dtype === "f16" ? data.map(roundToHalf) : data;
    });
    const { expected, second } = expectedOf(name, c, check, specs, values);
    for (const variant of fresh) {
      seen.add(variant.name);
      const got = await runVariant(
        gpu,
        pipelines,
        storedAs(variant, inputs, output),
        inputs.map((spec, i) => ({ spec, data: values[i]! })),
        output,
        second,
      );
      const factor = variant.errorFactor ?? 1;
      expected.forEach((result, which) => {
        const isHalf = which === 0 && output.dtype === "f16";
        checkValues(`${name}.${variant.name} on f16, ${c.name}`, which === 0 ? got : got.second!, result, (i) => {
          // A window without a pixel has the lowest f32.
          if (isHalf && Math.abs(result.want.data[i]!) > HALF_MAX) return Infinity;
          const computing = (result.bounds?.[i] ?? 0) * factor;
          return computing + (isHalf ? ROUNDING * (Math.abs(result.want.data[i]!) + computing) + SUBNORMAL_ROUNDING : 0);
        });
      });
    }
  }
  if (check.cases.some((c) => storedSpecs(name, c))) expect(seen.size, "variants run on f16").to.be.above(0);
}

/** The specs as ops know them and as they are stored; undefined where nothing is stored as f16. */
function storedSpecs<K extends OpName>(
  name: K,
  c: OpCase<K>,
): { readonly specs: readonly TensorSpec[]; readonly inputs: readonly TensorSpec[]; readonly output: TensorSpec } | undefined {
  const specs = c.inputs.map((i): TensorSpec => ({ shape: i.shape, dtype: i.dtype ?? "f32" }));
  const inputs = specs.map((spec): TensorSpec => {
    const isHalf = takesHalves(name) && spec.dtype === "f32" && spec.shape.length >= 2;
    return isHalf ? { ...spec, dtype: "f16" } : spec;
  });
  const inferred = opOf(name).infer(specs, c.attrs);
  const output: TensorSpec = storesHalf({ ...inferred, op: name }, inputs) ? { ...inferred, dtype: "f16" } : inferred;
  return [...inputs, output].some((t) => t.dtype === "f16") ? { specs, inputs, output } : undefined;
}
