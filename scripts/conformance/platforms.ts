/** The platforms of the conformance command: each runs the cases and reports what comes of them. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { referenceEngine } from "../../test/conformance/engine.js";
import type { ConformanceEvent, GpuRun } from "../../test/conformance/gpu-run.js";
import { type CaseResult, runCases } from "../../test/conformance/run-cases.js";
import { browserAdapter } from "../adapters/browser-adapter.js";
import { type AdapterKind, adapterKind } from "../adapters/node-adapter.js";
import { gpuEnvironment } from "../adapters/with-gpu.js";
import { runInBrowser } from "../browser/page-runner.js";
import { root } from "../paths.js";

/** No result for this long: the platform is stopped. */
const IDLE_TIMEOUT_MS = 180_000;

export interface Listener {
  onResult(result: CaseResult): void;
  /** One line for a person. */
  onAdapter(line: string): void;
  /** A failure outside the cases: another adapter than the platform was started on, a GPU error that nobody caught. */
  onError(text: string): void;
}

/** Resolves when every case was run; rejects when the platform could not be started, died or hung. */
export type Platform = (run: GpuRun, listener: Listener) => Promise<void>;

export const PLATFORMS = {
  reference: async ({ cases }, listener) =>
    await runCases(cases, referenceEngine, async (result) => {
      listener.onResult(result);
      await setImmediate(); // keys and signals get their turn
    }),
  node: runInNode,
  chromium: async (run, listener) => await runInPage("chromium", run, listener),
  firefox: async (run, listener) => await runInPage("firefox", run, listener),
} as const satisfies Record<string, Platform>;

export type PlatformName = keyof typeof PLATFORMS;

async function runInNode(run: GpuRun, listener: Listener): Promise<void> {
  const env = await gpuEnvironment();
  const expected = (env["FCN_EXPECT_ADAPTER"] ?? "hardware") as AdapterKind;
  const child = spawn(process.execPath, ["--import", "tsx", join(root, "test", "conformance", "node-child.ts")], {
    cwd: root,
    env,
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  await new Promise<void>((resolve, reject) => {
    const watchdog = setTimeout(() => {
      reject(new Error(`no result for ${IDLE_TIMEOUT_MS / 1000} s: stopped`));
      child.kill("SIGKILL");
    }, IDLE_TIMEOUT_MS);
    let ended = false;
    child.on("message", (event: ConformanceEvent | "end") => {
      watchdog.refresh();
      if (event === "end") ended = true;
      else pass(event, expected, listener);
    });
    child.once("error", reject);
    child.once("close", (code, signal) => {
      clearTimeout(watchdog);
      if (ended) resolve();
      else reject(new Error(`the process ended early (${code ?? signal})`));
    });
    child.send(run);
  });
}

async function runInPage(browser: "chromium" | "firefox", run: GpuRun, listener: Listener): Promise<void> {
  const { adapter, expect } = await browserAdapter(browser);
  const outcome = await runInBrowser({
    browser,
    entry: "test/conformance/page.ts",
    args: run,
    adapter,
    idleTimeoutMs: IDLE_TIMEOUT_MS,
    onMessage: (event) => pass(event as ConformanceEvent, expect, listener),
    onGpuError: (text) => pass({ type: "gpu-error", text }, expect, listener),
  });
  console.log(`browser: ${outcome.browser}`);
}

function pass(event: ConformanceEvent, expected: AdapterKind, listener: Listener): void {
  switch (event.type) {
    case "result":
      listener.onResult(event.result);
      break;
    case "adapter": {
      const kind = adapterKind(event.names, event.software);
      listener.onAdapter(`${kind}: ${event.names}`);
      if (kind !== expected) listener.onError(`the adapter is ${kind} (${event.names}) but it was started on ${expected}`);
      break;
    }
    case "gpu-error":
      listener.onError(`uncaught GPU error: ${event.text}`);
      break;
  }
}
