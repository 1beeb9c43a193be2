/** What `fcn train` begins with: weights of a file, or the run that is there. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { trunkOf, type TrunkName } from "../fcn/trunks.js";
import type { Weights } from "../tensor/weights.js";
import type { TrainingNetOptions } from "../training/net.js";
import type { Stage } from "../training/stages.js";
import { convertNames, nameTableOf } from "../weights/convert-names.js";
import { NAME_TABLES } from "../weights/name-tables.js";
import type { Pixels } from "../weights/pixels.js";
import { UsageError, type Io } from "./io.js";
import { given } from "./options.js";
import { readWeightsFile } from "./weights-file.js";

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

/** Other libraries' names become ours, and their pixels the trunk's where not their own are asked for. */
export async function startingWeights(io: Io, file: string, trunk: TrunkName, asked: Pixels | undefined): Promise<Start> {
  const { weights, facts } = await readWeightsFile(file, io);
  const table = nameTableOf(weights);
  if (table === null) return { weights, ...given({ pixels: facts.pixels }) };
  io.err(`${file}: names of ${table}`);
  const isSame = (a: Pixels, b: Pixels): boolean => JSON.stringify(a) === JSON.stringify(b);
  const keep = asked !== undefined && isSame(asked, NAME_TABLES[table].pixels);
  if (asked && !keep && !isSame(asked, trunkOf(trunk).pixels))
    throw new UsageError(`--pixels: weights of ${table} take other ones: leave the option out, or name what they take`);
  return { weights: convertNames(weights, table, keep ? { pixels: "own" } : {}).weights };
}
