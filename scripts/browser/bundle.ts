/** Bundles a page's entry with everything that it imports, from the TypeScript sources, in memory. */
import { build } from "esbuild";
import { basename, join, resolve } from "node:path";
import { root } from "../paths.js";

/** Files of the page by URL path: `/page.js`, each worker at `/<its name>.js`, and chunks that they share. */
export type Bundle = ReadonlyMap<string, Uint8Array>;

/** Throws esbuild's BuildFailure, which names file and line. A `webgpu` import, Node's adapter, stays outside: no page ever runs it. */
export async function bundlePage(
  entry: string,
  workers: readonly string[],
  { keepNames = true }: { keepNames?: boolean } = {},
): Promise<Bundle> {
  const start = `import { startPage } from "./scripts/browser/page.js";
import { main } from ${JSON.stringify(resolve(root, entry))};
void startPage(main);`;
  const entryPoints: Record<string, string> = { page: "page-start" };
  for (const worker of workers) entryPoints[basename(worker).replace(/\.[cm]?[jt]s$/, "")] = resolve(root, worker);
  const result = await build({
    entryPoints,
    plugins: [
      {
        name: "page-start",
        setup(builder) {
          builder.onResolve({ filter: /^page-start$/ }, () => ({ path: "page-start", namespace: "page-start" }));
          builder.onLoad({ filter: /.*/, namespace: "page-start" }, () => ({ contents: start, loader: "ts", resolveDir: root }));
        },
      },
    ],
    absWorkingDir: root,
    bundle: true,
    splitting: true,
    write: false,
    outdir: join(root, "bundle"),
    format: "esm",
    platform: "browser",
    target: "es2022",
    keepNames,
    ignoreAnnotations: true, // package.json says that no module has side effects: test files have nothing else
    external: ["webgpu", "node:*"],
    loader: { ".wgsl": "text" },
    logLevel: "silent",
  });
  return new Map(result.outputFiles.map((file) => [`/${file.path.slice(join(root, "bundle").length + 1)}`, file.contents]));
}
