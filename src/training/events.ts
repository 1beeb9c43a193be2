/** What a run tells while it goes on: each event is also a line of its log. */
import type { Evaluation } from "./evaluate.js";

/** A stage begins, or goes on. */
export interface StageEvent {
  readonly type: "stage";
  readonly stage: string;
  /** Of the run's, from 0. */
  readonly index: number;
  readonly of: number;
  /** Steps that were done before: more than 0 where a run goes on. */
  readonly step: number;
  readonly steps: number;
  /** The recipe and what its rate comes to per pixel, for people. */
  readonly recipe: string;
  readonly parameters: { readonly learnable: number; readonly frozen: number };
  /** Of the weights that it began with: how many parameters got theirs, which began anew, and what was left over. Absent where a run goes on. */
  readonly weights?: { readonly taken: number; readonly initialised: readonly string[]; readonly dropped: readonly string[] };
}

export interface StepEvent {
  readonly type: "step";
  readonly stage: string;
  /** Steps done in this stage. */
  readonly step: number;
  readonly steps: number;
  /** As it is minimised; null on steps that are not read back. */
  readonly loss: number | null;
  /** The mean over the pixels that count, whatever the normalisation (of "valid-mean" the mean of the images' means). */
  readonly lossPerPixel: number | null;
  readonly learningRate: number;
  /** In mixed precision: updates left out since the loss was read last, because a gradient was not finite (`TrainStep.skipped`). */
  readonly skipped?: number;
  readonly ms: number;
  /** Pixels of images by wall time, over the last steps. */
  readonly pixelsPerSecond: number;
  /** To the end of the last stage, at the pace of the last steps. */
  readonly msLeft: number;
}

export interface ValidationEvent {
  readonly type: "validation";
  readonly stage: string;
  readonly step: number;
  readonly evaluation: Evaluation;
}

export interface CheckpointEvent {
  readonly type: "checkpoint";
  readonly stage: string;
  readonly step: number;
  readonly file: string;
}

/** The last event: the run is done, or was stopped by its signal and can go on. */
export interface EndEvent {
  readonly type: "done" | "stopped";
  readonly stage: string;
  readonly step: number;
}

export type TrainEvent = StageEvent | StepEvent | ValidationEvent | CheckpointEvent | EndEvent;

/** Pace over the last steps. */
export class Pace {
  private readonly recent: { readonly ms: number; readonly pixels: number }[] = [];

  add(ms: number, pixels: number): void {
    this.recent.push({ ms, pixels });
    if (this.recent.length > LAST_STEPS) this.recent.shift();
  }

  get pixelsPerSecond(): number {
    const ms = this.total("ms");
    return ms > 0 ? (1000 * this.total("pixels")) / ms : 0;
  }

  msFor(steps: number): number {
    return this.recent.length > 0 ? (this.total("ms") / this.recent.length) * steps : 0;
  }

  private total(of: "ms" | "pixels"): number {
    return this.recent.reduce((sum, step) => sum + step[of], 0);
  }
}

const LAST_STEPS = 20;
