/** What any net could reach at most whose scores have one value for each stride x stride cell: the paper's appendix A, on the labels of test. */
import { readFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Origin } from "./results.js";
import type { ScaleName, SetName } from "./runs.js";

export const BOUNDS_FILE = join(import.meta.dirname, "results", "stride-bounds.json");
export const STRIDES = [128, 64, 32, 16, 8, 4] as const;

export interface StrideBounds extends Omit<Origin, "adapter"> {
  readonly rows: readonly {
    readonly scale: ScaleName;
    readonly set: SetName;
    readonly images: number;
    /** Mean IU for each of {@link STRIDES}. */
    readonly meanIU: readonly number[];
  }[];
}

/** Null where nobody measured them. */
export async function readStrideBounds(): Promise<StrideBounds | null> {
  return existsSync(BOUNDS_FILE) ? (JSON.parse(await readFile(BOUNDS_FILE, "utf8")) as StrideBounds) : null;
}
