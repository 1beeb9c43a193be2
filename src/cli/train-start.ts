/** What `fcn train` begins with: weights of a file, or the run that is there. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { trunkOf, type TrunkName } from "../fcn/trunks.js";
import { layerOf } from "../tensor/tensor.js";
import type { Weights } from "../tensor/weights.js";
import type { TrainingNetOptions } from "../training/net.js";
import type { Stage } from "../training/stages.js";
import { convertNames, nameTableOf } from "../weights/convert-names.js";
import { NAME_TABLES } from "../weights/name-tables.js";
import type { Pixels } from "../weights/pixels.js";
import { UsageError, type Io } from "./io.js";
import { given } from "./options.js";
import { expectSameClasses, type NamedClasses } from "./same-classes.js";
import { readWeightsFile, type WeightsFile } from "./weights-file.js";

/** What a run that is there takes as pixels: its file of weights is not read again. Null where none is. */
export async function begunRun(out: string): Promise<Pick<TrainingNetOptions, "pixels"> | null> {
  const text = await readFile(join(out, "run.json"), "utf8").catch(() => null);
  if (text === null) return null;
  try {
    const { settings } = JSON.parse(text) as { settings?: { stages?: readonly Stage[] } };
    return given({ pixels: settings?.stages?.[0]?.net.pixels });
  } catch {
    // The runner says what is wrong with it.
    return {};
  }
}

interface Start {
  readonly weights: Weights;
  /** What they take, where that is not what the trunk's own do. */
  readonly pixels?: Pixels;
}

interface StartOptions {
  readonly trunk: TrunkName;
  readonly pixels: Pixels | undefined;
  /** Of the set that is trained on. */
  readonly classes: NamedClasses;
  readonly byIndex: boolean;
  readonly newScores: boolean;
}

/** Other libraries' names become ours, and their pixels the trunk's where not their own are asked for. */
export async function startingWeights(io: Io, file: string, options: StartOptions): Promise<Start> {
  const { trunk, pixels: asked } = options;
  const read = await readWeightsFile(file, io);
  const table = nameTableOf(read.weights);
  if (table === null) return { weights: withoutOthersScores(io, file, read, options), ...given({ pixels: read.facts.pixels }) };
  io.err(`${file}: names of ${table}`);
  const isSame = (a: Pixels, b: Pixels): boolean => JSON.stringify(a) === JSON.stringify(b);
  const keep = asked !== undefined && isSame(asked, NAME_TABLES[table].pixels);
  if (asked && !keep && !isSame(asked, trunkOf(trunk).pixels))
    throw new UsageError(`--pixels: weights of ${table} take other ones: leave the option out, or name what they take`);
  return { weights: convertNames(read.weights, table, keep ? { pixels: "own" } : {}).weights };
}

/**
 * The weights without score layers that are of other classes, which then start anew. Throws InputError where they are of as many, by other names or in another order: what
 * was learned of one class would become another's.
 */
function withoutOthersScores(
  io: Io,
  file: string,
  { weights, facts }: Pick<WeightsFile, "weights" | "facts">,
  { trunk, classes, byIndex, newScores }: StartOptions,
): Weights {
  const trunkLayers = new Set(trunkOf(trunk).layers.map(({ name }) => name));
  const scores = [...weights.keys()].filter((name) => name.startsWith("score") && !trunkLayers.has(layerOf(name)));
  if (scores.length === 0) return weights;
  const layers = [...new Set(scores.map(layerOf))].join(", ");
  const held = weights.get(scores[0]!)!.shape[0]!;
  const wanted = classes.names.length;
  if (newScores || held !== wanted) {
    io.err(
      `${file}: its score layers (${layers}) of ${held} classes are left out: those of the ${wanted} classes of ${classes.of} start anew`,
    );
    return new Map([...weights].filter(([name]) => !scores.includes(name)));
  }
  const { labels } = facts;
  if (labels?.length === held)
    expectSameClasses({ of: file, names: labels }, classes, {
      byIndex,
      remedy: "give the classes in the order of the weights (--class-list), let score layers start anew by --new-scores",
    });
  else if (!byIndex)
    io.err(
      `${file}: it does not say what its ${held} classes are called: its score layers (${layers}) are taken by index (--new-scores lets them start anew)`,
    );
  return weights;
}
