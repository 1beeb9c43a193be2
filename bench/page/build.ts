/** The page as static files: the page itself by Vite, a script for each engine's worker by esbuild, and what the peers fetch. */
import { build as bundle } from "esbuild";
import { copyFile, mkdir, readdir, readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { build as buildPage, preview, type InlineConfig, type PreviewServer } from "vite";
import { root } from "../../scripts/paths.js";
import { ADAPTER_MODULE, enginesOn, needsPeers, REFERENCE, type CatalogEntry } from "../catalog.js";
import { checkedOut } from "../checkout.js";
import { peersInstalled } from "../install-peers.js";
import { ROOFLINE_MODULE } from "../rooflines.js";
import { PACKAGES, workerFile, type BuildFacts } from "./facts.js";

const PEERS = join(root, "bench", "peers", "node_modules");

export interface PageOptions {
  /** Engines beside those of the catalogue: fakes, for tests. */
  readonly extra?: readonly CatalogEntry[];
  /** Bring the peers where they are installed. */
  readonly peers: boolean;
}

/** Cross-origin isolation: threads for the peers on WebAssembly, and a finer clock. */
const HEADERS = { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" };

/** Paths are relative, so that it works in any folder of any host. */
function viteConfig(folder: string): InlineConfig {
  return {
    configFile: false,
    root: join(root, "bench", "page"),
    base: "./",
    publicDir: false,
    appType: "mpa", // no page in place of a file that is not there
    logLevel: "warn",
    build: {
      outDir: folder,
      emptyOutDir: true,
      target: "es2022",
      modulePreload: { polyfill: false },
      chunkSizeWarningLimit: 1000,
    },
  };
}

/** Fills the folder, an absolute path; what was in it goes. Returns what is in the page. */
export async function buildBenchPage(folder: string, { extra = [], peers }: PageOptions): Promise<BuildFacts> {
  const installed = peers && (await peersInstalled());
  const all = [...enginesOn("page"), ...extra];
  const engines = all.filter((entry) => installed || !needsPeers(entry));
  const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { version: string };
  const facts: BuildFacts = {
    version,
    commit: checkedOut(),
    date: new Date().toISOString(),
    engines,
    absent: all.filter((entry) => !engines.includes(entry)).map(({ name }) => name),
  };
  await buildPage({ ...viteConfig(folder), define: { BENCH_BUILD: JSON.stringify(facts) } });
  for (const module of new Set([ADAPTER_MODULE, ROOFLINE_MODULE, REFERENCE.module, ...engines.map((entry) => entry.module)]))
    await bundleWorker(module, join(folder, workerFile(module)));
  for (const pattern of engines.flatMap(({ fetches = [] }) => fetches))
    await copyMatching(pattern, PEERS, join(folder, PACKAGES));
  return facts;
}

/** `pattern` below both folders; `*` in its file's name stands for anything. Throws where nothing matches: a package has changed. */
async function copyMatching(pattern: string, from: string, to: string): Promise<void> {
  const [folder, name] = [dirname(pattern), basename(pattern)];
  const [start, end] = name.split("*") as [string, string?];
  const matches = (file: string): boolean => (end === undefined ? file === start : file.startsWith(start) && file.endsWith(end));
  const files = (await readdir(join(from, folder))).filter(matches);
  if (files.length === 0) throw new Error(`bench/catalog.ts: nothing in bench/peers/node_modules matches ${pattern}`);
  await mkdir(join(to, folder), { recursive: true });
  for (const file of files) await copyFile(join(from, folder, file), join(to, folder, file));
}

/** Serves what was built. With port 0 on any that is free; on another than the one asked for where that is taken. */
export async function serveBenchPage(folder: string, port: number, host?: string): Promise<PreviewServer> {
  return await preview({ ...viteConfig(folder), preview: { port, headers: HEADERS, ...(host === undefined ? {} : { host }) } });
}

/** A classic worker: LiteRT calls importScripts, which module workers have not. */
async function bundleWorker(module: string, outfile: string): Promise<void> {
  const contents = `import { startWorker } from "./bench/page/worker.js";
import { main } from ${JSON.stringify(`./${module}`)};
startWorker(main);`;
  await bundle({
    stdin: { contents, resolveDir: root, loader: "ts", sourcefile: "start-worker.ts" },
    absWorkingDir: root,
    outfile,
    bundle: true,
    minify: true,
    format: "iife",
    platform: "browser",
    target: "es2022",
    ignoreAnnotations: true, // package.json says that no module has side effects: a peer's backends have nothing else
    external: ["webgpu", "node:*"],
    logLevel: "error",
  });
}
