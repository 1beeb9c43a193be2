/** Where a program's parameters lie: in pieces that the device can bind, these in arenas. */
import { byteLength } from "../tensor/layout.js";
import type { Param, Tensor } from "../tensor/tensor.js";
import { packArenas, type Slot } from "./arenas.js";
import { isHalfWeight } from "./passes/half.js";
import { splitOversized } from "./passes/split.js";
import type { Pieces } from "./pieces.js";
import type { Precision } from "./precision.js";

export interface PlacedParam {
  readonly param: Param;
  readonly pieces: Pieces;
  /** Where each piece lies, in the arenas of every kind. */
  readonly slots: readonly Slot[];
}

/** The parameters by name, and the bytes of each arena. Throws OutOfMemoryError for one that cannot be cut to `limit` bytes. */
export function placeParams(
  params: readonly Param[],
  precision: Precision,
  limit: number,
): { readonly entries: ReadonlyMap<string, PlacedParam>; readonly arenas: readonly number[] } {
  const cut = params.map((param) => {
    const pieces = splitOversized([param], limit).leaves.get(param)!;
    const dtype = precision === "f16" && isHalfWeight(param) ? "f16" : "f32";
    return { param, pieces: { ...pieces, parts: pieces.parts.map((part): Tensor => ({ ...part, dtype })) } };
  });
  const items = cut.flatMap(({ param: { lrMult, decayMult }, pieces }) =>
    pieces.parts.map((part) => ({ bytes: byteLength(part.shape, part.dtype), group: `${lrMult} ${decayMult}` })),
  );
  const { slots, arenas } = packArenas(items, limit);
  let next = 0;
  const entries = cut.map((one): [string, PlacedParam] => [
    one.param.name,
    { ...one, slots: one.pieces.parts.map(() => slots[next++]!) },
  ]);
  return { entries: new Map(entries), arenas };
}
