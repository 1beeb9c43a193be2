/** `npm run bench -- --roofline`: the profiles printed, their traces as files. */
import { mkdir, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { browserAdapter } from "../scripts/adapters/browser-adapter.js";
import { runInBrowser } from "../scripts/browser/page-runner.js";
import { root } from "../scripts/paths.js";
import type { Platform } from "./report.js";
import { roofline, type Roofline } from "./roofline.js";
import type { Workload } from "./workloads.js";

const FOLDER = join(root, "out", "roofline");

/** F1's forward pass and F3's training step, unless others are asked for. */
const IDS = ["F1", "F3"];

/** `chosen` where the caller chose; a workload takes about a minute on two software cores. */
export async function printRooflines(platform: Platform, chosen: readonly Workload[] | null): Promise<void> {
  const ids = chosen?.map(({ id }) => id) ?? IDS;
  const onText = (text: unknown): void => console.log(String(text));
  await mkdir(FOLDER, { recursive: true });
  for (const { id, text, trace } of await rooflines(platform, ids, onText)) {
    const path = join(FOLDER, `${id}-${platform}.trace.json`);
    await writeFile(path, trace);
    console.log(`\n${text}\ntrace: ${relative(process.cwd(), path)} (chrome://tracing, ui.perfetto.dev)`);
  }
}

async function rooflines(
  platform: Platform,
  ids: readonly string[],
  onText: (text: unknown) => void,
): Promise<readonly Roofline[]> {
  if (platform === "node") return await roofline(ids, onText);
  const { adapter } = await browserAdapter(platform);
  const options = { browser: platform, adapter, entry: "bench/roofline.ts", args: ids, idleTimeoutMs: 600_000 };
  return (await runInBrowser<readonly Roofline[]>({ ...options, onMessage: onText })).result;
}
