/**
 * Files of conformance cases, format "conformance-cases/1": operations in neutral terms with inputs, expected outputs and gradients that
 * others computed. Everything is NCHW; data is base64 of little-endian values in row-major order. Imports nothing: it runs in pages too.
 */

export const FORMAT = "conformance-cases/1";

export interface CaseTensor {
  /** Its role: `x`, `w`, `labels`, `y`, ... */
  readonly name: string;
  readonly dtype: "float32" | "int32" | "int64";
  readonly shape: readonly number[];
  readonly data: string;
}

/** A value is right where |got - want| <= atol + rtol |want|; zeros ask for equality. */
export interface Tolerance {
  readonly atol: number;
  readonly rtol: number;
}

export interface ConformanceCase {
  readonly suite: string;
  readonly name: string;
  readonly op: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** The order is the operand order. */
  readonly inputs: readonly CaseTensor[];
  readonly outputs: readonly CaseTensor[];
  readonly tolerance: Tolerance;
  /** The gradient that arrives at the first output; null: the case has no gradients. */
  readonly gradOutput: CaseTensor | null;
  /** d(sum(gradOutput * output)) / d(input), named like the inputs. */
  readonly gradients: readonly CaseTensor[];
  readonly gradTolerance: Tolerance;
  /** The source's value is an oddity of the source: a failure does not count. */
  readonly quirk: boolean;
}

/** What a file holds. Throws FormatError, which names the place in the file and what is expected there. */
export function parseCases(text: string): readonly ConformanceCase[] {
  let file: unknown;
  try {
    file = JSON.parse(text);
  } catch (error) {
    throw new FormatError(`not JSON (${(error as Error).message})`);
  }
  const { format, suite, cases } = object(file, "the file");
  if (format !== FORMAT) throw new FormatError(`format is ${JSON.stringify(format) ?? "missing"}: expected "${FORMAT}"`);
  const suiteName = string(suite, "suite");
  return list(cases, "cases").map((value, i) => parseCase(value, suiteName, `cases[${i}]`));
}

/** The file is not one of conformance cases. */
export class FormatError extends Error {
  override readonly name = "FormatError";
}

function parseCase(value: unknown, suite: string, where: string): ConformanceCase {
  const given = object(value, where);
  const name = string(given["name"], `${where}.name`);
  const at = `${where} (${name})`;
  const tensors = (key: string): readonly CaseTensor[] =>
    list(given[key], `${at}.${key}`).map((t, i) => parseTensor(t, `${at}.${key}[${i}]`));
  const tolerance = parseTolerance(given["tolerance"], `${at}.tolerance`);
  const gradients = given["gradients"] === undefined ? [] : tensors("gradients");
  const gradOutput = gradients.length === 0 ? null : (tensors("gradOutputs")[0] ?? null);
  if (gradients.length > 0 && gradOutput === null)
    throw new FormatError(`${at}.gradOutputs is empty: gradients need the gradient of the first output`);
  const outputs = tensors("outputs");
  if (outputs.length === 0) throw new FormatError(`${at}.outputs is empty: a case expects at least one output`);
  const source = given["source"] === undefined ? {} : object(given["source"], `${at}.source`);
  return {
    suite,
    name,
    op: string(given["op"], `${at}.op`),
    attributes: given["attributes"] === undefined ? {} : object(given["attributes"], `${at}.attributes`),
    inputs: tensors("inputs"),
    outputs,
    tolerance,
    gradOutput,
    gradients,
    gradTolerance:
      given["gradTolerance"] === undefined ? tolerance : parseTolerance(given["gradTolerance"], `${at}.gradTolerance`),
    quirk: source["quirk"] === true,
  };
}

const BYTES = { float32: 4, int32: 4, int64: 8 } as const;

function parseTensor(value: unknown, where: string): CaseTensor {
  const given = object(value, where);
  const name = string(given["name"], `${where}.name`);
  const dtype = string(given["dtype"], `${where}.dtype`);
  const data = string(given["data"], `${where}.data`);
  if (!isDType(dtype)) throw new FormatError(`${where}.dtype is "${dtype}": expected ${Object.keys(BYTES).join(", ")}`);
  const shape = list(given["shape"], `${where}.shape`).map((extent) => {
    if (!Number.isSafeInteger(extent) || (extent as number) < 0)
      throw new FormatError(`${where}.shape holds ${JSON.stringify(extent)}: expected integers of at least 0`);
    return extent as number;
  });
  const bytes = shape.reduce((n, d) => n * d, BYTES[dtype]);
  const given64 = (data.length / 4) * 3 - (data.match(/=*$/)?.[0].length ?? 0);
  if (given64 !== bytes)
    throw new FormatError(`${where}.data holds ${given64} bytes: ${dtype} [${shape.join(", ")}] takes ${bytes}`);
  return { name, dtype, shape, data };
}

function isDType(dtype: string): dtype is CaseTensor["dtype"] {
  return Object.hasOwn(BYTES, dtype);
}

function parseTolerance(value: unknown, where: string): Tolerance {
  const { atol, rtol } = object(value, where);
  return { atol: atLeastZero(atol, `${where}.atol`), rtol: atLeastZero(rtol, `${where}.rtol`) };
}

/** Row-major values; int64 as i32. Throws FormatError where an integer does not fit or the data is not base64. */
export function decode({ name, dtype, data }: CaseTensor): Float32Array | Int32Array {
  let binary: string;
  try {
    binary = atob(data);
  } catch {
    throw new FormatError(`tensor ${name}: its data is not base64`);
  }
  const { buffer } = Uint8Array.from(binary, (character) => character.charCodeAt(0));
  if (dtype === "float32") return new Float32Array(buffer);
  if (dtype === "int32") return new Int32Array(buffer);
  return Int32Array.from(new BigInt64Array(buffer), (wide) => {
    if (BigInt.asIntN(32, wide) !== wide) throw new FormatError(`tensor ${name}: ${wide} does not fit an i32`);
    return Number(wide);
  });
}

function object(value: unknown, where: string): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new FormatError(`${where} is ${kindOf(value)}: expected an object`);
  return value as Readonly<Record<string, unknown>>;
}

function list(value: unknown, where: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new FormatError(`${where} is ${kindOf(value)}: expected a list`);
  return value;
}

function string(value: unknown, where: string): string {
  if (typeof value !== "string") throw new FormatError(`${where} is ${kindOf(value)}: expected a string`);
  return value;
}

function atLeastZero(value: unknown, where: string): number {
  if (typeof value !== "number" || !(value >= 0))
    throw new FormatError(`${where} is ${kindOf(value)}: expected a number of at least 0`);
  return value;
}

function kindOf(value: unknown): string {
  if (value === undefined) return "missing";
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "an object" : `the ${typeof value} ${JSON.stringify(value)}`;
}
