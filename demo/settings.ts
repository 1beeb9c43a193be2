/** How long each stage trains, and how fast. Learning rates were chosen on training scenes (docs/demo.md). */

export interface StageSettings {
  readonly steps: number;
  /** Digits or scenes a step. */
  readonly batch: number;
  /** The largest: it rises over the first tenth of the steps and falls to 0 over the second half. */
  readonly learningRate: number;
}

export interface Settings {
  readonly name: "full" | "short";
  /** Factor on the channels of LeNet: 1 but for tests. */
  readonly width: number;
  readonly classifier: StageSettings;
  /** FCN-LeNet-4s from the classifier. */
  readonly single: StageSettings;
  /** The further steps: of the skip net and, as a control, of the single stream. */
  readonly further: StageSettings;
  /** Held-out scenes: `sizes` canvas sizes, `perSize` scenes of each. */
  readonly heldOut: { readonly sizes: number; readonly perSize: number };
}

export const FULL: Settings = {
  name: "full",
  width: 1,
  classifier: { steps: 450, batch: 48, learningRate: 0.03 },
  single: { steps: 800, batch: 2, learningRate: 0.1 },
  further: { steps: 800, batch: 2, learningRate: 0.1 },
  heldOut: { sizes: 30, perSize: 10 },
};

/** The same path in fewer steps, for adapters without a GPU. */
export const SHORT: Settings = {
  ...FULL,
  name: "short",
  classifier: { ...FULL.classifier, steps: 60 },
  single: { ...FULL.single, steps: 70 },
  further: { ...FULL.further, steps: 30 },
  heldOut: { sizes: 30, perSize: 2 },
};
