/** The page in which the conformance command runs cases in a browser. */
import type { Page } from "../../scripts/browser/page.js";
import type { ConformanceCase } from "./format.js";
import { runOnGpu } from "./gpu-run.js";

export async function main(page: Page): Promise<void> {
  await runOnGpu(page.args as readonly ConformanceCase[], page.hiddenAdapter, (event) => page.send(event));
}
