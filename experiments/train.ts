/** One run of the queue, and one of its trainings: from its weights to its figures on val. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { runFolder } from "../src/data/index.js";
import type { Gpu, Weights } from "../src/index.js";
import { recipe, trainFcn, type Stage, type TrainingNetOptions } from "../src/training/index.js";
import { loadSafetensors } from "../src/weights/index.js";
import type { Result, Results } from "./results.js";
import { readLog, type Trained } from "./run-log.js";
import { isSearch, type Run } from "./runs.js";
import type { Sets } from "./sets.js";

export interface Bench {
  readonly gpu: Gpu;
  readonly sets: Sets;
  readonly results: Results;
  /** Checkpoints and weights, a folder for each training. */
  readonly work: string;
  readonly signal: AbortSignal;
  /** Told of each step of the training in progress. */
  readonly onStep: (training: string, step: number, steps: number, note: string) => void;
}

/** Points of a curve, and validations on the way. */
const [POINTS, VALIDATIONS] = [60, 5];

/** Null where the signal came. A run that was stopped goes on where it was. */
export async function doRun(bench: Bench, run: Run): Promise<Pick<Result, "learningRate" | "candidates" | keyof Trained> | null> {
  if (!isSearch(run)) {
    const { from, factor } = run.rates as Exclude<Run["rates"], readonly number[]>;
    const learningRate = bench.results.read(from)!.learningRate * factor;
    const trained = await train(bench, run, run.id, learningRate);
    return trained && { learningRate, ...trained };
  }
  const tried: { readonly learningRate: number; readonly trained: Trained | null }[] = [];
  for (const learningRate of run.rates) {
    const trained = await train(bench, run, `${run.id}-${learningRate}`, learningRate);
    if (bench.signal.aborted) return null;
    tried.push({ learningRate, trained });
  }
  const known = tried.filter((t) => t.trained !== null);
  const best = known.toSorted((a, b) => b.trained!.val.meanIU - a.trained!.val.meanIU)[0];
  if (!best) throw new Error(`${run.id}: training diverged at every rate (${run.rates.join(", ")}): add a lower one`);
  const candidates = tried.map(({ learningRate, trained }) => ({ learningRate, meanIU: trained?.val.meanIU ?? null }));
  const seconds = known.reduce((sum, { trained }) => sum + trained!.seconds, 0);
  return { learningRate: best.learningRate, candidates, ...best.trained!, seconds };
}

/** Null where the signal came, or a search's rate was too high. */
async function train(bench: Bench, run: Run, id: string, learningRate: number): Promise<Trained | null> {
  const { gpu, sets, signal, onStep } = bench;
  const [training, validation] = [await sets.of(run.set, "train"), await sets.of(run.set, "val")];
  const net: TrainingNetOptions = { ...run.net, classes: training.classes.length };
  const folder = join(bench.work, id);
  const of = recipe("accumulated", { trunk: net.trunk, variant: net.variant, learningRate, accumulate: 1, schedule: "poly" });
  const stage: Stage = { name: net.variant, net, recipe: of, steps: run.steps };
  const store = await runFolder(folder);
  const start = run.start === "random" ? null : await startOf(bench, run.start);
  const perPoint = Math.max(1, Math.floor(run.steps / POINTS));
  let note = "";
  const loop = trainFcn(gpu, {
    stages: [stage],
    train: training,
    validation,
    store,
    seed: run.seed,
    validateEvery: Math.max(1, Math.ceil(run.steps / VALIDATIONS)),
    checkpointEvery: Math.max(1, Math.min(250, run.steps)),
    signal,
    // Maps of a few cells, which the rule was not made for: kernels that were timed take a fifth less.
    tune: true,
    ...run.augmentation,
    ...(start ? { weights: start } : {}),
  });
  try {
    for await (const event of loop) {
      if (event.type === "validation") note = `val mean IU ${(100 * event.evaluation.meanIU).toFixed(1)}`;
      if (event.type === "step") onStep(id, event.step, event.steps, `loss ${event.lossPerPixel?.toFixed(3) ?? ""} ${note}`);
      if (event.type === "stopped") return null;
    }
  } catch (error) {
    if (isSearch(run) && error instanceof Error && error.name === "DivergedError") return null;
    throw error;
  }
  return readLog(join(folder, "log.jsonl"), perPoint);
}

/** The weights of a manifest, or those that another run ended with. */
async function startOf({ sets, work, results }: Bench, start: Exclude<Run["start"], "random">): Promise<Weights> {
  return "pretrained" in start ? sets.weights(start.pretrained) : weightsOf(work, results.read(start.run)!.run);
}

export async function weightsOf(work: string, run: Run): Promise<Weights> {
  return (await loadSafetensors(await readFile(join(work, run.id, `${run.net.variant}.safetensors`)))).tensors;
}
