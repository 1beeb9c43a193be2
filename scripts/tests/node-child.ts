/** The process that runs test files in Node: mocha by its API, reporting to the parent over Node's IPC channel. */
import Mocha from "mocha";
import { globals } from "webgpu";
import { setTestPlatform, type TestPlatform } from "../../test/harness/platform.js";
import { reportGpuErrors } from "../browser/gpu-errors.js";
import { forwardEvents, TEST_TIMEOUT_MS, type TestEvent } from "./events.js";

const [grep = "", ...files] = process.argv.slice(2);
const send = (event: TestEvent): void => void process.send?.(event);

reportGpuErrors((globals as { GPUAdapter: typeof GPUAdapter }).GPUAdapter, (text) => send({ type: "gpu-error", text }));
setTestPlatform({
  name: "node",
  expectAdapter: (process.env["FCN_EXPECT_ADAPTER"] ?? "hardware") as TestPlatform["expectAdapter"],
  hiddenAdapter: null,
  reportAdapter: (line) => send({ type: "adapter", line }),
});

const mocha = new Mocha({
  timeout: TEST_TIMEOUT_MS,
  reporter: Mocha.reporters.Base,
  ...(grep === "" ? {} : { grep: new RegExp(grep) }),
});
for (const file of files) mocha.addFile(file);
await mocha.loadFilesAsync();
const runner = mocha.run(() => {
  // Not left to the event loop: a device that a failed test leaks would keep the process alive.
  process.send?.({ type: "end" } satisfies TestEvent, () => process.exit(0));
});
forwardEvents(runner, (event) => event.type !== "end" && send(event));
