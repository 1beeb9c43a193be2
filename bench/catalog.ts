/** The engines by name: which file drives each, where it runs, what it needs. */
import type { Platform } from "./report.js";

const FAMILIES = ["ours", "reference", "tfjs", "ort", "litert", "jax"] as const;
type Family = (typeof FAMILIES)[number];

export interface CatalogEntry {
  readonly name: string;
  readonly family: Family;
  /** Module with the `main` of its process, from the repository's root. */
  readonly module: string;
  /** Platforms on which it can be timed. */
  readonly on: readonly Platform[];
  /** Always in a process of Node, beside whatever browser: the native CPU line. */
  readonly native?: true;
}

const EVERYWHERE: readonly Platform[] = ["chromium", "firefox", "node"];
const BROWSERS: readonly Platform[] = ["chromium", "firefox"];

/** In the order of the tables. */
const CATALOG: readonly CatalogEntry[] = [
  { name: "ours", family: "ours", module: "bench/engines/ours.ts", on: EVERYWHERE },
  { name: "reference", family: "reference", module: "bench/engines/reference.ts", on: EVERYWHERE },
  { name: "tfjs-webgpu", family: "tfjs", module: "bench/peers/tfjs.ts", on: EVERYWHERE },
  { name: "tfjs-wasm", family: "tfjs", module: "bench/peers/tfjs.ts", on: BROWSERS },
  { name: "ort-webgpu", family: "ort", module: "bench/peers/ort.ts", on: BROWSERS },
  { name: "ort-wasm", family: "ort", module: "bench/peers/ort.ts", on: BROWSERS },
  { name: "ort-node", family: "ort", module: "bench/peers/ort-node.ts", on: EVERYWHERE, native: true },
  { name: "litert-webgpu", family: "litert", module: "bench/peers/litert.ts", on: BROWSERS },
  { name: "jax-webgpu", family: "jax", module: "bench/peers/jax.ts", on: EVERYWHERE },
];

/** The adapter's own process: its name and peak. */
export const ADAPTER_MODULE = "bench/engines/adapter.ts";

export const REFERENCE = CATALOG.find(({ name }) => name === "reference")!;

export const needsPeers = ({ module }: CatalogEntry): boolean => module.startsWith("bench/peers/");

/** Engines by their names or their families', comma-separated; without, all of the platform. Throws for a name that is none, or not on this platform. */
export function chooseEngines(asked: string | undefined, platform: Platform): readonly CatalogEntry[] {
  const here = CATALOG.filter(({ on }) => on.includes(platform));
  if (asked === undefined) return here;
  const names = asked.split(",").map((name) => name.trim());
  for (const name of names) {
    if (!CATALOG.some((entry) => entry.name === name || entry.family === name))
      throw new Error(
        `--engines: there is no engine ${name}: use ${FAMILIES.join(", ")}, or one of ${CATALOG.map((e) => e.name).join(", ")}`,
      );
    if (!here.some((entry) => entry.name === name || entry.family === name))
      throw new Error(`--engines: ${name} does not run on ${platform}: leave it out, or use --on chromium`);
  }
  return here.filter(({ name, family }) => names.includes(name) || names.includes(family));
}
