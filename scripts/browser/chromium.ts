/** Headless Chromium for the page runner: an installed one if there is one, else the one from npm with its own libraries. */
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { chromium, type Browser as Chromium } from "playwright-core";
import { chromiumPackage, chromiumPackageRunsHere } from "../adapters/chromium-package.js";
import { environmentWithoutVulkan } from "../adapters/environment.js";
import type { Browser } from "./page-runner.js";

export interface ChromiumFound {
  readonly executable: string;
  readonly env: Readonly<Record<string, string>>;
  readonly source: "CHROME_PATH" | "installed" | "npm";
}

const INSTALLED: Readonly<Partial<Record<NodeJS.Platform, readonly string[]>>> = {
  darwin: ["/Applications/Google Chrome.app/Contents/MacOS/Google Chrome", "/Applications/Chromium.app/Contents/MacOS/Chromium"],
  win32: ["PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA"].map((base) =>
    join(process.env[base] ?? "", "Google", "Chrome", "Application", "chrome.exe"),
  ),
};
const COMMANDS = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/** The Chromium to use: CHROME_PATH, an installed one (unless FCN_CHROMIUM=npm), or the npm package's. Throws with the remedy if there is none. */
export async function findChromium(): Promise<ChromiumFound> {
  const named = process.env["CHROME_PATH"];
  if (named !== undefined && named !== "") {
    if (!existsSync(named)) throw new Error(`CHROME_PATH names ${named}, which does not exist`);
    return { executable: named, env: {}, source: "CHROME_PATH" };
  }
  if (process.env["FCN_CHROMIUM"] !== "npm") {
    const installed = installedChromium();
    if (installed !== undefined) return { executable: installed, env: {}, source: "installed" };
  }
  if (!chromiumPackageRunsHere) {
    throw new Error(`no Chromium or Chrome found: install one, or set CHROME_PATH (the npm fallback is for Linux on x64 only)`);
  }
  const { executable, browserEnv } = await chromiumPackage();
  return { executable, env: browserEnv, source: "npm" };
}

function installedChromium(): string | undefined {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const onPath =
    process.platform === "win32" ? [] : COMMANDS.flatMap((command) => folders.map((folder) => join(folder, command)));
  return [...(INSTALLED[process.platform] ?? []), ...onPath].find((path) => existsSync(path));
}

const COMMON_FLAGS = [
  "--headless=new",
  "--no-sandbox",
  "--enable-unsafe-webgpu",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const SOFTWARE_FLAGS = [
  "--use-webgpu-adapter=swiftshader",
  // The compositor on SwiftShader too: else the GPU process goes down with the first texture of a WebGPU canvas (Chromium 156).
  "--ignore-gpu-blocklist",
  "--enable-features=Vulkan",
  "--use-vulkan=swiftshader",
  "--use-angle=vulkan",
];
const HARDWARE_FLAGS =
  process.platform === "linux"
    ? ["--ignore-gpu-blocklist", "--enable-features=Vulkan", "--use-angle=vulkan"]
    : ["--ignore-gpu-blocklist"];

/** Starts Chromium for playwright; its WebGPU adapter is SwiftShader, or with `adapter: "hardware"` whatever GPU the machine has. */
export async function startChromium(adapter: "software" | "hardware"): Promise<Chromium> {
  const { executable, env } = await findChromium();
  return await chromium.launch({
    executablePath: executable,
    args: [...COMMON_FLAGS, ...(adapter === "software" ? SOFTWARE_FLAGS : HARDWARE_FLAGS)],
    ignoreDefaultArgs: ["--headless"],
    env: { ...environmentWithoutVulkan(), ...env },
  });
}

/** Chromium for the page runner, as {@link startChromium} starts it. */
export async function launchChromium(adapter: "software" | "hardware"): Promise<Browser> {
  const browser = await startChromium(adapter);
  let closing = false;
  return {
    name: `Chromium ${browser.version()}`,
    hiddenAdapter: null,
    async open(url, onCrash) {
      const page = await browser.newPage();
      page.on("crash", () => onCrash("the page crashed"));
      browser.on("disconnected", () => {
        if (!closing) onCrash("the browser exited");
      });
      await page.goto(url);
    },
    async [Symbol.asyncDispose]() {
      closing = true;
      await browser.close();
    },
  };
}
