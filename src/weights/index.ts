/** Weights in files: safetensors streamed in and out. */
export {
  loadSafetensors,
  openSafetensors,
  safetensorsPieces,
  writeSafetensors,
  type OpenSafetensors,
  type SafetensorsFile,
  type WriteOptions,
} from "./safetensors.js";
export type { FileSource, ReadOptions } from "./bytes.js";
export type { WrittenType } from "./element-types.js";
export type { PlacedTensor } from "./placement.js";
export type { NamedTensor } from "./read-placed.js";
