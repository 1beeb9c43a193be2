/** What the bits of a run depend on, as run.json keeps it: who goes on with a run gives the same, or is told what differs. */
import { DEFAULT_SEED, type TrainFcnOptions } from "./options.js";
import type { SampleSource } from "./sample.js";

export type Settings = Readonly<Record<string, unknown>>;

/** Which samples a run draws from, where the source says what they are called: draws are indices, so another order is another run. */
interface SampleList {
  /** For people. */
  readonly first: string;
  /** SHA-256 of the names, a line each, in their order: `sha256sum` of a file of them. */
  readonly inOrder: string;
  /** The same of the sorted names: tells another order from other samples. */
  readonly inAnyOrder: string;
}

/** Everything that the bits of a run depend on, but for what the samples' files hold and the weights that it starts from. */
export async function settingsOf({
  stages,
  train,
  seed = DEFAULT_SEED,
  mirror = false,
  jitter = 0,
  keepCells = 1,
  precision = "f32",
}: TrainFcnOptions): Promise<Settings> {
  return {
    ...{ stages, images: train.length, classes: train.classes, seed, mirror, jitter, keepCells },
    // Runs of before there was a choice have no word on it.
    ...(precision === "f32" ? {} : { precision }),
    ...(train.decoding ? { decoding: train.decoding } : {}),
    ...(train.names ? { samples: await sampleList(train.names) } : {}),
  };
}

async function sampleList(names: NonNullable<SampleSource["names"]>): Promise<SampleList> {
  const [inOrder, inAnyOrder] = await Promise.all([digestOf(names), digestOf(names.toSorted())]);
  return { first: names[0]!, inOrder, inAnyOrder };
}

/** By the platform: pages that have WebGPU are secure contexts, which have this too. */
async function digestOf(names: readonly string[]): Promise<string> {
  const text = names.map((name) => `${name}\n`).join("");
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** What runs that began earlier have no word on: of these nobody can say whether they still hold. */
const ADDED = ["decoding", "samples"];

/** What differs first, and what to do about it; null where a run of the settings `was` may go on with `now`. */
export function differenceOf(was: Settings, now: Settings): string | null {
  const is = JSON.parse(JSON.stringify(now)) as Record<string, unknown>;
  for (const key of ADDED) if (was[key] === undefined) delete is[key];
  const found = firstDifference(was, is, "");
  if (!found) return null;
  if (was["samples"] !== undefined && ["images", "samples"].includes(found.path.split(".")[0]!))
    return differentSamples(was as unknown as Listed, is);
  return `${found.path} ${found.was} but now it is ${found.is}: give the same settings to go on, ${OR_ANEW}`;
}

const OR_ANEW = "or another folder to begin anew";

interface Listed {
  readonly images: number;
  readonly samples: SampleList;
}

function differentSamples(was: Listed, is: Partial<Listed>): string {
  if (!is.samples)
    return `training samples whose names it noted, the first ${was.samples.first}, but now the set has no names: hand on those of the set that it began with (SampleSource.names), ${OR_ANEW}`;
  const firsts =
    was.samples.first === is.samples.first
      ? `the first is ${is.samples.first} in both, later ones differ`
      : `the first was ${was.samples.first} and is ${is.samples.first}`;
  const what =
    was.samples.inAnyOrder === is.samples.inAnyOrder
      ? `the same ${was.images} training samples in another order`
      : `other training samples, ${was.images}, now ${is.images}`;
  return `${what} (${firsts}): give the folder and the list that it began with, ${OR_ANEW}`;
}

interface Difference {
  readonly path: string;
  readonly was: string;
  readonly is: string;
}

/** Where two JSON values differ first. */
function firstDifference(was: unknown, is: unknown, path: string): Difference | null {
  if (typeof was !== "object" || typeof is !== "object" || was === null || is === null) {
    return was === is ? null : { path, was: JSON.stringify(was) ?? "absent", is: JSON.stringify(is) ?? "absent" };
  }
  const [a, b] = [was as Record<string, unknown>, is as Record<string, unknown>];
  for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
    const found = firstDifference(a[key], b[key], path === "" ? key : `${path}.${key}`);
    if (found) return found;
  }
  return null;
}
