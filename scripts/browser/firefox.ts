/**
 * Headless Firefox for the page runner, driven by WebDriver BiDi over its own socket: a stock Firefox (playwright's driver needs a patched
 * one) with WebGPU switched on, on lavapipe where the machine has no GPU.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";
import WebSocket from "ws";
import { environmentWithoutVulkan } from "../adapters/environment.js";
import { lavapipeEnv } from "../adapters/lavapipe.js";
import type { Browser } from "./page-runner.js";

const START_TIMEOUT_MS = 60_000;

const PREFERENCES: Readonly<Record<string, boolean | number | string>> = {
  "dom.webgpu.enabled": true,
  "dom.webgpu.workers.enabled": true,
  "gfx.webgpu.ignore-blocklist": true,
  "app.update.auto": false,
  "app.normandy.enabled": false,
  "browser.shell.checkDefaultBrowser": false,
  "browser.startup.page": 0,
  "browser.startup.homepage_override.mstone": "ignore",
  "browser.sessionstore.resume_from_crash": false,
  "datareporting.policy.dataSubmissionEnabled": false,
  "datareporting.healthreport.uploadEnabled": false,
  "dom.ipc.processHangMonitor": false,
  "dom.max_script_run_time": 0,
  "network.captive-portal-service.enabled": false,
  "network.connectivity-service.enabled": false,
  "services.settings.server": "data:,",
  "toolkit.telemetry.enabled": false,
};

const INSTALLED: Readonly<Partial<Record<NodeJS.Platform, readonly string[]>>> = {
  darwin: ["/Applications/Firefox.app/Contents/MacOS/firefox"],
  win32: ["PROGRAMFILES", "PROGRAMFILES(X86)"].map((base) => join(process.env[base] ?? "", "Mozilla Firefox", "firefox.exe")),
};

/** The Firefox to use: FIREFOX_PATH, or an installed one. Throws with the remedy if there is none. */
export function findFirefox(): string {
  const named = process.env["FIREFOX_PATH"];
  if (named !== undefined && named !== "") {
    if (!existsSync(named)) throw new Error(`FIREFOX_PATH names ${named}, which does not exist`);
    return named;
  }
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const onPath =
    process.platform === "win32"
      ? []
      : ["firefox", "firefox-esr"].flatMap((command) => folders.map((folder) => join(folder, command)));
  const found = [...(INSTALLED[process.platform] ?? []), ...onPath].find((path) => existsSync(path));
  if (found === undefined)
    throw new Error("no Firefox found: run scripts/install-browsers.sh as root (Debian), install Firefox, or set FIREFOX_PATH");
  return found;
}

/** Starts Firefox; with `adapter: "software"` on Linux its WebGPU runs on lavapipe. */
export async function launchFirefox(adapter: "software" | "hardware"): Promise<Browser> {
  const executable = findFirefox();
  const env = { ...environmentWithoutVulkan(), ...(adapter === "software" && process.platform === "linux" ? lavapipeEnv() : {}) };

  const profile = await mkdtemp(join(tmpdir(), "fcn-firefox-"));
  const preferences = Object.entries(PREFERENCES).map(
    ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`,
  );
  await writeFile(join(profile, "user.js"), preferences.join(""));
  const child = spawn(
    executable,
    ["--headless", "--no-remote", "--profile", profile, "--remote-debugging-port=0", "--remote-allow-system-access"],
    {
      env: { ...env, MOZ_HEADLESS: "1", MOZ_CRASHREPORTER_DISABLE: "1" },
      stdio: ["ignore", "ignore", "pipe"],
    },
  );
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));

  async function stop(): Promise<void> {
    child.kill();
    const killed = setTimeout(() => child.kill("SIGKILL"), 5_000);
    await exited;
    clearTimeout(killed);
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  }

  try {
    const bidi = await connect(await bidiAddress(child));
    const session = (await bidi.send("session.new", { capabilities: {} })) as { capabilities: { browserVersion: string } };
    return {
      name: `Firefox ${session.capabilities.browserVersion}`,
      hiddenAdapter: await adapterName(bidi),
      async open(url, onCrash) {
        bidi.onClose(() => onCrash("the browser exited"));
        await bidi.send("browsingContext.navigate", { context: await firstContext(bidi, {}), url, wait: "interactive" });
      },
      async [Symbol.asyncDispose]() {
        bidi.onClose(() => undefined);
        await bidi.send("browser.close", {}).catch(() => undefined);
        await stop();
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Firefox names its BiDi socket on standard error. */
async function bidiAddress(child: ChildProcess): Promise<string> {
  if (child.stderr === null) throw new Error("firefox: started without a standard error to read");
  const lines = createInterface({ input: child.stderr });
  return await new Promise<string>((resolve, reject) => {
    const printed: string[] = [];
    const timer = setTimeout(
      () => reject(new Error(`firefox: no BiDi socket after ${START_TIMEOUT_MS} ms; it printed: ${printed.join("\n")}`)),
      START_TIMEOUT_MS,
    );
    lines.on("line", (line) => {
      printed.push(line);
      const address = /WebDriver BiDi listening on (ws:\S+)/.exec(line)?.[1];
      if (address === undefined) return;
      clearTimeout(timer);
      resolve(`${address}/session`);
    });
    child.once("error", reject);
    child.once("exit", (code) =>
      reject(new Error(`firefox: exited with ${code} before it was ready; it printed: ${printed.join("\n")}`)),
    );
  });
}

/** Firefox tells pages nothing about the adapter; its own chrome pages may ask wgpu for the name. */
async function adapterName(bidi: Bidi): Promise<string> {
  const context = await firstContext(bidi, { "moz:scope": "chrome" });
  const expression = `navigator.gpu.requestAdapter().then((adapter) => adapter === null ? "none" : adapter.info.wgpuName + ", " + adapter.info.wgpuDriverInfo)`;
  const answer = await bidi.send("script.evaluate", { expression, target: { context }, awaitPromise: true });
  return (answer as { result?: { value?: string } }).result?.value ?? "unknown";
}

async function firstContext(bidi: Bidi, scope: object): Promise<string | undefined> {
  const tree = (await bidi.send("browsingContext.getTree", scope)) as { contexts: readonly { context: string }[] };
  return tree.contexts[0]?.context;
}

interface Bidi {
  send(method: string, params: object): Promise<unknown>;
  onClose(listener: () => void): void;
}

/** A WebDriver BiDi connection: commands by number, answers matched to them. */
async function connect(address: string): Promise<Bidi> {
  const socket = new WebSocket(address);
  const pending = new Map<number, PromiseWithSettlers>();
  let last = 0;
  let closed = (): void => undefined;
  await new Promise<void>((resolve, reject) => {
    socket.once("open", () => resolve());
    socket.once("error", reject);
  });
  socket.on("message", (data: Buffer) => {
    const answer = JSON.parse(data.toString("utf8")) as {
      id?: number;
      type: string;
      result?: unknown;
      error?: string;
      message?: string;
    };
    const command = answer.id === undefined ? undefined : pending.get(answer.id);
    if (answer.id === undefined || command === undefined) return;
    pending.delete(answer.id);
    if (answer.type === "success") command.resolve(answer.result);
    else command.reject(new Error(`firefox: ${answer.error}: ${answer.message}`));
  });
  socket.on("close", () => {
    for (const command of pending.values()) command.reject(new Error("firefox: the connection closed"));
    closed();
  });
  return {
    send(method, params) {
      const id = ++last;
      return new Promise((resolve, reject) => {
        pending.set(id, { resolve, reject });
        socket.send(JSON.stringify({ id, method, params }));
      });
    },
    onClose(listener) {
      closed = listener;
    },
  };
}

interface PromiseWithSettlers {
  resolve(value: unknown): void;
  reject(error: Error): void;
}
