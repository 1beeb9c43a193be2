/**
 * The benchmark as a page for a visitor's browser: static files, and a server that shows them.
 *
 *     npm run bench:page -- [--install-peers | --no-peers] [--build DIR] [--port N] [--host NAME]
 *
 * With --build it writes the files and ends. docs/benchmarks.md says what a host must serve.
 */
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { root } from "../scripts/paths.js";
import { installPeers } from "./install-peers.js";
import { buildBenchPage, serveBenchPage } from "./page/build.js";

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      build: { type: "string" },
      "install-peers": { type: "boolean" },
      "no-peers": { type: "boolean" },
      port: { type: "string", default: "4173" },
      host: { type: "string" },
    },
  });
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new Error(`--port is ${values.port}: use a whole number from 1 to 65535`);
  if (values["install-peers"] && values["no-peers"])
    throw new Error("--install-peers and --no-peers exclude each other: leave one out");
  if (values["install-peers"]) await installPeers();
  // npm starts this in the repository, wherever it was called.
  const here = process.env["INIT_CWD"] ?? process.cwd();
  const folder = values.build === undefined ? join(root, "out", "bench-page") : resolve(here, values.build);
  const { engines, absent } = await buildBenchPage(folder, { peers: !values["no-peers"] });
  console.log(`${folder}: ${engines.map(({ name }) => name).join(", ")}`);
  if (absent.length > 0) console.log(`not in it: ${absent.join(", ")} (--install-peers installs them first)`);
  if (values.build !== undefined) return;
  const server = await serveBenchPage(folder, port, values.host);
  const { local, network } = server.resolvedUrls!;
  console.log(`serving ${[...local, ...network].join(", ")} (Ctrl-C ends it)`);
}

await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
