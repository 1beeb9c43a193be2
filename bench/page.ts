/** The page in which the benchmark runs in a browser. */
import type { Page } from "../scripts/browser/page.js";
import { benchNarrowFcn, type Report } from "./narrow-fcn.js";

export async function main(page: Page): Promise<Report> {
  return await benchNarrowFcn((text) => page.send(text));
}
