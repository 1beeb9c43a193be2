/** ONNX: a graph and its weights as a file that other engines run. Needs the optional peer package @bufbuild/protobuf. */
export { exportOnnx, type ExportOnnxOptions } from "./export.js";
export { OnnxError } from "./errors.js";
export type { DynamicAxes } from "./samples.js";
