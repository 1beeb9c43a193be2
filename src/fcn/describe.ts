/** A net layer by layer, to print: where each lies in the image, what it crops, what it costs. */
import { table } from "../graph/table.js";
import { opOf } from "../kernels/ops.js";
import type { SliceAttrs } from "../kernels/slice.js";
import { ShapeError } from "../tensor/errors.js";
import { numel, type Shape } from "../tensor/shape.js";
import { isParam, topological, type Tensor } from "../tensor/tensor.js";
import { coordinateMap, formatCoordinateMap, type CoordinateMap } from "./coordinate-map.js";

export interface LayerRow {
  readonly name: string;
  readonly shape: Shape;
  /** Where its elements lie in the image; null for what has no places, as a vector. */
  readonly map: CoordinateMap | null;
  /** Rows and columns that it leaves out in front, where it is a crop. */
  readonly crop: readonly [h: number, w: number] | null;
  readonly parameters: number;
  /** Of one forward run. */
  readonly multiplyAdds: number;
}

export interface LayerDescription {
  readonly rows: readonly LayerRow[];
  readonly parameters: number;
  readonly multiplyAdds: number;
  toTable(): string;
}

/**
 * Every layer of `layers` (in order, by name; `fcnLayers(image, ...).layers`), with what lies between it and the layers before: its shape,
 * coordinate map and receptive field, crop, parameters and multiply-adds. Reads shapes only. `image`: the input that places are given in.
 *
 * @example
 * const image = input([1, 3, 500, 500]);
 * console.log(describeLayers(fcnLayers(image, { trunk: "vgg16", variant: "8s", classes: 21 }).layers, image).toTable());
 */
export function describeLayers(layers: ReadonlyMap<string, Tensor>, image: Tensor): LayerDescription {
  const seen = new Set<Tensor>([image]);
  const rows = [...layers].map(([name, tensor]): LayerRow => {
    const own = topological([tensor]).filter((node) => !seen.has(node));
    for (const node of own) seen.add(node);
    const total = (of: (node: Tensor) => number): number => own.reduce((n, node) => n + of(node), 0);
    return {
      name,
      shape: tensor.shape,
      map: mapOf(tensor, image),
      crop: cropOf(tensor),
      parameters: total((node) => (isParam(node) ? numel(node.shape) : 0)),
      multiplyAdds: total(multiplyAddsOf),
    };
  });
  const sum = (of: (row: LayerRow) => number): number => rows.reduce((n, row) => n + of(row), 0);
  return { rows, parameters: sum((r) => r.parameters), multiplyAdds: sum((r) => r.multiplyAdds), toTable: () => tableOf(rows) };
}

const MULTIPLYING = new Set(["conv2d", "convTranspose2d", "matmul"]);

function multiplyAddsOf(node: Tensor): number {
  return MULTIPLYING.has(node.op) ? opOf(node.op).flops(node.inputs, node, node.attrs) / 2 : 0;
}

function mapOf(tensor: Tensor, image: Tensor): CoordinateMap | null {
  if (tensor.shape.length < 3) return null;
  try {
    return coordinateMap(tensor, image);
  } catch (error) {
    if (error instanceof ShapeError) return null;
    throw error;
  }
}

function cropOf({ op, attrs, inputs, shape }: Tensor): readonly [h: number, w: number] | null {
  if (op !== "slice" || shape.length !== 4) return null;
  const isCropped = [2, 3].some((axis) => inputs[0]!.shape[axis] !== shape[axis]);
  const { starts } = attrs as SliceAttrs;
  return isCropped ? [starts[2]!, starts[3]!] : null;
}

function tableOf(rows: readonly LayerRow[]): string {
  return table(
    ["layer", "shape", "place in the image", "crop", "parameters", "M multiply-adds"],
    rows.map(({ name, shape, map, crop, parameters, multiplyAdds }) => [
      name,
      shape.join(" x "),
      map ? formatCoordinateMap(map) : "",
      crop ? (crop[0] === crop[1] ? String(crop[0]) : crop.join(", ")) : "",
      parameters === 0 ? "" : parameters.toLocaleString("en"),
      multiplyAdds === 0 ? "" : (multiplyAdds / 1e6).toFixed(1),
    ]),
  );
}
