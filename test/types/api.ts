/**
 * The public types as a user meets them; only compiled, by `npm run check`, never run. A wrong call that compiles is a defect as much as a right
 * one that does not.
 */
import {
  add,
  bilinear,
  classifier,
  conv2d,
  convolutionalize,
  convTranspose2d,
  crop2d,
  fcn,
  gradients,
  graph,
  heNormal,
  input,
  maxPool2d,
  multiHeadFcn,
  openFcn,
  openGpu,
  param,
  relu,
  sgd,
  softmaxCrossEntropy,
  sum,
  trunkOf,
  zeros,
  type Checkpoint,
  type Data,
  type DeviceLostError,
  type Gpu,
  type Graph,
  type Init,
  type LoadReport,
  type OnProgress,
  type Optimizer,
  type Param,
  type Plan,
  type Profile,
  type Program,
  type Segmentation,
  type Segmenter,
  type Shape,
  type Tensor,
  type TrainStep,
  type TypedArray,
  type Weights,
} from "../../src/index.js";
import { runReference } from "../../src/reference/index.js";

/** Compiles only where the two types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function check<T extends true>(): T | undefined {
  return undefined;
}

declare const pixels: Float32Array;
declare const labels: Int32Array;
declare const bitmap: ImageBitmap;
declare const weights: Weights;
declare const signal: AbortSignal;
declare const onProgress: OnProgress;

const net = graph({ image: input([4, 3, 64, 64]), labels: input([4, 64, 64], "i32") }, ({ image, labels }) => {
  const f = relu(
    conv2d(image, param("conv1.weight", [16, 3, 3, 3], heNormal()), param("conv1.bias", [16], zeros()), { padding: 1 }),
  );
  const up = convTranspose2d(maxPool2d(f, { kernel: 2 }), param("up.weight", [16, 16, 4, 4], bilinear()), null, { stride: 2 });
  const logits = conv2d(add(f, crop2d(up, f, { offset: 1 })), param("score.weight", [21, 16, 1, 1], zeros()), null);
  return { logits, loss: softmaxCrossEntropy(logits, labels, { ignoreIndex: 255 }) };
});
check<Same<typeof net, Graph<{ image: Tensor; labels: Tensor }, { logits: Tensor; loss: Tensor }>>>();
check<Same<typeof net.params, readonly Param[]>>();

/** Building: attributes in every form that api.d.ts allows. */
export function building(x: Tensor, w: Tensor, b: Tensor, custom: Init): readonly Tensor[] {
  const shape: Shape = x.shape;
  conv2d(x, w, b, { stride: [2, 1], padding: [1, 2, 3, 4], dilation: 2, groups: 2 });
  conv2d(x, w, null);
  convTranspose2d(x, w, b, { stride: 2, outputPadding: [1, 0] });
  maxPool2d(x, { kernel: [2, 3], stride: 2, padding: 1, dilation: 1, ceil: true });
  param("p", shape, custom, { lrMult: 2, decayMult: 0 });
  // @ts-expect-error -- attributes have names
  conv2d(x, w, null, { strides: 2 });
  // @ts-expect-error -- a pool needs its kernel
  maxPool2d(x, { stride: 2 });
  // @ts-expect-error -- the bias is given, or null
  conv2d(x, w);
  return gradients(sum([x, x], [1, -1]), [x]);
}

/** Running: inputs and outputs by name. */
export async function running(): Promise<void> {
  const gpu: Gpu = await openGpu({ powerPreference: "high-performance", limits: { maxBufferSize: 2 ** 20 }, checked: true });
  check<Same<typeof gpu.lost, Promise<DeviceLostError>>>();
  check<Same<typeof gpu.device, GPUDevice>>();
  using program = await gpu.compile(net, { signal, onProgress });
  check<Same<typeof program, Program<typeof net.inputs, typeof net.outputs>>>();
  check<Same<typeof program.plan, Plan>>();
  const choice: { readonly node: string; readonly variant: string; readonly why: string } = program.plan.choices.rows[0]!;
  void choice;
  for (const tune of [true, false, { budgetMs: 1000 }, { cache: "folder" }])
    await gpu.compile(net, { tune, onWarning: (warning: string) => void warning });
  for (const precision of ["f32", "f16", "mixed"] as const) await gpu.compile(net, { precision });
  // @ts-expect-error -- no such precision
  await gpu.compile(net, { precision: "f64" });
  // @ts-expect-error -- a budget is a number of ms
  await gpu.compile(net, { tune: { budgetMs: "1 s" } });

  const all = await program.run({ image: pixels, labels });
  check<Same<typeof all, { readonly logits: TypedArray; readonly loss: TypedArray }>>();
  const one = await program.run({ image: bitmap }, { outputs: ["logits"] });
  check<Same<typeof one, { readonly logits: TypedArray }>>();
  const data: Data = { data: pixels, shape: [1, 3, 32, 32] };
  await program.run({ image: data, labels });
  const profile = await program.profile({ image: pixels, labels }, { runs: 3 });
  check<Same<typeof profile, Profile>>();

  // @ts-expect-error -- a missing input
  await program.run({ image: pixels });
  // @ts-expect-error -- a misspelt input
  await program.run({ image: pixels, label: labels });
  // @ts-expect-error -- an output that does not exist
  await program.run({ image: pixels, labels }, { outputs: ["logit"] });
  // @ts-expect-error -- not asked for
  void one.loss;
  // @ts-expect-error -- values of another kind
  await program.run({ image: [1, 2, 3], labels });
  // @ts-expect-error -- profile() runs all of the graph
  await program.profile({ image: pixels });
}

/** Training: the caller owns the loop. */
export async function training(program: Program<typeof net.inputs, typeof net.outputs>): Promise<void> {
  const optimizer: Optimizer = sgd({
    learningRate: (step) => 1e-2 / (1 + step),
    momentum: 0.9,
    weightDecay: 5e-4,
    accumulate: 2,
  });
  const batches = [{ image: pixels, labels }];
  for await (const step of program.train(batches, { loss: "loss", optimizer, steps: 10, lossEvery: 5, signal })) {
    check<Same<typeof step, TrainStep>>();
    check<Same<typeof step.loss, number | null>>();
  }
  for await (const { skipped, lossScale } of program.train(batches, { loss: "loss", optimizer, lossScale: { initial: 2 ** 10 } }))
    check<Same<[typeof skipped, typeof lossScale], [number | undefined, number | undefined]>>();
  program.train(batches, { loss: "loss", optimizer, lossScale: 128 });
  const checkpoint: Checkpoint = await program.checkpoint();
  check<Same<typeof checkpoint.bytes, Uint8Array>>();
  await program.resume({ bytes: checkpoint.bytes });
  await program.resume(checkpoint, { strict: false });
  const report: LoadReport = await program.load(await program.save(), { strict: false });
  check<Same<typeof report.missing, readonly string[]>>();

  async function* endless(): AsyncGenerator<{ readonly image: Data; readonly labels: Data }> {
    for (;;) yield await Promise.resolve({ image: bitmap, labels });
  }
  program.train(endless(), { loss: "loss", optimizer });
  // @ts-expect-error -- a misspelt loss
  program.train(batches, { loss: "losses", optimizer });
  // @ts-expect-error -- a batch without its labels
  program.train([{ image: pixels }], { loss: "loss", optimizer });
  // @ts-expect-error -- nothing to update the weights with
  program.train(batches, { loss: "loss" });
}

/** The paper's nets. */
export async function segmenting(gpu: Gpu): Promise<void> {
  const trained = fcn({
    trunk: "vgg16",
    variant: "8s",
    classes: 21,
    width: 1,
    padding: "same",
    upsampling: "learned2x",
    batch: 1,
    size: [64, 64],
  });
  using program = await gpu.compile(trained);
  const result = await program.run({ image: pixels });
  check<Same<typeof result, { readonly scores: TypedArray; readonly labels: TypedArray }>>();
  using segmenter = await openFcn(gpu, {
    trunk: "vgg16",
    variant: "8s",
    classes: 21,
    weights: new URL("fcn8s.safetensors", "https://example.org"),
    onProgress,
  });
  check<Same<typeof segmenter, Segmenter>>();
  const segmentation: Segmentation = await segmenter.predict(bitmap, { scores: true });
  check<Same<typeof segmentation.labels, Uint8Array>>();
  const image: ImageData = segmentation.toImageData(new Uint8Array(768));
  await segmenter.predict(image);
  fcn({ trunk: { ...trunkOf("vgg16"), name: "mine" }, variant: "8s", classes: 21, size: [64, 64], fusion: "max" });
  const heads = multiHeadFcn({ trunk: "vgg16", heads: { sem: { variant: "16s", classes: 33 } }, size: [64, 64] });
  check<Same<keyof typeof heads.outputs, "scores_sem" | "labels_sem">>();
  const { graph: dense } = convolutionalize(classifier({ trunk: "alexnet" }), { output: "scores" });
  check<Same<keyof typeof dense.outputs, "scores">>();
  // @ts-expect-error -- no such output
  convolutionalize(classifier({ trunk: "alexnet" }), { output: "labels" });
  // @ts-expect-error -- no such trunk
  fcn({ trunk: "resnet50", variant: "8s", classes: 21, size: [64, 64] });
  // @ts-expect-error -- a graph has a size
  fcn({ trunk: "vgg16", variant: "8s", classes: 21 });
  // @ts-expect-error -- weights come from somewhere
  await openFcn(gpu, { trunk: "vgg16", variant: "8s", classes: 21 });
}

/** The reference: the same names. */
export function reference(): Float64Array | Int32Array {
  const outputs = runReference(net, weights, { image: pixels, labels });
  check<Same<typeof outputs, { readonly logits: Float64Array | Int32Array; readonly loss: Float64Array | Int32Array }>>();
  // @ts-expect-error -- a missing input
  runReference(net, weights, { image: pixels });
  return outputs.logits;
}
