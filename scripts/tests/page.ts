/** Runs the test files of a page: the generated entry imports `./page-setup.js`, the tests, and re-exports this `main`. */
import { setTestPlatform, type TestPlatform } from "../../test/harness/platform.js";
import type { Page } from "../browser/page.js";
import { forwardEvents, type MochaRunner, type TestEvent } from "./events.js";

export interface TestPageArgs {
  readonly browser: "chromium" | "firefox";
  readonly expectAdapter: TestPlatform["expectAdapter"];
  readonly grep: string | null;
}

declare const mocha: { grep(pattern: RegExp): void; run(done: () => void): MochaRunner };

export async function main(page: Page): Promise<void> {
  const { browser, expectAdapter, grep } = page.args as TestPageArgs;
  const send = (event: TestEvent): void => page.send(event);
  setTestPlatform({
    name: browser,
    expectAdapter,
    hiddenAdapter: page.hiddenAdapter,
    reportAdapter: (line) => send({ type: "adapter", line }),
  });
  if (grep !== null) mocha.grep(new RegExp(grep));
  await new Promise<void>((resolve) => forwardEvents(mocha.run(resolve), send));
}
