/** ONNX: graphs and their weights as files that other engines run, and such files as graphs. Needs the optional peer package @bufbuild/protobuf. */
export { exportOnnx, type ExportOnnxOptions } from "./export.js";
export { importOnnx, type ImportedOnnx, type ImportOnnxOptions } from "./import.js";
export { OnnxError } from "./errors.js";
export type { DynamicAxes } from "./samples.js";
