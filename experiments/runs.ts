/** The runs of issue 4, section 5, as a table: which net, from which weights, on which photos, for how many steps. */
import { trunkOf, type Trunk } from "../src/index.js";
import type { Augmentation, TrainingNetOptions } from "../src/training/index.js";

export type SetName = "camvid" | "pets";

/** Weights in ../shared/data/weights, by the manifest's name. */
export type Pretrained = "squeezenet1_1" | "googlenet" | "alexnet_conv";

export interface Run {
  /** Names its files: letters, digits, dashes. */
  readonly id: string;
  readonly set: SetName;
  readonly net: Omit<TrainingNetOptions, "classes">;
  readonly start: { readonly pretrained: Pretrained } | { readonly run: string } | "random";
  readonly seed: number;
  readonly steps: number;
  /** The search whose rate it takes, times the factor; or its own candidates: then it is a search, and the best on val counts. */
  readonly rates: { readonly from: string; readonly factor: number } | readonly number[];
  readonly augmentation: Augmentation;
}

export interface Steps {
  readonly first: number;
  readonly further: number;
}

export interface Scale {
  /** Rows and columns of CamVid's photos; null: as they are. */
  readonly size: readonly [h: number, w: number] | null;
  readonly petSize: readonly [h: number, w: number] | null;
  /** Steps of a run from ImageNet's weights, of one that goes on from another, and of each candidate of a search. */
  readonly steps: Steps & { readonly search: number; readonly googlenet: Steps };
  readonly seeds: readonly number[];
}

export const SCALES = {
  /** For software adapters: 8 hours on lavapipe with two cores are the bound. A step of GoogLeNet takes as long as four of SqueezeNet. */
  "160x120": {
    size: [120, 160],
    petSize: [160, 160],
    steps: { first: 2000, further: 1200, search: 250, googlenet: { first: 700, further: 350 } },
    seeds: [1, 2, 3],
  },
  /** For GPUs. */
  "320x240": {
    size: null,
    petSize: null,
    steps: { first: 8000, further: 5000, search: 600, googlenet: { first: 8000, further: 5000 } },
    seeds: [1, 2, 3],
  },
  /** To see the queue work. */
  smoke: {
    size: [48, 64],
    petSize: [48, 48],
    steps: { first: 4, further: 3, search: 2, googlenet: { first: 4, further: 3 } },
    seeds: [1],
  },
} as const satisfies Record<string, Scale>;

export type ScaleName = keyof typeof SCALES;

/** Rates of the weights on the mean over pixels, one image a step, momentum 0.9. */
const CANDIDATES = [3e-4, 1e-3, 3e-3];
/** Where 3e-4 turned out as the best of three, or may. */
const LOW_CANDIDATES = [1e-4, ...CANDIDATES];
/** The score layers alone, and nets without pretrained weights, bear more. */
const HIGH_CANDIDATES = [1e-3, 3e-3, 1e-2];
const CAMVID: Augmentation = { mirror: true, jitter: 8 };

/** AlexNet without its fully connected layers, whose weights are not to be had: scores on pool5, at stride 32. */
const ALEXNET_CONV: Trunk = (() => {
  const alexnet = trunkOf("alexnet-bvlc");
  const isFull = (name: string): boolean => /^(fc|drop)/.test(name);
  return {
    ...alexnet,
    name: "alexnet-conv",
    layers: alexnet.layers.filter(({ name }) => !isFull(name)),
    classifierOnly: [],
    heads: { "32s": alexnet.heads["32s"]! },
  };
})();

const SQUEEZENET = { trunk: "squeezenet", padding: "minimal" } as const;
const GOOGLENET = { trunk: "googlenet", padding: "minimal" } as const;

/** All runs of a scale; each stands behind those it starts from. */
export function runsOf({ steps, seeds }: Scale): readonly Run[] {
  const camvid = { set: "camvid", augmentation: CAMVID, seed: seeds[0]! } as const;
  const squeezenet = { pretrained: "squeezenet1_1" } as const;
  const search = (id: string, run: Pick<Run, "net" | "start" | "set" | "augmentation">, rates: readonly number[]): Run => ({
    ...run,
    id: `search-${id}`,
    seed: seeds[0]!,
    steps: steps.search,
    rates,
  });
  const runs: Run[] = [
    search("squeezenet-16s", { ...camvid, net: { ...SQUEEZENET, variant: "16s" }, start: squeezenet }, CANDIDATES),
    search(
      "squeezenet-16s-frozen",
      { ...camvid, net: { ...SQUEEZENET, variant: "16s", frozenTrunk: true }, start: squeezenet },
      HIGH_CANDIDATES,
    ),
    search("squeezenet-16s-random", { ...camvid, net: { ...SQUEEZENET, variant: "16s" }, start: "random" }, HIGH_CANDIDATES),
    search(
      "googlenet-32s",
      { ...camvid, net: { ...GOOGLENET, variant: "32s" }, start: { pretrained: "googlenet" } },
      LOW_CANDIDATES,
    ),
    search(
      "alexnet-32s",
      { ...camvid, net: { trunk: ALEXNET_CONV, variant: "32s", padding: "minimal" }, start: { pretrained: "alexnet_conv" } },
      LOW_CANDIDATES,
    ),
  ];
  for (const seed of seeds) {
    const of = { ...camvid, seed };
    const id = (name: string): string => `squeezenet-${name}-seed${seed}`;
    const first = { ...of, steps: steps.first };
    // A skip and its control: the same further steps, at the same rate, with and without it.
    const further = { ...of, steps: steps.further, rates: { from: "search-squeezenet-16s", factor: 0.3 } };
    runs.push(
      {
        ...first,
        id: id("16s"),
        net: { ...SQUEEZENET, variant: "16s" },
        start: squeezenet,
        rates: { from: "search-squeezenet-16s", factor: 1 },
      },
      {
        ...first,
        id: id("16s-frozen"),
        net: { ...SQUEEZENET, variant: "16s", frozenTrunk: true },
        start: squeezenet,
        rates: { from: "search-squeezenet-16s-frozen", factor: 1 },
      },
      {
        ...first,
        id: id("16s-random"),
        net: { ...SQUEEZENET, variant: "16s" },
        start: "random",
        rates: { from: "search-squeezenet-16s-random", factor: 1 },
      },
      { ...further, id: id("8s"), net: { ...SQUEEZENET, variant: "8s" }, start: { run: id("16s") } },
      { ...further, id: id("8s-control"), net: { ...SQUEEZENET, variant: "16s" }, start: { run: id("16s") } },
      { ...further, id: id("4s"), net: { ...SQUEEZENET, variant: "4s" }, start: { run: id("8s") } },
      { ...further, id: id("4s-control"), net: { ...SQUEEZENET, variant: "8s" }, start: { run: id("8s") } },
    );
  }
  const pets = { set: "pets", augmentation: { mirror: true, jitter: 16 }, seed: seeds[0]! } as const;
  const googlenet = { ...camvid, rates: { from: "search-googlenet-32s", factor: 1 } };
  const on = { ...googlenet, steps: steps.googlenet.further, rates: { from: "search-googlenet-32s", factor: 0.3 } };
  runs.push(
    {
      ...googlenet,
      id: "googlenet-32s",
      steps: steps.googlenet.first,
      net: { ...GOOGLENET, variant: "32s" },
      start: { pretrained: "googlenet" },
    },
    { ...on, id: "googlenet-16s", net: { ...GOOGLENET, variant: "16s" }, start: { run: "googlenet-32s" } },
    { ...on, id: "googlenet-8s", net: { ...GOOGLENET, variant: "8s" }, start: { run: "googlenet-16s" } },
    // As many steps as the three stages together.
    {
      ...googlenet,
      id: "googlenet-8s-at-once",
      steps: steps.googlenet.first + 2 * steps.googlenet.further,
      net: { ...GOOGLENET, variant: "8s-at-once" },
      start: { pretrained: "googlenet" },
    },
    {
      ...camvid,
      id: "alexnet-32s",
      steps: steps.first,
      net: { trunk: ALEXNET_CONV, variant: "32s", padding: "minimal" },
      start: { pretrained: "alexnet_conv" },
      rates: { from: "search-alexnet-32s", factor: 1 },
    },
    search("pets-squeezenet-16s", { ...pets, net: { ...SQUEEZENET, variant: "16s" }, start: squeezenet }, LOW_CANDIDATES),
    {
      ...pets,
      id: "pets-squeezenet-16s",
      steps: steps.first,
      net: { ...SQUEEZENET, variant: "16s" },
      start: squeezenet,
      rates: { from: "search-pets-squeezenet-16s", factor: 1 },
    },
    // Straight at 8s the loss of the first steps goes above 50.
    {
      ...pets,
      id: "pets-squeezenet-8s",
      steps: steps.further,
      net: { ...SQUEEZENET, variant: "8s" },
      start: { run: "pets-squeezenet-16s" },
      rates: { from: "search-pets-squeezenet-16s", factor: 0.3 },
    },
  );
  return runs;
}

export function isSearch(run: Run): run is Run & { readonly rates: readonly number[] } {
  return Array.isArray(run.rates);
}

/** Ids that have to be done before. */
export function needs(run: Run): readonly string[] {
  const start = typeof run.start === "object" && "run" in run.start ? [run.start.run] : [];
  return "from" in run.rates ? [run.rates.from, ...start] : start;
}

/** Steps that it takes in all. */
export function stepsOf(run: Run): number {
  return isSearch(run) ? run.steps * run.rates.length : run.steps;
}
