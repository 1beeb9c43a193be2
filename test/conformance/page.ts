/** The page in which the conformance command runs cases in a browser. */
import type { Page } from "../../scripts/browser/page.js";
import { runOnGpu, type GpuRun } from "./gpu-run.js";

export async function main(page: Page): Promise<void> {
  await runOnGpu(page.args as GpuRun, page.hiddenAdapter, (event) => page.send(event));
}
