/**
 * Sessions of the command: an engine, or the adapter's probe, in a process of its own that does one command at a time.
 *
 * In a browser each engine gets a browser of its own rather than a page: pages of one browser share its GPU process, and a peer that hangs or
 * crashes there would take the others along. All stay open, which costs memory, and the rounds go from one to the next. A session that failed
 * or ran out of time is killed, and a new one opened for the next row.
 */
import { fork, type ChildProcess } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { build } from "esbuild";
import { browserAdapter } from "../scripts/adapters/browser-adapter.js";
import { runInBrowser } from "../scripts/browser/page-runner.js";
import { cacheFolder, root } from "../scripts/paths.js";
import { hostOf, Mailbox, messageOf, type Host, type OpenHost } from "./host.js";
import type { CommandPlatform } from "./report.js";
import type { Answer, SessionArgs } from "./session.js";

const PACKAGES = join(root, "bench", "peers", "node_modules");

/** Sessions on a platform; those beside it always in Node. */
export function hostsOn(platform: CommandPlatform): OpenHost {
  return async (where, module, engine) =>
    platform === "node" || where === "beside" ? await inNode(module, engine) : await inBrowser(platform, module, engine);
}

async function inBrowser(browser: "chromium" | "firefox", module: string, engine: string): Promise<Host> {
  const mailbox = new Mailbox();
  const aborter = new AbortController();
  const args: SessionArgs = { engine, packages: "/packages/", platform: "page" };
  const complaints: string[] = [];
  let name: string = browser;
  const running = runInBrowser({
    browser,
    entry: module,
    args,
    adapter: (await browserAdapter(browser)).adapter,
    mounts: { "/packages": PACKAGES },
    keepNames: false, // tfjs makes workers of functions' sources
    idleTimeoutMs: 2 ** 31 - 1, // each command has its own limit
    onMessage: (message) => mailbox.answer(message as Answer),
    onConsole: (level, text) => void (level === "error" && complaints.push(text.slice(0, 300))),
    onBrowser: (started) => (name = started),
    outbox: () => mailbox.nextCommand(),
    signal: aborter.signal,
  }).then(
    () => mailbox.end(new Error("the page has ended")),
    (error: unknown) => mailbox.end(new Error([messageOf(error), ...complaints.slice(-2)].join("; "))),
  );
  return hostOf(
    mailbox,
    () => name,
    async () => {
      aborter.abort("closed by the benchmark");
      await running;
    },
  );
}

async function inNode(module: string, engine: string): Promise<Host> {
  const mailbox = new Mailbox();
  const bundle = await bundleForNode(module);
  const child: ChildProcess = fork(join(root, "bench", "node-child.ts"), [], {
    execArgv: ["--import", "tsx"],
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  let complaints = "";
  child.stderr!.on("data", (text: Buffer) => (complaints = (complaints + text.toString()).slice(-600)));
  child.on("message", (answer) => mailbox.answer(answer as Answer));
  const ended = new Promise<void>((resolve) => {
    child.on("error", (error) => mailbox.end(error));
    child.on("close", (code, signal) => {
      mailbox.end(new Error(`its process ended with ${signal ?? code}: ${complaints.trim()}`));
      resolve();
    });
  });
  const args: SessionArgs = { engine, packages: PACKAGES + "/", platform: "node" };
  child.send({ module: bundle, args, navigatorGpu: engine !== "ours" });
  void (async () => {
    while (child.connected) {
      const command = await mailbox.nextCommand();
      if (child.connected) child.send(command as object);
    }
  })();
  return hostOf(
    mailbox,
    () => `Node ${process.versions.node}`,
    async () => {
      child.kill("SIGKILL"); // Dawn may be at work for minutes yet
      await ended;
    },
  );
}

/** tfjs has no modules that Node can load, and the sources are TypeScript: one file each, beside the other things that can be made again. */
async function bundleForNode(module: string): Promise<string> {
  const folder = join(cacheFolder, "bench");
  await mkdir(folder, { recursive: true });
  const file = join(folder, `${basename(module, ".ts")}.mjs`);
  const { outputFiles } = await build({
    entryPoints: [join(root, module)],
    bundle: true,
    write: false,
    format: "esm",
    platform: "node",
    target: "node20",
    mainFields: ["module", "main"],
    external: ["webgpu"],
    banner: { js: 'import { createRequire as requireOf } from "node:module"; const require = requireOf(import.meta.url);' },
    logLevel: "silent",
  });
  await writeFile(file, outputFiles[0]!.contents);
  return file;
}
