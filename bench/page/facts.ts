/** What the build tells the page, and where it puts things. */
import type { CatalogEntry } from "../catalog.js";

export interface BuildFacts {
  /** Of fcn-webgpu. */
  readonly version: string;
  readonly commit: string;
  /** ISO 8601. */
  readonly date: string;
  /** Engines that it brings. */
  readonly engines: readonly CatalogEntry[];
  /** Names of those that were not installed where it was built. */
  readonly absent: readonly string[];
}

/** Script of a module's worker, relative to the page. */
export const workerFile = (module: string): string => `workers/${module.replace(/^.*\//, "").replace(/\.ts$/, ".js")}`;

/** Folder with the peers' packages, relative to the page. */
export const PACKAGES = "packages/";
