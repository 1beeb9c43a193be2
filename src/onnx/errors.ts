/** A graph that has no form in ONNX: an op without one, or a net that takes another form at another size. */
export class OnnxError extends Error {
  override readonly name = "OnnxError";
}
