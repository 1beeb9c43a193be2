/** The public names of the engine. docs/architecture.md says how they hang together. */
export { openGpu, type Gpu } from "./graph/gpu.js";
export type { GpuOptions, GpuInfo, Limits } from "./gpu/context.js";
export { graph, type Graph, type Names } from "./graph/graph.js";
export { gradients } from "./graph/gradients.js";
export type { CompileOptions, OnProgress } from "./graph/compile-options.js";
export type { Program } from "./graph/program-interface.js";
export type { OnGpuOptions } from "./graph/on-gpu.js";
export type { Data, Inputs, LabelRule, SomeInputs } from "./graph/inputs.js";
export type { ImageSource } from "./graph/image-source.js";
export type { Plan } from "./graph/plan.js";
export type { Choice, Choices } from "./graph/choose.js";
export type { TuneOptions } from "./graph/tune.js";
export type { Precision } from "./graph/precision.js";
export type { DynamicLossScale, LossScale } from "./graph/loss-scaler.js";
export type { DeviceSpeed } from "./graph/device-speed.js";
export type { Bottleneck, Profile, ProfileOptions, ProfileRow } from "./graph/profile.js";
export type { LoadReport } from "./graph/weight-store.js";
export type { Checkpoint, CheckpointFile, ResumeOptions } from "./graph/checkpoint.js";
export type { Batches, TrainOptions, TrainStep } from "./graph/train.js";
export type { SomeBatches, TotalsOptions } from "./graph/totals.js";
export { sgd, type Optimizer } from "./graph/optimizer.js";

export { ShapeError, WeightsError, InputError, VariantError, DivergedError, type Divergence } from "./tensor/errors.js";
export {
  GpuUnavailableError,
  OutOfMemoryError,
  DeviceLostError,
  KernelCompileError,
  DisposedError,
  GpuValidationError,
} from "./gpu/errors.js";
export type { DType, Shape } from "./tensor/shape.js";
export { input, param, rngState, named, type Init, type Param, type Tensor } from "./tensor/tensor.js";
export { initialWeights, type TypedArray, type Weights } from "./tensor/weights.js";
export { bilinear, bilinearEveryPair, constant, gaussian, heNormal, xavierUniform, zeros } from "./tensor/init.js";

// The ops, a family a line.
export type { ConvOptions as ConvAttrs, Pair, Padding } from "./kernels/conv-geometry.js";
export { conv2d } from "./kernels/conv2d.js";
export { convTranspose2d } from "./kernels/conv-transpose2d.js";
export type { PoolAttrs } from "./kernels/window.js";
export { maxPool2d, maxPool2dIndices } from "./kernels/max-pool.js";
export { averagePool2d, globalAveragePool } from "./kernels/average-pool.js";
export { relu } from "./kernels/relu.js";
export { add, subtract, multiply, divide, maximum, sum, scale, fill } from "./kernels/elementwise.js";
export { reduceSum, sumTo, broadcastTo } from "./kernels/reduce.js";
export { concat } from "./kernels/concat.js";
export { pad, type BorderMode } from "./kernels/pad.js";
export { slice } from "./kernels/slice.js";
export { crop, crop2d } from "./kernels/crop.js";
export { flatten, reshape, transpose } from "./kernels/reshape.js";
export { matmul, gemm, type MatmulAttrs } from "./kernels/matmul.js";
export { softmax, logSoftmax } from "./kernels/softmax.js";
export {
  softmaxCrossEntropy,
  softmaxWithLoss,
  nllLoss,
  type LossOptions,
  type Normalization,
  type Reduction,
} from "./kernels/loss.js";
export { batchNorm } from "./kernels/batch-norm.js";
export { lrn, type LrnAttrs } from "./kernels/lrn.js";
export { resize, type CoordinateMode, type NearestMode, type ResizeMode, type ResizeOptions } from "./kernels/resize.js";
export { dropout } from "./kernels/dropout.js";
export { argMax, confusionMatrix } from "./kernels/labels.js";
export { overlayLabels, packLabels } from "./kernels/label-image.js";
export { imageToTensor, packRgba } from "./kernels/image.js";

// The paper.
export { segmentationMetrics, type SegmentationMetrics } from "./fcn/metrics.js";
export { openFcn, type DrawOptions, type OpenFcnOptions, type Segmenter } from "./fcn/segmenter.js";
export type { LabelledClass, Segmentation } from "./fcn/segmentation.js";
export type { ClassFacts, LegendEntry, Rgb } from "./fcn/legend.js";
export type { NetAsked } from "./fcn/opened-net.js";
export type { DrawTarget } from "./graph/canvas.js";
export { transplant, type SurgeryReport, type TransplantOptions } from "./fcn/surgery.js";
export { vocPalette } from "./fcn/palette.js";
export {
  fcn,
  fcnLayers,
  fcnTraining,
  parameterCount,
  type FcnLayers,
  type FcnOptions,
  type FcnTrainingOptions,
  type SizedFcnOptions,
} from "./fcn/fcn.js";
export type { NetOptions } from "./fcn/net-layers.js";
export { multiHeadFcn, multiHeadTraining, type ByHead, type MultiHeadOptions } from "./fcn/multi-head.js";
export {
  earlyFusionTrunk,
  earlyFusionWeights,
  lateFusionFcn,
  lateFusionLayers,
  lateFusionTraining,
  streamWeights,
  type StreamImages,
  type StreamOptions,
} from "./fcn/fusion.js";
export { rarefy, shiftAndStitch } from "./fcn/rarefy.js";
export { describeLayers, type LayerDescription, type LayerRow } from "./fcn/describe.js";
export { classifier, classifierTraining, convolutionalClassifier, type ClassifierOptions } from "./fcn/classifier.js";
export { trunkOf, type TrunkName } from "./fcn/trunks.js";
export type {
  ConcatLayer,
  ConvLayer,
  DropoutLayer,
  FullyConnectedLayer,
  GlobalAveragePoolLayer,
  Head,
  LrnLayer,
  PoolLayer,
  Skip,
  Trunk,
  TrunkLayer,
} from "./fcn/trunk.js";
export { convolutionalize, type Convolutionalized, type ConvolutionalizeOptions } from "./fcn/convolutionalize.js";
export { convolutionalWeight, type FlattenOrder } from "./fcn/convolutional-weight.js";
export type { GlobalPool } from "./fcn/sliding.js";
export {
  coordinateMap,
  cropLike,
  cropOffset,
  cropTogether,
  formatCoordinateMap,
  receptiveField,
  type AxisMap,
  type CoordinateMap,
} from "./fcn/coordinate-map.js";
