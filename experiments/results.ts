/** What a run leaves behind: one JSON file, in a folder that can be committed: no photo, no weight. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { GpuInfo } from "../src/index.js";
import type { Evaluation } from "../src/training/index.js";
import type { Run } from "./runs.js";

export interface LossPoint {
  readonly step: number;
  /** Mean over the pixels that count, of the steps since the point before. */
  readonly loss: number;
}

/** Where figures come from. */
export interface Origin {
  readonly adapter: GpuInfo;
  readonly command: string;
  readonly commit: string;
  readonly date: string;
}

/** Of work that is done now, on this adapter. */
export function originOf(adapter: GpuInfo, command: string): Origin {
  return { adapter, command, commit: commitNow(), date: new Date().toISOString() };
}

export function commitNow(): string {
  return execFileSync("git", ["describe", "--always", "--dirty"], { cwd: import.meta.dirname, encoding: "utf8" }).trim();
}

export interface Tested extends Evaluation, Origin {
  readonly seconds: number;
}

/** The origin is the training's. */
export interface Result extends Origin {
  readonly format: 1;
  readonly run: Run;
  readonly learningRate: number;
  /** Of a search: mean IU on val by rate. */
  readonly candidates?: readonly { readonly learningRate: number; readonly meanIU: number | null }[];
  readonly curve: readonly LossPoint[];
  readonly validation: readonly { readonly step: number; readonly meanIU: number }[];
  /** At the end, on val. */
  readonly val: Evaluation;
  /** Read once, after all runs: `npm run experiments -- --test`. */
  readonly test?: Tested;
  readonly msPerStep: number;
  /** Sum over its steps; of a search, over those of all rates that did not diverge. */
  readonly seconds: number;
}

export class Results {
  constructor(private readonly folder: string) {
    mkdirSync(folder, { recursive: true });
  }

  read(id: string): Result | null {
    const file = this.path(id);
    return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Result) : null;
  }

  write(result: Result): void {
    const beside = `${this.path(result.run.id)}.part`;
    writeFileSync(beside, `${JSON.stringify(result, null, 1)}\n`);
    renameSync(beside, this.path(result.run.id));
  }

  private path(id: string): string {
    return join(this.folder, `${id}.json`);
  }
}
