/**
 * Runs a command with an environment in which Dawn in Node finds an adapter, and prints one line that names it:
 *
 *     node scripts/with-gpu.mjs -- node --import tsx demo.ts
 *
 * The command also learns from FCN_EXPECT_ADAPTER which kind of adapter it must find. Inside another with-gpu it only runs the command.
 */
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { delimiter, join } from "node:path";
import { root } from "../paths.js";
import type { Environment } from "./environment.js";
import { chooseNodeAdapter } from "./node-adapter.js";

/** Environment for a child process that uses WebGPU in Node. Prints the line that names the adapter. */
export async function gpuEnvironment(): Promise<Environment> {
  if (process.env["FCN_EXPECT_ADAPTER"] !== undefined) return process.env;
  const adapter = await chooseNodeAdapter();
  console.log(`adapter: ${adapter.line}`);
  return { ...process.env, ...adapter.env, FCN_EXPECT_ADAPTER: adapter.kind };
}

/** Runs the command to its end, passing signals on; returns its exit code. */
export async function runWithGpu(command: readonly string[]): Promise<number> {
  const [program, ...args] = command;
  if (program === undefined) throw new Error("with-gpu: no command; usage: node scripts/with-gpu.mjs -- COMMAND...");
  const env = await gpuEnvironment();
  const path = [join(root, "node_modules", ".bin"), process.env["PATH"] ?? ""].join(delimiter);
  const child = spawn(program === "node" ? process.execPath : program, args, {
    env: { ...env, PATH: path },
    stdio: "inherit",
    shell: process.platform === "win32" && program !== "node", // npm's commands are .cmd files there
  });
  const pass = (signal: NodeJS.Signals): void => void child.kill(signal);
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, pass);
  return await new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
  });
}
