/**
 * Caffe's binary nets (.caffemodel): NetParameter of caffe.proto with its layers in the form of 2014 on (`layer`) or the one before (`layers`,
 * V1LayerParameter), of which only names, types and blobs are read. That is what the paper's nets and the nets they start from were published as.
 */
import { WireType } from "@bufbuild/protobuf/wire";
import { WeightsError } from "../tensor/errors.js";
import { formatShape, type Shape } from "../tensor/shape.js";
import type { Weights } from "../tensor/weights.js";
import { ByteReader } from "../weights/byte-reader.js";
import { openBytes, type FileSource, type ReadOptions } from "../weights/bytes.js";
import { readBlob, type Blob } from "./blob.js";
import { expectWire, fail, fieldsOf, textOf, type Field } from "./fields.js";
import { V1_LAYER_TYPES } from "./layer-types.js";

export interface CaffeLayer {
  readonly name: string;
  /** By its name of today ("Convolution") also where the file has the number of the old form. */
  readonly type: string;
  /** Shapes of its weights, as the file has them. */
  readonly blobs: readonly Shape[];
}

export interface CaffeModel {
  readonly name: string;
  /** Every layer, in the order of the file, also those without weights. */
  readonly layers: readonly CaffeLayer[];
  /** `<layer>.weight` and `<layer>.bias`; of a BatchNorm `<layer>.running_mean` and `<layer>.running_var`. */
  readonly weights: Weights;
}

/** Field numbers of a layer in its two forms. */
const FORMS = {
  V1: { field: 2, name: 4, type: 5, blobs: 6 },
  V2: { field: 100, name: 1, type: 2, blobs: 7 },
} as const;

/**
 * Reads a net's weights. InnerProduct weights come as [O, I], convolutions as [O, C / groups, Kh, Kw], Deconvolution as [C, O / groups, Kh, Kw]; names
 * are the file's own, which are those of this engine's trunks and FCNs. Peak memory is that of the weights. Throws WeightsError where the file is
 * damaged, of another format, or has weights that do not fit together.
 *
 * @example
 * const { weights } = await readCaffemodel(new URL("fcn8s-heavy-pascal.caffemodel", location.href));
 * const segmenter = await openFcn(gpu, { trunk: "vgg16", variant: "8s", classes: 21, weights });
 */
export async function readCaffemodel(source: FileSource, options: ReadOptions = {}): Promise<CaffeModel> {
  const reader = new ByteReader(await openBytes(source, options.signal), options);
  try {
    await refuseOtherFormats(reader);
    let name = "";
    const layers: CaffeLayer[] = [];
    const weights = new Map<string, { readonly shape: Shape; readonly data: Float32Array }>();
    for await (const field of fieldsOf(reader, null, "the net")) {
      if (field.number === 1) name = await textOf(reader, field, "the net");
      const form = Object.values(FORMS).find((f) => f.field === field.number);
      if (!form) continue;
      expectWire(field, "the net", WireType.LengthDelimited);
      const layer = await readLayer(reader, field, form, layers.length);
      layers.push({ name: layer.name, type: layer.type, blobs: layer.blobs.map(({ shape }) => shape) });
      for (const [key, tensor] of tensorsOf(layer)) {
        if (weights.has(key)) fail(`two layers are called ${layer.name}`);
        weights.set(key, tensor);
      }
    }
    if (layers.length === 0) fail("there are no layers");
    return { name, layers, weights };
  } finally {
    await reader.close();
  }
}

async function refuseOtherFormats(reader: ByteReader): Promise<void> {
  const start = await reader.peek(16);
  if (start.length === 0) fail("the file is empty");
  const text = String.fromCharCode(...start);
  if (text.startsWith("\x89HDF"))
    throw new WeightsError(
      "caffemodel: this is an HDF5 file (.caffemodel.h5): save it as BINARYPROTO in Caffe (solver.prototxt, snapshot_format)",
    );
  if (/^(name|layer|layers|input|#)[\s:{]/.test(text))
    throw new WeightsError("caffemodel: this is text, a .prototxt, which holds no weights: pass the .caffemodel beside it");
}

interface Layer {
  readonly name: string;
  readonly type: string;
  readonly blobs: readonly Blob[];
}

async function readLayer(
  reader: ByteReader,
  { number, end }: Field,
  form: (typeof FORMS)["V1"] | (typeof FORMS)["V2"],
  index: number,
): Promise<Layer> {
  let name = "";
  let type = "";
  const blobs: Blob[] = [];
  const what = (): string => (name === "" ? `layer ${index}` : `layer ${name}`);
  for await (const field of fieldsOf(reader, end, what())) {
    if (field.number === form.name) {
      name = await textOf(reader, field, what());
    } else if (field.number === form.type) {
      type = number === FORMS.V2.field ? await textOf(reader, field, what()) : oldType(field, what());
    } else if (field.number === form.blobs) {
      expectWire(field, what(), WireType.LengthDelimited);
      blobs.push(await readBlob(reader, field.end, `blob ${blobs.length} of ${what()}`));
    } else if (number === FORMS.V1.field && field.number === 1) {
      throw new WeightsError(
        "caffemodel: the file is in the form of 2013 (V0LayerParameter): convert it with Caffe's upgrade_net_proto_binary",
      );
    }
  }
  if (name === "" && blobs.length > 0) fail(`layer ${index} has weights but no name`);
  return { name, type, blobs };
}

function oldType(field: Field, what: string): string {
  expectWire(field, what, WireType.Varint);
  return V1_LAYER_TYPES.get(field.value) ?? `type ${field.value}`;
}

type NamedTensor = readonly [name: string, tensor: { readonly shape: Shape; readonly data: Float32Array }];

/** A layer's blobs by the names that they have here. */
function tensorsOf({ name, type, blobs }: Layer): readonly NamedTensor[] {
  if (type === "BatchNorm" && blobs.length === 3) return statisticsOf(name, blobs);
  const [weight, bias, ...more] = blobs;
  if (!weight) return [];
  if (more.length > 0)
    throw new WeightsError(`caffemodel: layer ${name} (${type}) has ${blobs.length} blobs, which no layer of this engine has`);
  const shape = weightShape(name, type, weight);
  if (bias && type !== "Deconvolution" && bias.data.length !== shape[0])
    fail(`layer ${name} has a weight ${formatShape(shape)} but ${bias.data.length} biases`);
  return [
    [`${name}.weight`, { shape, data: weight.data }],
    ...(bias ? [[`${name}.bias`, { shape: [bias.data.length], data: bias.data }] as const] : []),
  ];
}

/** The old form has four extents for everything: an InnerProduct's are 1 x 1 x O x I. */
function weightShape(name: string, type: string, { shape, legacy }: Blob): Shape {
  const rank = { InnerProduct: 2, Convolution: 4, Deconvolution: 4 }[type];
  if (rank === undefined) return legacy ? shape.filter((d, axis) => d !== 1 || axis === shape.length - 1) : shape;
  const surplus = shape.slice(0, shape.length - rank);
  if (shape.length < rank || surplus.some((d) => d !== 1))
    fail(`layer ${name} (${type}) has a weight ${formatShape(shape)}, expected rank ${rank}`);
  return shape.slice(surplus.length);
}

/** Mean and variance lie there as sums, and what to divide them by. */
function statisticsOf(name: string, [mean, variance, count]: readonly Blob[]): readonly NamedTensor[] {
  const factor = count!.data[0] === 0 ? 0 : 1 / count!.data[0]!;
  const scaled = ({ data }: Blob): NamedTensor[1] => ({ shape: [data.length], data: data.map((v) => v * factor) });
  return [
    [`${name}.running_mean`, scaled(mean!)],
    [`${name}.running_var`, scaled(variance!)],
  ];
}
