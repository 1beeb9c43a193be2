/** Weights in files: safetensors streamed in and out, manifests, and other libraries' names and pixels. */
export {
  loadSafetensors,
  openSafetensors,
  safetensorsPieces,
  writeSafetensors,
  type OpenSafetensors,
  type SafetensorsFile,
  type WriteOptions,
} from "./safetensors.js";
export { readManifest, type Manifest } from "./manifest.js";
export { convertNames, nameTableOf, type ConvertedWeights, type ConvertOptions } from "./convert-names.js";
export { NAME_TABLES, type NameTable, type NameTableName } from "./name-tables.js";
export { convertPixels, PIXELS, type ConvertedPixels, type Pixels } from "./pixels.js";
export { foldBatchNorm, type BatchNormalization, type TensorValues } from "./batch-norm.js";
export type { FileSource, ReadOptions } from "./bytes.js";
export type { WrittenType } from "./element-types.js";
export type { PlacedTensor } from "./placement.js";
export type { NamedTensor } from "./read-placed.js";
