/** The names that users and outside checks rely on. Types are held by test/types/api.ts, which only has to compile. */
import { expect } from "chai";
import * as caffe from "../../src/caffe/index.js";
import * as fcnWebgpu from "../../src/index.js";
import * as onnx from "../../src/onnx/index.js";
import * as reference from "../../src/reference/index.js";
import * as weights from "../../src/weights/index.js";
import * as training from "../../src/training/index.js";

const PINNED = [
  "openGpu graph input param gradients heNormal zeros bilinear sgd fcn openFcn",
  "conv2d convTranspose2d maxPool2d averagePool2d globalAveragePool crop2d add sum relu scale softmaxCrossEntropy softmaxWithLoss",
  "concat pad slice crop softmax logSoftmax nllLoss matmul gemm batchNorm lrn resize dropout flatten reshape argMax confusionMatrix imageToTensor",
  "ShapeError WeightsError InputError GpuUnavailableError OutOfMemoryError DeviceLostError KernelCompileError DisposedError VariantError",
].flatMap((line) => line.split(" "));

describe("public names", () => {
  it("of fcn-webgpu are there, as functions and errors", () => {
    const missing = PINNED.filter((name) => typeof (fcnWebgpu as Readonly<Record<string, unknown>>)[name] !== "function");
    expect(missing).to.deep.equal([]);
  });

  it("name the error classes as they are exported", () => {
    for (const name of [
      "ShapeError",
      "WeightsError",
      "InputError",
      "OutOfMemoryError",
      "DeviceLostError",
      "KernelCompileError",
      "DisposedError",
      "VariantError",
    ] as const) {
      const error = new fcnWebgpu[name]("message");
      expect(error.name).to.equal(name);
      expect(error).to.be.instanceOf(Error);
    }
    expect(new fcnWebgpu.GpuUnavailableError("no-adapter", "message")).to.include({
      name: "GpuUnavailableError",
      reason: "no-adapter",
    });
  });

  it("of fcn-webgpu/onnx are there", () => {
    expect(onnx.exportOnnx).to.be.a("function");
    expect(onnx.importOnnx).to.be.a("function");
    expect(new onnx.OnnxError("message").name).to.equal("OnnxError");
  });

  it("of fcn-webgpu/weights and fcn-webgpu/caffe are there", () => {
    for (const name of [
      "loadSafetensors",
      "openSafetensors",
      "safetensorsPieces",
      "writeSafetensors",
      "readManifest",
      "convertNames",
      "convertPixels",
    ] as const)
      expect(weights[name]).to.be.a("function");
    expect(caffe.readCaffemodel).to.be.a("function");
  });

  it("of fcn-webgpu/training are there", () => {
    for (const name of [
      "recipe",
      "effectiveLearningRate",
      "stagesOf",
      "trainFcn",
      "trainingNet",
      "evaluateFcn",
      "formatEvaluation",
    ])
      expect(training).to.have.property(name).that.is.a("function");
  });

  it("of fcn-webgpu/reference are there", () => {
    expect(reference.runReference).to.be.a("function");
    expect(reference.initialWeights).to.be.a("function");
  });
});
