/** The paper's whole way for one seed: classifier, convolutions, single stream, skip and control, and what each reaches on held-out data. */
import {
  classifierTraining,
  transplant,
  type Gpu,
  type Program,
  type SegmentationMetrics,
  type Tensor,
  type Weights,
} from "../src/index.js";
import { compareWithReference, type Comparison } from "./compare.js";
import { convolutionalise, type ConvolutionalReport } from "./convolutional.js";
import type { DigitSets } from "./digits.js";
import { accuracy, digitScores, firstScene, sceneMetrics } from "./evaluate.js";
import { sceneNet, type Variant } from "./nets.js";
import type { Progress } from "./progress.js";
import { composeBatch, type SceneBatch, type Size } from "./scenes.js";
import { seededRandom } from "./random.js";
import type { Settings, StageSettings } from "./settings.js";
import { digitBatches, sceneBatches, trainStage, type Curve } from "./train.js";

export interface Bench {
  readonly gpu: Gpu;
  readonly digits: DigitSets;
  readonly heldOut: readonly SceneBatch[];
  readonly settings: Settings;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** A scene of the gallery and what two nets make of it. */
export interface GalleryRow {
  readonly size: Size;
  readonly image: Float32Array;
  readonly truth: Int32Array;
  readonly single: Int32Array;
  readonly skip: Int32Array;
}

export interface SeedResult {
  readonly seed: number;
  readonly classifierAccuracy: number;
  readonly convolutional: ConvolutionalReport;
  readonly single: SegmentationMetrics;
  readonly control: SegmentationMetrics;
  readonly skip: SegmentationMetrics;
  readonly curves: readonly Curve[];
  readonly comparisons: readonly Comparison[];
  readonly gallery: readonly GalleryRow[];
}

const GALLERY_ROWS = 12;
/** The comparison with the CPU runs on one scene of the smallest canvas. */
const COMPARED_SIZE: Size = [40, 40];

export async function runSeed(bench: Bench, seed: number): Promise<SeedResult> {
  const { settings } = bench;
  const classifier = await trainClassifier(bench, seed);

  const untrained = transplant(classifier.weights, sceneNet("4s", settings.width, 1, COMPARED_SIZE)).weights;
  const single = await trainScenes(bench, "single stream", "4s", untrained, settings.single, seed, "single");
  const withSkip = transplant(single.weights, sceneNet("2s", settings.width, 1, COMPARED_SIZE)).weights;
  const control = await trainScenes(bench, "control (goes on)", "4s", single.weights, settings.further, seed, "further");
  const skip = await trainScenes(bench, "skip from pool1", "2s", withSkip, settings.further, seed, "further");

  const scene = composeBatch(bench.digits.heldOut, seededRandom(seed, "comparison"), COMPARED_SIZE, 1);
  const comparisons = await bench.progress.step("compare with the CPU reference", 1, () =>
    compareWithReference(bench.gpu, sceneNet("2s", settings.width, 1, COMPARED_SIZE), skip.weights, scene),
  );

  return {
    seed,
    classifierAccuracy: classifier.accuracy,
    convolutional: classifier.convolutional,
    single: single.metrics,
    control: control.metrics,
    skip: skip.metrics,
    curves: [classifier.curve, single.curve, control.curve, skip.curve],
    comparisons,
    gallery: bench.heldOut.slice(0, GALLERY_ROWS).map(({ size, image, labels }, i) => {
      const pixels = size[0] * size[1];
      return {
        size,
        image: image.slice(0, pixels),
        truth: labels.slice(0, pixels),
        single: single.gallery[i]!,
        skip: skip.gallery[i]!,
      };
    }),
  };
}

async function trainClassifier({ gpu, digits, settings, progress, signal }: Bench, seed: number) {
  const net = classifierTraining({ trunk: "lenet", width: settings.width, batch: settings.classifier.batch });
  using program = await gpu.compile(net, { seed, signal });
  const curve = await trainStage(
    "LeNet on digits",
    program,
    digitBatches(digits.training, seed, settings.classifier.batch),
    settings.classifier,
    progress,
    signal,
  );
  const weights = await program.save();
  return await progress.step("held-out digits, convolutions", 1, async () => {
    const scores = await digitScores(
      async (batch) => (await program.run(batch, { outputs: ["scores"] })).scores,
      digits.heldOut,
      signal,
    );
    const convolutional = await convolutionalise(gpu, settings.width, weights, digits.heldOut, scores, signal);
    return { weights, curve, accuracy: accuracy(scores, digits.heldOut), convolutional };
  });
}

interface TrainedNet {
  readonly weights: Weights;
  readonly metrics: SegmentationMetrics;
  readonly curve: Curve;
  /** Labels of the first scene of each size. */
  readonly gallery: readonly Int32Array[];
}

async function trainScenes(
  bench: Bench,
  name: string,
  variant: Variant,
  weights: Weights,
  stage: StageSettings,
  seed: number,
  stream: string,
): Promise<TrainedNet> {
  const { gpu, digits, heldOut, settings, progress, signal } = bench;
  using program = await gpu.compile(sceneNet(variant, settings.width, stage.batch, COMPARED_SIZE), { seed, signal });
  await program.load(weights);
  const curve = await trainStage(
    name,
    program,
    sceneBatches(digits.training, seed, stream, stage.batch),
    stage,
    progress,
    signal,
  );
  const metrics = await sceneMetrics(name, program, heldOut, progress, signal);
  const gallery = await galleryLabels(program, heldOut.slice(0, GALLERY_ROWS), signal);
  return { weights: await program.save(), metrics, curve, gallery };
}

async function galleryLabels(
  program: Program<{ readonly image: Tensor; readonly labels: Tensor }, { readonly prediction: Tensor }>,
  scenes: readonly SceneBatch[],
  signal: AbortSignal,
): Promise<Int32Array[]> {
  const labels: Int32Array[] = [];
  for (const scene of scenes) {
    signal.throwIfAborted();
    labels.push(await firstScene(program, scene));
  }
  return labels;
}
