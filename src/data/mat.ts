/**
 * MATLAB level-5 .mat files, as much of them as labels need: a numeric matrix, or one in a struct. Elements are (type, bytes, data padded to 8), small ones in one word;
 * miCOMPRESSED holds one element behind zlib; a struct is a matrix of fields, each a matrix. Source: MATLAB's MAT-File Format, level 5.
 */
import { inflateSync } from "node:zlib";
import { fileError, reasonOf } from "./errors.js";
import { LEAST_LABEL, MOST_LABEL, type LabelImage } from "./label-map.js";

const [MI_INT8, MI_UINT8, MI_INT16, MI_UINT16, MI_INT32, MI_UINT32, MI_SINGLE, MI_DOUBLE] = [1, 2, 3, 4, 5, 6, 7, 9] as const;
const [MI_INT64, MI_UINT64, MI_MATRIX, MI_COMPRESSED] = [12, 13, 14, 15] as const;
/** mxCELL_CLASS on; those behind the last have another form. */
const CLASSES = "cell struct object char sparse double single int8 uint8 int16 uint16 int32 uint32 int64 uint64".split(" ");
const [MX_STRUCT, FIRST_NUMERIC] = [2, 6];
const isNumeric = ({ matrixClass }: Matrix): boolean => matrixClass >= FIRST_NUMERIC;
const HEADER_BYTES = 128;
/** What version 7.3 writes there is an HDF5 file. */
const VERSION_7_3 = 0x0200;
/** Files are of half a megabyte at most when inflated; a hostile one must not fill the memory. */
const MAX_INFLATED_BYTES = 256 * 2 ** 20;
/** Where a file has no numeric matrix of its own: SBD's. */
const IN_STRUCT = "GTcls.Segmentation";

interface Element {
  readonly type: number;
  readonly data: DataView;
}

type Fail = (why: string) => never;

/**
 * The labels row by row: of `variable`, or of a field of a struct, as "GTcls.Segmentation"; null: of the only numeric matrix of the file, or of that field where it has none.
 * Throws InputError where the file is none of this kind, and names the variables that it has.
 */
export function readMatLabels(file: string, bytes: Uint8Array, variable: string | null = null): LabelImage {
  const fail: Fail = (why) => {
    throw fileError(file, `${why}: expected a MATLAB level-5 file with ${variable ?? "one numeric matrix, the labels"}`);
  };
  const matrices = matricesOf(bytes, fail);
  if (variable !== null) {
    const [name, ...fields] = variable.split(".");
    const seen: Matrix[] = [];
    for (const matrix of matrices) {
      if (matrix.name === name) return labelsOf(fieldOf(matrix, name, fields, fail), fail);
      seen.push(matrix);
    }
    return fail(`it has no variable ${name}, but ${namesOf(seen)}`);
  }
  const all = [...matrices];
  const numeric = all.filter(isNumeric);
  if (numeric.length === 1) return labelsOf(numeric[0]!, fail);
  const [name, ...fields] = IN_STRUCT.split(".");
  const struct = all.find((matrix) => matrix.name === name);
  if (numeric.length === 0 && struct) return labelsOf(fieldOf(struct, name!, fields, fail), fail);
  return fail(`it has ${namesOf(all)}, of which ${numeric.length} can be labels (say which: labelVariable, --label-variable)`);
}

function namesOf(matrices: readonly Matrix[]): string {
  return matrices.map(({ name, matrixClass }) => `${name} (${CLASSES[matrixClass - 1]})`).join(", ") || "none at all";
}

/** The variables of a file. */
function* matricesOf(bytes: Uint8Array, fail: Fail): Generator<Matrix> {
  if (bytes.length < HEADER_BYTES) return fail(`it has ${bytes.length} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const endian = view.getUint16(126, true);
  // "MI" as the writer's 16-bit number: read the other way round it was written big-endian.
  if (endian !== 0x4d49) return fail(endian === 0x494d ? "it is big-endian" : "it has no MATLAB header");
  if (view.getUint16(124, true) === VERSION_7_3) return fail("it is of version 7.3, which is HDF5 (save it by -v7)");
  for (const element of elementsOf(view, HEADER_BYTES, fail)) {
    const whole = element.type === MI_COMPRESSED ? inflated(element, fail) : element;
    const matrix = whole?.type === MI_MATRIX ? matrixOf(whole, fail) : null;
    if (matrix) yield matrix;
  }
}

function* elementsOf(view: DataView, from: number, fail: Fail): Generator<Element> {
  let at = from;
  while (at + 8 <= view.byteLength) {
    const tag = view.getUint32(at, true);
    const small = tag >>> 16;
    const [type, length, start] = small ? [tag & 0xffff, small, at + 4] : [tag, view.getUint32(at + 4, true), at + 8];
    if ((small && small > 4) || start + length > view.byteLength)
      return fail(`an element claims ${length} bytes, beyond its end`);
    yield { type, data: new DataView(view.buffer, view.byteOffset + start, length) };
    // Compressed elements alone are not padded.
    at = small ? at + 8 : start + (type === MI_COMPRESSED ? length : Math.ceil(length / 8) * 8);
  }
}

function inflated({ data }: Element, fail: Fail): Element | undefined {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  let out: Uint8Array;
  try {
    out = inflateSync(bytes, { maxOutputLength: MAX_INFLATED_BYTES });
  } catch (error) {
    return fail(`its data cannot be inflated (${reasonOf(error)})`);
  }
  return first(elementsOf(new DataView(out.buffer, out.byteOffset, out.byteLength), 0, fail));
}

function first<T>(items: Iterable<T>): T | undefined {
  for (const item of items) return item;
  return undefined;
}

interface Matrix {
  readonly matrixClass: number;
  readonly dims: readonly number[];
  readonly name: string;
  /** Elements behind flags, dimensions and name. */
  readonly rest: readonly Element[];
}

/** Null where it is an object of MATLAB's own, which has another form. */
function matrixOf({ data }: Element, fail: Fail): Matrix | null {
  const elements = elementsOf(data, 0, fail);
  const flags = first(elementsOf(data, 0, fail));
  if (!flags || flags.data.byteLength < 4) return fail("a matrix is cut off");
  const matrixClass = flags.data.getUint32(0, true) & 0xff;
  if (matrixClass < 1 || matrixClass > CLASSES.length) return null;
  const [, dims, name, ...rest] = [...elements];
  if (!dims || !name) return fail("a matrix is cut off");
  return { matrixClass, dims: numbersOf(dims, fail), name: textOf(name), rest };
}

/** The matrix itself, or what lies in the fields of 1x1 structs. */
function fieldOf({ matrixClass, rest, ...matrix }: Matrix, path: string, fields: readonly string[], fail: Fail): Matrix {
  const [field, ...deeper] = fields;
  if (field === undefined) return { matrixClass, rest, ...matrix };
  if (matrixClass !== MX_STRUCT) return fail(`${path} is no struct`);
  const [lengths, names, ...values] = rest;
  const width = lengths && numbersOf(lengths, fail)[0];
  if (!width || !names) return fail(`${path} has no fields`);
  const text = textOf(names, true);
  const all = Array.from({ length: text.length / width }, (_, i) => text.slice(i * width, (i + 1) * width).replace(/\0.*$/s, ""));
  const value = values[all.indexOf(field)];
  const found = value?.type === MI_MATRIX ? matrixOf(value, fail) : null;
  if (!found) return fail(`${path} has the fields ${all.join(", ")} but no matrix ${field}`);
  return fieldOf(found, `${path}.${field}`, deeper, fail);
}

/** MATLAB lies column by column. */
function labelsOf(matrix: Matrix, fail: Fail): LabelImage {
  const { matrixClass, dims, rest } = matrix;
  const [height, width] = dims;
  if (!isNumeric(matrix) || dims.length !== 2 || !height || !width || !rest[0])
    return fail(`the matrix is ${dims.join(" x ")} of type ${CLASSES[matrixClass - 1]}, not a numeric image`);
  const values = numbersOf(rest[0], fail);
  if (values.length !== height * width) return fail(`the matrix is ${height} x ${width} but holds ${values.length} values`);
  const data = new Int16Array(height * width);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const value = values[x * height + y]!;
      if (!Number.isInteger(value) || value < LEAST_LABEL || value > MOST_LABEL)
        return fail(`pixel (${x}, ${y}) has label ${value}`);
      data[y * width + x] = value;
    }
  }
  return { width, height, kind: "index", data };
}

/** By storage type: MATLAB keeps doubles that are small integers in bytes. */
function numbersOf({ type, data }: Element, fail: Fail): number[] {
  const read = (bytes: number, get: (at: number) => number): number[] =>
    Array.from({ length: Math.floor(data.byteLength / bytes) }, (_, i) => get(i * bytes));
  switch (type) {
    case MI_INT8:
      return read(1, (at) => data.getInt8(at));
    case MI_UINT8:
      return read(1, (at) => data.getUint8(at));
    case MI_INT16:
      return read(2, (at) => data.getInt16(at, true));
    case MI_UINT16:
      return read(2, (at) => data.getUint16(at, true));
    case MI_INT32:
      return read(4, (at) => data.getInt32(at, true));
    case MI_UINT32:
      return read(4, (at) => data.getUint32(at, true));
    case MI_SINGLE:
      return read(4, (at) => data.getFloat32(at, true));
    case MI_DOUBLE:
      return read(8, (at) => data.getFloat64(at, true));
    case MI_INT64:
      return read(8, (at) => Number(data.getBigInt64(at, true)));
    case MI_UINT64:
      return read(8, (at) => Number(data.getBigUint64(at, true)));
    default:
      return fail(`an array has storage type ${type}`);
  }
}

function textOf({ data }: Element, withZeros = false): string {
  const text = String.fromCharCode(...new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return withZeros ? text : text.replace(/\0+$/, "");
}
