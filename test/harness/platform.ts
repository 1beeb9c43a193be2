/** What the test runner tells the tests about the platform that they run on. Imports nothing: it runs in Node and in pages alike. */

export interface TestPlatform {
  readonly name: "node" | "chromium" | "firefox";
  /** The kind of adapter that the runner started the platform with. */
  readonly expectAdapter: "swiftshader" | "lavapipe" | "software" | "hardware";
  /** The adapter's name where the browser keeps it from pages (Firefox); null: GPUAdapterInfo has it. */
  readonly hiddenAdapter: string | null;
  /** For the report: the adapter's name, printed by the runner. */
  reportAdapter(line: string): void;
}

const holder = globalThis as { fcnTestPlatform?: TestPlatform };

/** Called by the runner before any test is loaded. */
export function setTestPlatform(platform: TestPlatform): void {
  holder.fcnTestPlatform = platform;
}

/** Whether the runner has started a platform on an adapter that is known to have shader-f16: tests that need it must run there. */
export function mustHaveF16(): boolean {
  return holder.fcnTestPlatform?.expectAdapter === "lavapipe";
}

/** Throws where tests are run by anything but the repository's runner. */
export function testPlatform(): TestPlatform {
  if (holder.fcnTestPlatform === undefined)
    throw new Error("no test platform: run the tests with npm test, which starts them on a known adapter");
  return holder.fcnTestPlatform;
}
