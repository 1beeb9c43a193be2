/** Tensors out of a file, one at a time: each is read into its own array, and nothing else of the file is held. */
import { WeightsError } from "../tensor/errors.js";
import { formatShape, numel, type Shape } from "../tensor/shape.js";
import type { ByteReader } from "./byte-reader.js";
import { ELEMENT_TYPES, PIECE } from "./element-types.js";
import type { PlacedTensor } from "./placement.js";

export interface NamedTensor {
  readonly name: string;
  readonly shape: Shape;
  readonly data: Float32Array;
}

/** Reads `tensors`, which lie one behind the other, from where the reader stands. Tensors that `only` refuses are passed over. */
export async function* readPlaced(
  reader: ByteReader,
  tensors: readonly PlacedTensor[],
  only: (name: string) => boolean,
  fail: (why: string) => never,
): AsyncGenerator<NamedTensor, void, void> {
  for (const { name, dtype, shape, from, to } of tensors) {
    const wanted = only(name);
    const read = wanted ? await readTensor(reader, dtype, shape, name) : { data: null, bytes: await reader.skip(to - from) };
    if (read.bytes < to - from) fail(`the file ends inside ${name}: ${read.bytes} of its ${to - from} bytes are there`);
    if (read.data) yield { name, shape, data: read.data };
  }
  const [more] = await reader.peek(1);
  if (more !== undefined) fail("there are more bytes than the tensors take");
}

async function readTensor(
  reader: ByteReader,
  dtype: string,
  shape: Shape,
  name: string,
): Promise<{ readonly data: Float32Array; readonly bytes: number }> {
  const data = allocate(shape, name);
  if (dtype === "F32") {
    return { data, bytes: await reader.fill(new Uint8Array(data.buffer)) };
  }
  const type = ELEMENT_TYPES.get(dtype)!;
  const piece = new Uint8Array(type.size * Math.min(PIECE, data.length));
  let bytes = 0;
  for (let at = 0; at < data.length; at += PIECE) {
    const part = piece.subarray(0, type.size * Math.min(PIECE, data.length - at));
    const read = await reader.fill(part);
    bytes += read;
    if (read < part.length) break;
    type.read(part, data.subarray(at));
  }
  return { data, bytes };
}

/** A file may claim any size: what cannot be had is an error of the file's, or of the machine's, not a crash. */
export function allocate(shape: Shape, name: string): Float32Array {
  const length = numel(shape);
  try {
    return new Float32Array(length);
  } catch (cause) {
    throw new WeightsError(
      `weights: ${name} ${formatShape(shape)} takes ${4 * length} bytes, more than can be had here: the file is damaged, or too large for this machine`,
      { cause },
    );
  }
}
