#!/usr/bin/env node
/** The binary `fcn`: Ctrl-C, and a word on the parser where it is not installed. */
import { openGpu } from "../graph/gpu.js";
import { describeError } from "./errors.js";
import { EXIT, processIo } from "./io.js";

/** Aborts at the first Ctrl-C; the second, a second later or more, ends at once. */
function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  let first = 0;
  const stop = (): void => {
    if (!controller.signal.aborted) {
      first = performance.now();
      process.stderr.write("\nstopping (Ctrl-C again: at once)\n");
      controller.abort(new Error("interrupted"));
    } else if (performance.now() - first > 1000) process.exit(EXIT.interrupted);
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  return controller.signal;
}

/** A reader that has seen enough, as `fcn inspect ... | head`, is no failure. */
function endWithReader(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(EXIT.done);
    throw error;
  });
}

async function main(): Promise<number> {
  endWithReader();
  const io = processIo(interruptSignal(), (options) => openGpu({ powerPreference: "high-performance", ...options }));
  try {
    const { runCli } = await import("./main.js");
    return await runCli(process.argv.slice(2), io);
  } catch (error) {
    const { code, line } = describeError(error);
    io.err(`fcn: ${line}`);
    return code;
  }
}

// What was written reaches a pipe before the end. Dawn keeps Node alive: exit by hand.
const code = await main();
await Promise.all([process.stdout, process.stderr].map((stream) => new Promise<void>((done) => stream.write("", () => done()))));
process.exit(code);
