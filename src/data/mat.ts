/**
 * MATLAB level-5 .mat files, as much of them as SBD's labels need: the numeric matrix GTcls.Segmentation. Elements are (type, bytes, data padded to 8), small ones in
 * one word; miCOMPRESSED holds one element behind zlib; a struct is a matrix of fields, each a matrix. Source: MATLAB's MAT-File Format, level 5.
 */
import { inflateSync } from "node:zlib";
import { fileError, reasonOf } from "./errors.js";
import type { LabelImage } from "./label-map.js";

const [MI_INT8, MI_UINT8, MI_INT16, MI_UINT16, MI_INT32, MI_UINT32, MI_SINGLE, MI_DOUBLE] = [1, 2, 3, 4, 5, 6, 7, 9] as const;
const [MI_MATRIX, MI_COMPRESSED] = [14, 15] as const;
const MX_STRUCT = 2;
/** mxDOUBLE_CLASS to mxUINT32_CLASS. */
const isNumeric = (matrixClass: number): boolean => matrixClass >= 6 && matrixClass <= 13;
const HEADER_BYTES = 128;
/** Files are of half a megabyte at most when inflated; a hostile one must not fill the memory. */
const MAX_INFLATED_BYTES = 256 * 2 ** 20;

interface Element {
  readonly type: number;
  readonly data: DataView;
}

type Fail = (why: string) => never;

/** The matrix `field` of the struct `variable`, as labels row by row. Throws InputError where the file is none of this kind. */
export function readMatLabels(file: string, bytes: Uint8Array, variable = "GTcls", field = "Segmentation"): LabelImage {
  const fail: Fail = (why) => {
    throw fileError(file, `${why}: expected a MATLAB level-5 file with ${variable}.${field}, as SBD's`);
  };
  if (bytes.length < HEADER_BYTES) return fail(`it has ${bytes.length} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const endian = view.getUint16(126, true);
  // "MI" as the writer's 16-bit number: read the other way round it was written big-endian.
  if (endian !== 0x4d49) return fail(endian === 0x494d ? "it is big-endian" : "it has no MATLAB header");
  for (const element of elementsOf(view, HEADER_BYTES, fail)) {
    const matrix = element.type === MI_COMPRESSED ? inflated(element, fail) : element;
    if (matrix?.type !== MI_MATRIX) continue;
    const found = fieldOf(matrix, variable, field, fail);
    if (found) return labelsOf(found, fail);
  }
  return fail("it has no such variable");
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

function matrixOf({ data }: Element, fail: Fail): Matrix {
  const [flags, dims, name, ...rest] = [...elementsOf(data, 0, fail)];
  if (!flags || !dims || !name || flags.data.byteLength < 4) return fail("a matrix is cut off");
  return {
    matrixClass: flags.data.getUint32(0, true) & 0xff,
    dims: numbersOf(dims, fail),
    name: textOf(name),
    rest,
  };
}

/** The matrix in a field of a 1x1 struct; null where the variable is another. */
function fieldOf(element: Element, variable: string, field: string, fail: Fail): Matrix | null {
  const { matrixClass, name, rest } = matrixOf(element, fail);
  if (name !== variable) return null;
  if (matrixClass !== MX_STRUCT) return fail(`${variable} is no struct`);
  const [lengths, names, ...values] = rest;
  const width = lengths && numbersOf(lengths, fail)[0];
  if (!width || !names) return fail(`${variable} has no fields`);
  const text = textOf(names, true);
  const fields = Array.from({ length: text.length / width }, (_, i) =>
    text.slice(i * width, (i + 1) * width).replace(/\0.*$/s, ""),
  );
  const value = values[fields.indexOf(field)];
  if (value?.type !== MI_MATRIX) return fail(`${variable} has the fields ${fields.join(", ")} but no matrix ${field}`);
  return matrixOf(value, fail);
}

/** MATLAB lies column by column. */
function labelsOf({ matrixClass, dims, rest }: Matrix, fail: Fail): LabelImage {
  const [height, width] = dims;
  if (!isNumeric(matrixClass) || dims.length !== 2 || !height || !width || !rest[0])
    return fail(`the matrix is ${dims.join(" x ")} of class ${matrixClass}, not a numeric image`);
  const values = numbersOf(rest[0], fail);
  if (values.length !== height * width) return fail(`the matrix is ${height} x ${width} but holds ${values.length} values`);
  const data = new Uint8Array(height * width);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const value = values[x * height + y]!;
      if (!Number.isInteger(value) || value < 0 || value > 255) return fail(`pixel (${x}, ${y}) has label ${value}`);
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
    default:
      return fail(`an array has storage type ${type}`);
  }
}

function textOf({ data }: Element, withZeros = false): string {
  const text = String.fromCharCode(...new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return withZeros ? text : text.replace(/\0+$/, "");
}
