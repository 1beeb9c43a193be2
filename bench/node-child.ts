/** A session in a process of Node: Dawn as navigator.gpu for engines that look for it there, messages over Node's IPC channel. */
import { pathToFileURL } from "node:url";
import type { Channel } from "./session.js";

interface Start {
  readonly module: string;
  readonly args: unknown;
  /** Dawn as navigator.gpu. Ours opens Dawn itself, as it does for its users. */
  readonly navigatorGpu: boolean;
}

async function provideWebGpu(asNavigator: boolean): Promise<void> {
  const { create, globals } = await import("webgpu");
  Object.assign(globalThis, globals);
  if (!asNavigator) return;
  const navigator = { gpu: create([]), hardwareConcurrency: 2, userAgent: "Node", platform: "linux" };
  Object.defineProperty(globalThis, "navigator", { value: navigator, configurable: true });
  Object.assign(globalThis, { window: globalThis, self: globalThis });
}

const waiting: unknown[] = [];
let wake: () => void = () => undefined;
process.on("message", (message) => {
  waiting.push(message);
  wake();
});
// The runner is gone.
process.on("disconnect", () => process.exit(0));

async function receive(): Promise<unknown> {
  while (waiting.length === 0) await new Promise<void>((resolve) => (wake = resolve));
  return waiting.shift();
}

const { module, args, navigatorGpu } = (await receive()) as Start;
await provideWebGpu(navigatorGpu);
const { main } = (await import(pathToFileURL(module).href)) as { main(channel: Channel): Promise<unknown> };
await main({ args, hiddenAdapter: null, send: (message) => void process.send!(message), receive });
process.exit(0);
