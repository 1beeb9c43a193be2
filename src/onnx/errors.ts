/** A graph that has no form in ONNX, a file that has none here, or a file that is damaged. The message names the op and what to do. */
export class OnnxError extends Error {
  override readonly name = "OnnxError";
}
