/** `npm run bench -- --roofline`: the profiles printed, their traces as files. */
import { mkdir, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { root } from "../scripts/paths.js";
import { hostsOn } from "./hosts.js";
import type { CommandPlatform } from "./report.js";
import { openRooflines, roofline, ROOFLINE_IDS } from "./rooflines.js";
import type { Workload } from "./workloads.js";

const FOLDER = join(root, "out", "roofline");

/** `only` where the caller chose. */
export async function printRooflines(
  platform: CommandPlatform,
  { only, variant }: { readonly only: readonly Workload[] | null; readonly variant: string | undefined },
): Promise<void> {
  const ids = only?.map(({ id }) => id) ?? ROOFLINE_IDS;
  await mkdir(FOLDER, { recursive: true });
  const host = await openRooflines(hostsOn(platform));
  try {
    console.log(`${(await host.opened) as string}; profiling ${ids.join(", ")}`);
    for (const id of ids) {
      const { text, trace } = await roofline(host, id, variant);
      const path = join(FOLDER, `${id}-${platform}.trace.json`);
      await writeFile(path, trace);
      console.log(`\n${text}\ntrace: ${relative(process.cwd(), path)} (chrome://tracing, ui.perfetto.dev)`);
    }
  } finally {
    await host.close();
  }
}
