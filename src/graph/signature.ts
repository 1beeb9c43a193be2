/** What a choice of kernels is made for: an op with the shapes and attributes it is applied to. Nodes of one signature run the same kernels. */
import type { TensorSpec } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";

/** An application of an op as plain data. */
export interface Application {
  readonly op: string;
  readonly inputs: readonly TensorSpec[];
  readonly attrs: object;
  /** Whether its values decide where others come from (ReLU's mask in training): variants that round more than `direct` are not for it. */
  readonly decides: boolean;
  /** Whether its output is stored as f16. */
  readonly f16: boolean;
}

/** `deciding`: the tensors of the graph whose values decide. */
export function applicationOf(node: Tensor, deciding?: ReadonlySet<Tensor>): Application {
  const inputs = node.inputs.map(({ shape, dtype }) => ({ shape, dtype }));
  return { op: node.op, inputs, attrs: node.attrs, decides: deciding?.has(node) ?? false, f16: node.dtype === "f16" };
}

/** As text: the same for the same application, whatever the order in which its attributes were written down. */
export function signatureOf({ op, inputs, attrs, decides, f16 }: Application): string {
  const flags = [...(decides ? ["decides"] : []), ...(f16 ? ["f16"] : [])];
  const parts = [op, inputs.map(({ shape, dtype }) => [dtype, ...shape]), attrs, ...flags];
  return JSON.stringify(parts, (_, value: unknown) => {
    if (typeof value === "number" && !Number.isFinite(value)) return { number: String(value) };
    if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

/** The inverse of {@link signatureOf}. Throws SyntaxError or TypeError for a text that is no signature. */
export function parseSignature(text: string): Application {
  const [op, inputs, attrs, ...flags] = JSON.parse(text, (_, value: unknown) => {
    const number = (value as { number?: unknown } | null)?.number;
    return typeof number === "string" ? Number(number) : value;
  }) as [string, readonly [TensorSpec["dtype"], ...number[]][], object, ...string[]];
  const specs = inputs.map(([dtype, ...shape]) => ({ shape, dtype }));
  return { op, inputs: specs, attrs, decides: flags.includes("decides"), f16: flags.includes("f16") };
}
