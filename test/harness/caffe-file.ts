/**
 * Writes .caffemodel files byte by byte, from caffe.proto and the protobuf encoding alone: nothing here is shared with what reads them.
 */
import type { Weights } from "../../src/index.js";

/** Base 128, lowest bits first. */
export function varint(value: number | bigint): number[] {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  do {
    const low = Number(rest & 127n);
    rest >>= 7n;
    bytes.push(rest > 0n ? low | 128 : low);
  } while (rest > 0n);
  return bytes;
}

export const tag = (field: number, wire: number): number[] => varint(field * 8 + wire);
export const number = (field: number, value: number): number[] => [...tag(field, 0), ...varint(value)];

export function block(field: number, content: Iterable<number>): number[] {
  const bytes = [...content];
  return [...tag(field, 2), ...varint(bytes.length)].concat(bytes);
}

export const text = (field: number, value: string): number[] => block(field, new TextEncoder().encode(value));

function floatBytes(values: ArrayLike<number>): number[] {
  const view = new DataView(new ArrayBuffer(4 * values.length));
  for (let i = 0; i < values.length; i++) view.setFloat32(4 * i, values[i]!, true);
  return [...new Uint8Array(view.buffer)];
}

function doubleBytes(values: ArrayLike<number>): number[] {
  const view = new DataView(new ArrayBuffer(8 * values.length));
  for (let i = 0; i < values.length; i++) view.setFloat64(8 * i, values[i]!, true);
  return [...new Uint8Array(view.buffer)];
}

export interface BlobForm {
  /** The four old fields, or BlobShape. */
  readonly shape: "legacy" | "packed" | "unpacked";
  readonly data?: "packed" | "unpacked" | "two parts" | "double" | "double unpacked";
  /** Gradients beside the values, as a solver's snapshot_diff leaves them. */
  readonly diff?: boolean;
}

/** BlobProto. */
export function blob(shape: readonly number[], values: ArrayLike<number>, form: BlobForm): number[] {
  const list = Array.from(values);
  const extents = {
    legacy: () => [...Array<number>(4 - shape.length).fill(1), ...shape].flatMap((d, i) => number(i + 1, d)),
    packed: () => block(7, block(1, shape.flatMap(varint))),
    unpacked: () =>
      block(
        7,
        shape.flatMap((d) => number(1, d)),
      ),
  }[form.shape]();
  const half = Math.floor(list.length / 2);
  const data = {
    packed: () => block(5, floatBytes(list)),
    unpacked: () => list.flatMap((v) => [...tag(5, 5), ...floatBytes([v])]),
    "two parts": () => [...block(5, floatBytes(list.slice(0, half))), ...block(5, floatBytes(list.slice(half)))],
    double: () => block(8, doubleBytes(list)),
    "double unpacked": () => list.flatMap((v) => [...tag(8, 1), ...doubleBytes([v])]),
  }[form.data ?? "packed"]();
  const diff = form.diff ? block(6, floatBytes(list.map(() => NaN))) : [];
  // By field number, as protobuf's own writers do: the old extents come before the values, the new ones behind.
  return form.shape === "legacy" ? [...extents, ...data, ...diff] : [...data, ...diff, ...extents];
}

export interface LayerSpec {
  readonly name: string;
  readonly type: string;
  readonly blobs?: readonly (readonly number[])[];
}

const OLD_TYPES: Readonly<Record<string, number>> = {
  Concat: 3,
  Convolution: 4,
  Data: 5,
  Deconvolution: 39,
  Dropout: 6,
  Eltwise: 25,
  InnerProduct: 14,
  LRN: 15,
  Pooling: 17,
  ReLU: 18,
  Softmax: 20,
  SoftmaxWithLoss: 21,
  Split: 22,
};

/** LayerParameter (field 100 of the net), or V1LayerParameter (field 2), with bottoms, tops and a parameter message that readers pass over. */
export function layer({ name, type, blobs = [] }: LayerSpec, form: "V1" | "V2"): number[] {
  const ignored = block(form === "V1" ? 10 : 106, [...number(1, 64), ...number(4, 3)]);
  if (form === "V1")
    return block(2, [
      ...text(2, "below"),
      ...text(3, name),
      ...text(4, name),
      ...number(5, OLD_TYPES[type]!),
      ...blobs.flatMap((b) => block(6, b)),
      ...tag(7, 5),
      ...floatBytes([1]),
      ...ignored,
    ]);
  return block(100, [
    ...text(1, name),
    ...text(2, type),
    ...text(3, "below"),
    ...text(4, name),
    ...blobs.flatMap((b) => block(7, b)),
    ...number(10, 0),
    ...ignored,
  ]);
}

export function net(name: string, layers: readonly LayerSpec[], form: "V1" | "V2"): Uint8Array {
  const bytes = [
    text(1, name),
    text(3, "data"),
    ...[10, 3, 224, 224].map((d) => number(4, d)),
    ...layers.map((l) => layer(l, form)),
  ];
  return Uint8Array.from(bytes.flat());
}

/** Layers by "name type" lines; those of which `weights` has some get them as blobs, biases behind. */
export function layersOf(lines: readonly string[], weights: Weights, form: BlobForm): LayerSpec[] {
  return lines.map((line) => {
    const [name, type] = line.split(" ") as [string, string];
    const blobs = ["weight", "bias"].flatMap((kind) => {
      const tensor = weights.get(`${name}.${kind}`);
      return tensor ? [blob(tensor.shape, tensor.data, form)] : [];
    });
    return { name, type, blobs };
  });
}
