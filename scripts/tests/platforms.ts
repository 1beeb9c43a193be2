/** The test platforms as a table: which folders of test/ each runs, and how. */
import { spawn } from "node:child_process";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { join } from "node:path";
import { browserAdapter } from "../adapters/browser-adapter.js";
import { gpuEnvironment } from "../adapters/with-gpu.js";
import type { Environment } from "../adapters/environment.js";
import { runInBrowser } from "../browser/page-runner.js";
import { cacheFolder, root } from "../paths.js";
import type { TestEvent } from "./events.js";
import type { TestPageArgs } from "./page.js";

export interface PlatformRun {
  readonly grep: string | null;
  readonly onEvent: (event: TestEvent) => void;
  /** No event for this long: the platform is stopped, and run() rejects. */
  readonly idleTimeoutMs: number;
}

export interface Platform {
  readonly folders: readonly string[];
  /** Resolves when the platform ran to its end, whatever the tests did. */
  run(files: readonly string[], run: PlatformRun): Promise<void>;
}

const DEVICE_FOLDERS = ["kernels", "graph", "fcn"];
const DEVICE_FIRST = join(root, "test", "harness", "adapter.test.ts");

export const PLATFORMS = {
  unit: { folders: ["unit"], run: async (files, run) => await runInNode(files, run, process.env) },
  node: {
    folders: [...DEVICE_FOLDERS, "node"],
    run: async (files, run) => await runInNode([DEVICE_FIRST, ...files], run, await gpuEnvironment()),
  },
  chromium: { folders: [...DEVICE_FOLDERS, "browser"], run: async (files, run) => await runInPage("chromium", files, run) },
  firefox: { folders: [...DEVICE_FOLDERS, "browser"], run: async (files, run) => await runInPage("firefox", files, run) },
  onnx: { folders: ["onnx"], run: async (files, run) => await runInNode([DEVICE_FIRST, ...files], run, await gpuEnvironment()) },
  tfjs: { folders: ["tfjs"], run: async (files, run) => await runInNode([DEVICE_FIRST, ...files], run, await gpuEnvironment()) },
  deno: { folders: [], run: async (_files, run) => await runInDeno(run) },
} as const satisfies Record<string, Platform>;

export type PlatformName = keyof typeof PLATFORMS;

/** Every test file in the folders, sorted, so that platforms run them in the same order. */
export async function testFiles(folders: readonly string[]): Promise<readonly string[]> {
  const files: string[] = [];
  for (const folder of folders) {
    const path = join(root, "test", folder);
    const entries = await readdir(path, { recursive: true }).catch(() => []);
    files.push(
      ...entries
        .filter((name) => name.endsWith(".test.ts"))
        .sort()
        .map((name) => join(path, name)),
    );
  }
  return files;
}

async function runInNode(files: readonly string[], run: PlatformRun, env: Environment): Promise<void> {
  const child = join(root, "scripts", "tests", "node-child.ts");
  await runChild(process.execPath, ["--import", "tsx", child, run.grep ?? "", ...files], run, env, "ipc");
}

/** Deno lives in a package of its own, with a test runner of a few lines that prints its events as JSON lines. */
async function runInDeno(run: PlatformRun): Promise<void> {
  const deno = join(root, "tools", "deno", "node_modules", ".bin", "deno");
  const smoke = join(root, "tools", "deno", "smoke.ts");
  const flags = ["run", "--quiet", "--allow-all", "--unstable-webgpu", "--no-config"];
  await runChild(deno, [...flags, smoke], run, await gpuEnvironment(), "lines");
}

/** Starts a process that reports events, over Node's IPC channel or as JSON lines on standard output, and waits for its end. */
async function runChild(
  program: string,
  args: readonly string[],
  run: PlatformRun,
  env: Environment,
  channel: "ipc" | "lines",
): Promise<void> {
  const child = spawn(program, args, {
    cwd: root,
    env: env,
    stdio: ["ignore", channel === "lines" ? "pipe" : "inherit", "inherit", ...(channel === "ipc" ? (["ipc"] as const) : [])],
  });
  let ended = false;
  let hung = false;
  const watchdog = setTimeout(() => {
    hung = true;
    child.kill("SIGKILL");
  }, run.idleTimeoutMs);
  const onEvent = (event: TestEvent): void => {
    watchdog.refresh();
    ended ||= event.type === "end";
    run.onEvent(event);
  };
  child.on("message", (event) => onEvent(event as TestEvent));
  if (child.stdout !== null) {
    createInterface({ input: child.stdout }).on("line", (line) => {
      if (line.startsWith("{")) onEvent(JSON.parse(line) as TestEvent);
      else console.log(line);
    });
  }
  try {
    const code = await new Promise<number | string | null>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (exitCode, signal) => resolve(exitCode ?? signal));
    });
    if (hung) throw new Error(`no event for ${run.idleTimeoutMs / 1000} s: stopped`);
    if (!ended) throw new Error(`the test process ended early (${code})`);
  } finally {
    clearTimeout(watchdog);
  }
}

async function runInPage(browser: "chromium" | "firefox", files: readonly string[], run: PlatformRun): Promise<void> {
  const entry = await writeEntry(browser, [DEVICE_FIRST, ...files]);
  const workers = (await readdir(join(root, "test", "browser"), { recursive: true }).catch(() => [])).filter((name) =>
    name.endsWith(".worker.ts"),
  );
  const { adapter, expect: expectAdapter } = await browserAdapter(browser);
  const args: TestPageArgs = { browser, expectAdapter, grep: run.grep };
  const outcome = await runInBrowser({
    browser,
    entry,
    args,
    adapter,
    workers: workers.map((name) => join("test", "browser", name)),
    idleTimeoutMs: run.idleTimeoutMs,
    onMessage: (event) => run.onEvent(event as TestEvent),
    onGpuError: (text) => run.onEvent({ type: "gpu-error", text }),
  });
  console.log(`browser: ${outcome.browser}`);
}

/** The page's entry imports mocha, then every test file, then the code that runs them. */
async function writeEntry(browser: string, files: readonly string[]): Promise<string> {
  const scripts = join(root, "scripts", "tests");
  const imports = [join(scripts, "page-setup.ts"), ...files].map((file) => `import ${JSON.stringify(file)};\n`);
  const entry = join(cacheFolder, `tests-${browser}.ts`);
  await mkdir(cacheFolder, { recursive: true });
  await writeFile(entry, `${imports.join("")}export { main } from ${JSON.stringify(join(scripts, "page.ts"))};\n`);
  return entry;
}
