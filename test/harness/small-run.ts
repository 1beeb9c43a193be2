/** Runs of trainFcn on LeNet's FCN and images of three classes, and what they leave behind in a form that compares. */
import type { Gpu, Weights } from "../../src/index.js";
import {
  trainFcn,
  VOID,
  type Sample,
  type StepEvent,
  type TrainEvent,
  type TrainFcnOptions,
  type TrainResult,
} from "../../src/training/index.js";

export const CLASSES = ["dark", "grey", "bright"];
export const LENET = { trunk: "lenet", classes: 3, width: 0.2 } as const;

/** Blocks of brightness by class, with a frame of void at two sides: by turns of these sizes. */
export function images(
  count: number,
  sizes: readonly (readonly [h: number, w: number])[] = [
    [28, 32],
    [30, 28],
  ],
): Sample[] {
  return Array.from({ length: count }, (_, n) => {
    const [height, width] = sizes[n % sizes.length]!;
    const labels = Uint8Array.from({ length: height * width }, (_, i) => {
      const [y, x] = [Math.floor(i / width), i % width];
      if (y === 0 || x === 0) return VOID;
      return ((x >> 3) + (y >> 3) + n) % 3;
    });
    const pixels = Uint32Array.from(labels, (label, i) => (label === VOID ? 0 : 60 + 80 * label + ((i * 37) % 23)) | 0xff000000);
    return { name: `image ${n}`, height, width, pixels, labels };
  });
}

/** To its end, or until `onEvent` has stopped it. */
export async function runOn(
  gpu: Gpu,
  of: TrainFcnOptions,
  onEvent: (event: TrainEvent) => void = () => undefined,
): Promise<TrainResult & { readonly events: readonly TrainEvent[] }> {
  const loop = trainFcn(gpu, of);
  const events: TrainEvent[] = [];
  for (;;) {
    const next = await loop.next();
    if (next.done) return { ...next.value, events };
    events.push(next.value);
    onEvent(next.value);
  }
}

/** The same, stopped behind a step of a stage. */
export async function runUntil(gpu: Gpu, of: TrainFcnOptions, stage: string, step: number): ReturnType<typeof runOn> {
  const controller = new AbortController();
  return runOn(gpu, { ...of, signal: controller.signal }, (event) => {
    if (event.type === "step" && event.stage === stage && event.step === step) controller.abort();
  });
}

export const stepsOf = (events: readonly TrainEvent[]): StepEvent[] => events.filter((e): e is StepEvent => e.type === "step");

/** Of each step, exactly. */
export const lossesOf = (events: readonly TrainEvent[]): string[] =>
  stepsOf(events).map((e) => `${e.stage} ${e.step} ${e.loss} ${e.learningRate}`);

export const bitsOf = (weights: Weights): Record<string, number[]> =>
  Object.fromEntries([...weights].map(([name, { data }]) => [name, [...new Uint32Array(data.slice().buffer)]]));
