/** What a caller may say when compiling a graph. */
import type { GpuContext } from "../gpu/context.js";
import type { PipelineCache } from "../gpu/pipelines.js";
import { ChoiceBook } from "./choice-book.js";
import type { Precision } from "./precision.js";
import { createTuner, tuneKey, type TuneOptions } from "./tune.js";
import { openTuneStore } from "./tune-store.js";

export type OnProgress = (progress: { readonly stage: string; readonly done: number; readonly total: number }) => void;

export interface CompileOptions {
  /** Told as nodes are tuned (stage "tune") and kernels compiled (stage "kernels"). */
  readonly onProgress?: OnProgress;
  /** Told, in a sentence, of what went wrong without harm: a cache of tuned choices that cannot be read or written. */
  readonly onWarning?: (warning: string) => void;
  readonly signal?: AbortSignal;
  /** How tensors are stored; all but "f32", the default, need `openGpu({ f16: true })`. See {@link Precision}. */
  readonly precision?: Precision;
  /** Seed of the initial weights and of dropout. Default 1. */
  readonly seed?: number;
  /** Longest estimated work of one submit, in ms: watchdogs and page compositing survive. Infinity: one submit. Default 100. */
  readonly submitBudgetMs?: number;
  /**
   * Bytes that the plans of several image sizes may take beside the weights, those of run() and those of train() each; the one in use is always kept. More saves the
   * planning of sizes that come back. Default 2 GiB; where the device has less, plans that are not in use go by themselves.
   */
  readonly planBudgetBytes?: number;
  /**
   * Measure which kernels are fastest here, once per device, browser, kernel and shape, instead of going by the rule; of this plan and of those made later for
   * training and other sizes. The plan's `choices` say what came of it.
   */
  readonly tune?: boolean | TuneOptions;
}

/** The choices of a program that is compiled with these options. */
export function choiceBookFor(gpu: GpuContext, pipelines: PipelineCache, { tune = false, ...told }: CompileOptions): ChoiceBook {
  if (tune === false) return new ChoiceBook(undefined);
  const options = tune === true ? {} : tune;
  const store = openTuneStore(tuneKey(gpu.info), options.cache);
  const { onProgress = () => undefined, onWarning = () => undefined } = told;
  return new ChoiceBook(createTuner({ ...options, gpu, pipelines, store, onProgress, onWarning }));
}
