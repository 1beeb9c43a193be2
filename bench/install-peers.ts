/** The peers' packages: a project of its own in bench/peers, so that none of them is ever a dependency of the library. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { root } from "../scripts/paths.js";

/** Installs what bench/peers/package-lock.json names, if it is not there already. Throws with npm's own words. */
export async function installPeers(): Promise<void> {
  if (await peersInstalled()) return;
  const folder = join(root, "bench", "peers");
  console.log("installing the peers into bench/peers/node_modules (once, about 800 MB)");
  // Their install scripts fetch CUDA libraries that nothing here uses.
  const args = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
  const child = spawn("npm", args, { cwd: folder, stdio: ["ignore", "pipe", "pipe"], shell: process.platform === "win32" });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text: Buffer) => (output += text.toString()));
  const code = await new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  if (code !== 0) throw new Error(`bench/peers: npm ci failed: ${output.trim()}`);
}

/** Whether each direct dependency is there in the version that package.json pins. */
export async function peersInstalled(): Promise<boolean> {
  const folder = join(root, "bench", "peers");
  const { dependencies } = JSON.parse(await readFile(join(folder, "package.json"), "utf8")) as {
    readonly dependencies: Readonly<Record<string, string>>;
  };
  const checks = Object.entries(dependencies).map(async ([name, version]) => {
    const file = join(folder, "node_modules", name, "package.json");
    return existsSync(file) && (JSON.parse(await readFile(file, "utf8")) as { version: string }).version === version;
  });
  return (await Promise.all(checks)).every((installed) => installed);
}
