/** What a training's log says of it. */
import { readFile } from "node:fs/promises";
import type { Evaluation, LogLine } from "../src/training/index.js";
import type { LossPoint, Result } from "./results.js";

export interface Trained {
  readonly curve: readonly LossPoint[];
  readonly validation: Result["validation"];
  readonly val: Evaluation;
  readonly msPerStep: number;
  /** Of all steps with what lay between them, each counted once: where a run was stopped and went on, all of it. */
  readonly seconds: number;
}

/**
 * From the log, which a run that was stopped and went on has whole: later lines of a step replace earlier ones. The curve has a point for each
 * `perPoint` steps. Throws where the last step has no validation: the run is not done.
 */
export async function readLog(file: string, perPoint: number): Promise<Trained> {
  const steps = new Map<number, { readonly loss: number | null; readonly ms: number }>();
  const validation = new Map<number, Evaluation>();
  for (const line of (await readFile(file, "utf8")).trimEnd().split("\n")) {
    const event = JSON.parse(line) as LogLine;
    if (event.type === "step") steps.set(event.step, { loss: event.lossPerPixel, ms: event.ms });
    if (event.type === "validation") validation.set(event.step, event.evaluation);
  }
  const curve: LossPoint[] = [];
  const last = Math.max(...steps.keys());
  const val = validation.get(last);
  if (!val) throw new Error(`${file}: its last step, ${last}, has no validation: the run is not done`);
  for (let step = perPoint; step <= last; step += perPoint) {
    // Of those that were read.
    const losses = Array.from({ length: perPoint }, (_, i) => steps.get(step - i)!.loss).filter((loss) => loss !== null);
    if (losses.length > 0) curve.push({ step, loss: losses.reduce((sum, l) => sum + l, 0) / losses.length });
  }
  // The median: the first step compiles, and a validation lies between two.
  const ms = [...steps.values()].map((s) => s.ms).sort((a, b) => a - b);
  return {
    curve,
    validation: [...validation].map(([step, { meanIU }]) => ({ step, meanIU })),
    val,
    msPerStep: ms[Math.floor(ms.length / 2)]!,
    seconds: ms.reduce((sum, m) => sum + m, 0) / 1000,
  };
}
