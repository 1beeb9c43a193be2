/**
 * Runs a TypeScript module in a browser page and brings back what it returns. The tests, the conformance cases and the benchmarks all go
 * through here: bundle, serve on localhost, launch, stream messages, close. In Firefox's pages readbacks are hurried (firefox-maps.ts).
 *
 *     // count.ts                                        // a script
 *     export async function main(page: Page) {           const { result } = await runInBrowser({
 *       page.send({ progress: 0.5 });                       browser: "chromium", entry: "bench/count.ts", args: { upTo: 3 },
 *       return { total: 6 };                                onMessage: (message) => console.log(message),
 *     }                                                   });
 */
import { join } from "node:path";
import { root, sharedFolder } from "../paths.js";
import { bundlePage } from "./bundle.js";
import { launchChromium } from "./chromium.js";
import { launchFirefox } from "./firefox.js";
import type { PageEvent } from "./page.js";
import { servePage } from "./server.js";

export type BrowserName = "chromium" | "firefox";

/** A started browser. Closing it also cleans up after it. */
export interface Browser extends AsyncDisposable {
  /** Name and version, for reports. */
  readonly name: string;
  /** The adapter's name where the browser keeps it from pages (Firefox), else null: pages then read GPUAdapterInfo. */
  readonly hiddenAdapter: string | null;
  open(url: string, onCrash: (reason: string) => void): Promise<void>;
}

export interface RunInBrowserOptions {
  readonly browser: BrowserName;
  /** Module, relative to the repository root or absolute, that exports `main(page: Page): Promise<unknown>`. */
  readonly entry: string;
  /** Handed to the page as `page.args`. JSON. */
  readonly args?: unknown;
  /** Modules bundled on their own, for `new Worker("/<file name>.js", { type: "module" })`. */
  readonly workers?: readonly string[];
  /** Functions and classes keep their names (default). Not with a package that makes a worker of a function's source: a helper would be missing there. */
  readonly keepNames?: boolean;
  /** Folders served beside the page, by URL prefix. `/shared` (the material beside the repository, where there is some) and `/repo/shaders` always are. */
  readonly mounts?: Readonly<Record<string, string>>;
  /** "software" (default): SwiftShader in Chromium, lavapipe in Firefox. "hardware": the machine's GPU. */
  readonly adapter?: "software" | "hardware";
  /** With no event of any kind from the page for this long it counts as hung: PageError. Default 120 s. */
  readonly idleTimeoutMs?: number;
  /** A GPU error that no error scope caught; also collected in the outcome. */
  readonly onGpuError?: (text: string) => void;
  /** What the page says with `page.send`, in order. */
  readonly onMessage?: (message: unknown) => void;
  /** Told the browser's name and version when it has started. */
  readonly onBrowser?: (name: string) => void;
  /** Called for each `page.receive()`: the next message for the page. JSON. Default: there never is one. */
  readonly outbox?: () => Promise<unknown>;
  /** Closes the browser, whatever the page is doing: PageError with the signal's reason. */
  readonly signal?: AbortSignal;
  /** What the page prints. Default: errors and warnings go to standard error. */
  readonly onConsole?: (level: "log" | "warn" | "error", text: string) => void;
}

export interface PageOutcome<Result> {
  /** What `main` returned, through JSON. */
  readonly result: Result;
  /** Name and version of the browser. */
  readonly browser: string;
  /** GPU errors that no error scope caught, from every device that the page opened (workers apart). */
  readonly gpuErrors: readonly string[];
}

/** The page threw, crashed, hung or never came up. */
class PageError extends Error {
  override readonly name = "PageError";
}

/** Runs `main` of the entry in a page. Rejects with PageError when it throws, hangs or crashes, and with esbuild's error when it does not bundle. */
export async function runInBrowser<Result = unknown>(options: RunInBrowserOptions): Promise<PageOutcome<Result>> {
  const { browser: name, adapter = "software", idleTimeoutMs = 120_000, onMessage, onConsole = printConsole } = options;
  const bundle = await bundlePage(options.entry, options.workers ?? [], { keepNames: options.keepNames ?? true });

  const gpuErrors: string[] = [];
  let resolveResult: (result: Result) => void = () => undefined;
  let rejectResult: (error: Error) => void = () => undefined;
  const outcome = new Promise<Result>((resolve, reject) => {
    resolveResult = resolve;
    rejectResult = reject;
  });
  outcome.catch(() => undefined); // awaited below; it may fail before that
  const fail = (reason: string): void => rejectResult(new PageError(`${name}: ${reason}`));
  const hang = (): void => fail(`no word from the page for ${idleTimeoutMs / 1000} s`);
  let watchdog: NodeJS.Timeout | undefined;

  const reportGpuError = (text: string): void => {
    gpuErrors.push(text);
    options.onGpuError?.(text);
  };
  const onEvent = (event: PageEvent): void => {
    watchdog?.refresh();
    if (event.kind === "message") onMessage?.(event.message);
    else if (event.kind === "console") onConsole(event.level, event.text);
    else if (event.kind === "gpu-error") reportGpuError(event.text);
    else if (event.kind === "result") resolveResult(event.result as Result);
    else fail(event.text);
  };

  await using browser = await (name === "firefox" ? launchFirefox(adapter) : launchChromium(adapter));
  options.onBrowser?.(browser.name);
  const start = { args: options.args ?? null, hiddenAdapter: browser.hiddenAdapter };
  const outbox = options.outbox ?? (() => new Promise<never>(() => undefined));
  await using server = await servePage({ bundle, start, mounts: { ...defaultMounts(), ...options.mounts }, onEvent, outbox });
  const stop = (): void => fail(String(options.signal!.reason));
  options.signal?.addEventListener("abort", stop);
  if (options.signal?.aborted) stop();
  watchdog = setTimeout(hang, idleTimeoutMs);
  try {
    await Promise.race([browser.open(server.url, fail), outcome]);
    return { result: await outcome, browser: browser.name, gpuErrors };
  } finally {
    options.signal?.removeEventListener("abort", stop);
    clearTimeout(watchdog);
  }
}

function defaultMounts(): Record<string, string> {
  const shared = sharedFolder();
  return { "/repo/shaders": join(root, "shaders"), ...(shared === null ? {} : { "/shared": shared }) };
}

function printConsole(level: "log" | "warn" | "error", text: string): void {
  if (level !== "log") process.stderr.write(`[page ${level}] ${text}\n`);
}
