/** `npm run doctor`: what this machine has for the engine and its tests, and what to do about what is missing. Always exits 0: it only tells. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { findLavapipe } from "./adapters/lavapipe.js";
import { chooseNodeAdapter, type NodeAdapter } from "./adapters/node-adapter.js";
import { findChromium, launchChromium } from "./browser/chromium.js";
import { findFirefox, launchFirefox } from "./browser/firefox.js";
import { root, sharedFolder } from "./paths.js";

/** What the engine's kernels or its tools use of WebGPU beyond the defaults. */
const FEATURES = ["shader-f16", "subgroups", "timestamp-query"];
const LIMITS = [
  "maxStorageBufferBindingSize",
  "maxBufferSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
];
const OLDEST_NODE = [20, 19] as const;

/** One line of the report; a check that throws becomes a line with the remedy that its error names. */
async function check(name: string, find: () => Promise<string>): Promise<void> {
  const [mark, text] = await find().then(
    (found) => ["ok", found],
    (error: unknown) => ["--", error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error)],
  );
  console.log(`${mark}  ${name.padEnd(10)} ${text}`);
}

function nodeVersion(): string {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const [oldestMajor, oldestMinor] = OLDEST_NODE;
  const enough = major > oldestMajor || (major === oldestMajor && minor >= oldestMinor);
  if (!enough) throw new Error(`${process.version} is too old: install Node ${OLDEST_NODE.join(".")} or newer`);
  return `${process.version} on ${process.platform} ${process.arch}`;
}

function describeAdapter({ line, probed }: NodeAdapter): string {
  const features = FEATURES.map((name) => `${name} ${probed.features.includes(name) ? "yes" : "no"}`).join(", ");
  const limits = LIMITS.map((name) => `${name} ${formatLimit(name, probed.limits[name] ?? 0)}`).join("\n               ");
  const advice = probed.software
    ? "\n               software: correct, but slow; with a GPU and its Vulkan driver the same commands use it"
    : "";
  return `${line}${advice}\n               ${features}\n               ${limits}`;
}

function formatLimit(name: string, value: number): string {
  return /BindingSize|BufferSize/.test(name) ? `${Math.round(value / 2 ** 20)} MiB` : `${value}`;
}

async function chromiumVersion(): Promise<string> {
  const { executable, source } = await findChromium();
  await using browser = await launchChromium("software");
  return `${browser.name} (${source}: ${executable})`;
}

async function firefoxVersion(): Promise<string> {
  const executable = findFirefox();
  await using browser = await launchFirefox("software");
  return `${browser.name} (${executable}), WebGPU on ${browser.hiddenAdapter ?? "an adapter that it does not name"}`;
}

function lavapipe(): string {
  const manifest = findLavapipe();
  if (manifest === undefined)
    throw new Error("not installed; only Firefox needs it: scripts/install-browsers.sh, as root on Debian, installs it");
  return manifest;
}

async function denoVersion(): Promise<string> {
  const deno = join(root, "tools", "deno", "node_modules", ".bin", "deno");
  if (!existsSync(deno)) throw new Error("not installed: npm run test:deno installs it in tools/deno");
  const { stdout } = await promisify(execFile)(deno, ["--version"]);
  return `${stdout.split("\n")[0] ?? ""} (${deno})`;
}

console.log("   (-- is missing here; only Node and one adapter are needed for npm run demo, and Chromium for npm test)\n");
await check("Node", async () => nodeVersion());
await check("Dawn", async () => describeAdapter(await chooseNodeAdapter()));
await check("Chromium", chromiumVersion);
await check("Firefox", firefoxVersion);
await check("lavapipe", async () => lavapipe());
await check("Deno", denoVersion);
await check("cases", async () => {
  const shared = sharedFolder();
  if (shared === null) throw new Error("no ../shared beside the repository: npm run conformance then needs a path");
  return `${join(shared, "conformance")} and ${join(shared, "data")}`;
});
