#!/usr/bin/env node
/** The binary `fcn`: Ctrl-C, and a word on the parser where it is not installed. */
import { openGpu } from "../graph/gpu.js";
import { describeError } from "./errors.js";
import { EXIT, processIo } from "./io.js";

/** Aborts at the first Ctrl-C, or where the terminal is closed; the second, a second later or more, ends at once. */
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
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, stop);
  return controller.signal;
}

/** A reader that has seen enough, as in `fcn train ... | head`, and a terminal that was closed are no failure, and not the end of the work: what is said then is lost. */
function outliveReaders(): void {
  const gone = ["EPIPE", "EIO", "ERR_STREAM_DESTROYED"];
  for (const stream of [process.stdout, process.stderr])
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (!gone.includes(error.code ?? "")) throw error;
    });
}

async function main(): Promise<number> {
  outliveReaders();
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
