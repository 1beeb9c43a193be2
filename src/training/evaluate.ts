/** The paper's metrics of a net over a set of images: one confusion matrix, accumulated on the GPU. */
import { classIU, segmentationMetrics, type SegmentationMetrics } from "../fcn/metrics.js";
import type { Gpu } from "../graph/gpu.js";
import type { Inputs } from "../graph/inputs.js";
import type { Program } from "../graph/program-interface.js";
import type { CompileOptions, OnProgress } from "../graph/compile-options.js";
import { InputError } from "../tensor/errors.js";
import type { Tensor } from "../tensor/tensor.js";
import type { Weights } from "../tensor/weights.js";
import { trainingNet, type TrainingNetOptions } from "./net.js";
import { prefetched, type Sample, type SampleSource } from "./sample.js";

/** IU of one class; null where it is undefined: the class is neither in the truth nor predicted. Such a class counts for nothing in the mean. */
export interface ClassResult {
  readonly name: string;
  readonly iu: number | null;
  /** Pixels of the class in the truth. */
  readonly pixels: number;
}

export interface Evaluation extends SegmentationMetrics {
  readonly classes: readonly ClassResult[];
  /** Classes over which meanIU runs: those that occur or are predicted. */
  readonly classesInMean: number;
  readonly images: number;
  /** Row-major [K, K], row = truth: everything above follows from it. */
  readonly counts: readonly number[];
}

export interface EvaluateOptions {
  readonly signal?: AbortSignal;
  /** Stage "evaluate": images handed to the GPU. */
  readonly onProgress?: OnProgress;
  /** Only the first so many images. Default: all. */
  readonly images?: number;
}

/** Images decoded ahead of the GPU. */
export const DECODED_AHEAD = 4;

/** A program that counts. */
export type Counting = Program<{ readonly pixels: Tensor; readonly labels: Tensor }, { readonly counts: Tensor }>;

/** Metrics of the program's current weights. Throws the signal's reason, InputError for a sample that cannot be read. */
export async function evaluateProgram(
  program: Pick<Counting, "total">,
  source: SampleSource,
  { signal, onProgress, images = source.length }: EvaluateOptions = {},
): Promise<Evaluation> {
  const total = Math.min(images, source.length);
  const samples = prefetched(loadsOf(source, total), DECODED_AHEAD);
  const { counts } = await program.total(mapAsync(samples, inputsOf), {
    outputs: ["counts"],
    ...(signal ? { signal } : {}),
    onRun: (done) => onProgress?.({ stage: "evaluate", done, total }),
  });
  return evaluationOf([...counts], source.classes, total);
}

/**
 * The paper's four metrics and the IU of each class, of a net with these weights over a set; images keep their sizes. Throws ShapeError for unknown options, InputError
 * where the set has another number of classes, WeightsError where the weights do not fit.
 */
export async function evaluateFcn(
  gpu: Gpu,
  options: EvaluateOptions &
    Pick<CompileOptions, "precision"> & {
      readonly net: TrainingNetOptions;
      readonly weights: Weights;
      readonly source: SampleSource;
    },
): Promise<Evaluation> {
  const { net, weights, source, signal, precision = "f32" } = options;
  if (source.classes.length !== net.classes)
    throw new InputError(
      `evaluateFcn: the set has ${source.classes.length} classes (${source.classes.join(", ")}) but the net has ${net.classes}: make them equal`,
    );
  // The size of the first plan; every image brings its own. Neither the loss nor its weights are asked for.
  const graph = trainingNet(
    { ...net, dropout: 0 },
    { normalization: "valid-mean", bias: { lrMult: 1, decayMult: 1 } },
    await firstSize(source),
  );
  using program = await gpu.compile(graph, { precision, ...(signal ? { signal } : {}) });
  await program.load(weights);
  return await evaluateProgram(program, source, options);
}

/** Rows and columns of the first sample. */
export async function firstSize(source: SampleSource): Promise<readonly [h: number, w: number]> {
  const { height, width } = await source.load(0);
  return [height, width];
}

export function evaluationOf(counts: readonly number[], names: readonly string[], images: number): Evaluation {
  const ius = classIU(counts);
  const classes = ius.map((iu, i): ClassResult => {
    const row = counts.slice(i * names.length, (i + 1) * names.length);
    return { name: names[i] ?? String(i), iu: Number.isNaN(iu) ? null : iu, pixels: row.reduce((sum, n) => sum + n, 0) };
  });
  return {
    ...segmentationMetrics(counts),
    classes,
    classesInMean: classes.filter((c) => c.iu !== null).length,
    images,
    counts,
  };
}

/** A sample as the net takes it. */
export function inputsOf({ pixels, labels, height, width }: Sample): Inputs<{ pixels: Tensor; labels: Tensor }> {
  const shape = [1, height, width];
  return { pixels: { data: pixels, shape }, labels: { data: labels, shape } };
}

function* loadsOf(source: SampleSource, count: number): Generator<() => Promise<Sample>> {
  for (let index = 0; index < count; index++) yield () => source.load(index);
}

async function* mapAsync<A, B>(items: AsyncIterable<A>, to: (item: A) => B): AsyncGenerator<B, void, void> {
  for await (const item of items) yield to(item);
}

/** The four metrics in percent, and the classes below each other; NaN says that a class is undefined. */
export function formatEvaluation(result: Evaluation): string {
  const percent = (value: number | null): string =>
    (value === null || Number.isNaN(value) ? "NaN" : (100 * value).toFixed(2)).padStart(7);
  const width = Math.max(...result.classes.map((c) => c.name.length), 24);
  const four = [
    ["pixel accuracy", result.pixelAccuracy],
    ["mean accuracy", result.meanAccuracy],
    [`mean IU of ${result.classesInMean} classes`, result.meanIU],
    ["frequency weighted IU", result.frequencyWeightedIU],
  ] as const;
  const skipped = result.classes.filter((c) => c.iu === null);
  return [
    ...four.map(([name, value]) => `${name.padEnd(width)} ${percent(value)}`),
    ...result.classes.map((c) => `  ${c.name.padEnd(width - 2)} ${percent(c.iu)}`),
    ...(skipped.length > 0
      ? [`NaN: neither in the truth nor predicted, left out of the means (${skipped.map((c) => c.name).join(", ")})`]
      : []),
  ].join("\n");
}
