/** The engines by name: which file drives each, where it runs, what it needs. */
import type { Platform } from "./report.js";

const FAMILIES = ["ours", "reference", "tfjs", "ort", "litert", "jax"] as const;

export interface CatalogEntry {
  readonly name: string;
  /** What --engines may call it and its like. */
  readonly family: string;
  /** Module with the `main` of its process, from the repository's root. */
  readonly module: string;
  /** Platforms on which it can be timed. */
  readonly on: readonly Platform[];
  /** Always in a process of Node, beside whatever browser: the native CPU line. */
  readonly native?: true;
  /** Files of the peers' packages that it fetches when it starts in a page, below bench/peers/node_modules; `*` stands for part of a file's name. */
  readonly fetches?: readonly string[];
}

const EVERYWHERE: readonly Platform[] = ["chromium", "firefox", "node", "page"];
const BROWSERS: readonly Platform[] = ["chromium", "firefox", "page"];

const ORT = "onnxruntime-web/dist";
const TFJS_WASM = "@tensorflow/tfjs-backend-wasm/dist";

/** In the order of the tables. */
const CATALOG: readonly CatalogEntry[] = [
  { name: "ours", family: "ours", module: "bench/engines/ours.ts", on: EVERYWHERE },
  { name: "reference", family: "reference", module: "bench/engines/reference.ts", on: EVERYWHERE },
  { name: "tfjs-webgpu", family: "tfjs", module: "bench/peers/tfjs.ts", on: EVERYWHERE },
  { name: "tfjs-wasm", family: "tfjs", module: "bench/peers/tfjs.ts", on: BROWSERS, fetches: [`${TFJS_WASM}/*.wasm`] },
  {
    name: "ort-webgpu",
    family: "ort",
    module: "bench/peers/ort.ts",
    on: BROWSERS,
    fetches: [`${ORT}/ort.webgpu.bundle.min.mjs`, `${ORT}/ort-wasm-simd-threaded.asyncify.*`],
  },
  {
    name: "ort-wasm",
    family: "ort",
    module: "bench/peers/ort.ts",
    on: BROWSERS,
    fetches: [`${ORT}/ort.wasm.bundle.min.mjs`, `${ORT}/ort-wasm-simd-threaded.mjs`, `${ORT}/ort-wasm-simd-threaded.wasm`],
  },
  { name: "ort-node", family: "ort", module: "bench/peers/ort-node.ts", on: ["chromium", "firefox", "node"], native: true },
  {
    name: "litert-webgpu",
    family: "litert",
    module: "bench/peers/litert.ts",
    on: BROWSERS,
    fetches: ["@litertjs/core/wasm/litert_wasm_internal.*", "@litertjs/core/wasm/litert_wasm_compat_internal.*"],
  },
  { name: "jax-webgpu", family: "jax", module: "bench/peers/jax.ts", on: EVERYWHERE, fetches: ["@jax-js/jax/dist/*.js"] },
];

/** The adapter's own process: its name and peak. */
export const ADAPTER_MODULE = "bench/engines/adapter.ts";

export const REFERENCE = CATALOG.find(({ name }) => name === "reference")!;

export const needsPeers = ({ module }: CatalogEntry): boolean => module.startsWith("bench/peers/");

export const enginesOn = (platform: Platform): readonly CatalogEntry[] => CATALOG.filter(({ on }) => on.includes(platform));

/** Engines by their names or their families', comma-separated; without, all of `here`. Throws for a name that is none, or not among these. */
export function chooseEngines(
  asked: string | undefined,
  platform: Platform,
  here: readonly CatalogEntry[] = enginesOn(platform),
): readonly CatalogEntry[] {
  if (asked === undefined) return here;
  const names = asked.split(",").map((name) => name.trim());
  const known = [...CATALOG, ...here];
  for (const name of names) {
    if (!known.some((entry) => entry.name === name || entry.family === name))
      throw new Error(
        `--engines: there is no engine ${name}: use ${FAMILIES.join(", ")}, or one of ${known.map((e) => e.name).join(", ")}`,
      );
    if (!here.some((entry) => entry.name === name || entry.family === name))
      throw new Error(`--engines: ${name} does not run on ${platform}: leave it out, or use --on chromium`);
  }
  return here.filter(({ name, family }) => names.includes(name) || names.includes(family));
}
