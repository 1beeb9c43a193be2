/** A session in a worker: the worker's half. Messages in order, the first of them the session's arguments. */
import type { Channel } from "../session.js";

/** Called by the script that the build makes of each module that exports `main(channel)`. */
export function startWorker(main: (channel: Channel) => Promise<unknown>): void {
  const waiting: unknown[] = [];
  let wake: () => void = () => undefined;
  addEventListener("message", ({ data }: MessageEvent<unknown>) => {
    waiting.push(data);
    wake();
  });
  const receive = async (): Promise<unknown> => {
    while (waiting.length === 0) await new Promise<void>((resolve) => (wake = resolve));
    return waiting.shift();
  };
  const run = async (): Promise<void> => {
    const args = await receive();
    await main({ args, hiddenAdapter: null, send: (message) => postMessage(message), receive });
  };
  run().catch((error: unknown) => {
    // Out of the promise: the page hears only of errors that nobody caught.
    setTimeout(() => {
      throw error;
    });
  });
}
