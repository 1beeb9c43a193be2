/**
 * Sessions of the page: each in a worker of its own, which can be ended whatever it is doing. Workers share the browser's GPU process; where one
 * brings that down, the others' devices are lost, and row.ts opens them anew.
 */
import { hostOf, Mailbox, type Host, type OpenHost } from "../host.js";
import type { Answer, SessionArgs } from "../session.js";
import { PACKAGES, workerFile } from "./facts.js";

/** `browser` is its name and version. */
export function hostsInWorkers(browser: string): OpenHost {
  return (_where, module, engine) => Promise.resolve(openWorker(browser, module, engine));
}

function openWorker(browser: string, module: string, engine: string): Host {
  const mailbox = new Mailbox();
  const worker = new Worker(new URL(workerFile(module), document.baseURI), { name: engine });
  const args: SessionArgs = { engine, packages: new URL(PACKAGES, document.baseURI).href, platform: "page" };
  let closed = false;
  worker.addEventListener("message", ({ data }) => mailbox.answer(data as Answer));
  worker.addEventListener("error", ({ message }) => {
    // An ErrorEvent without a message: the script could not be fetched.
    mailbox.end(new Error(`its worker failed: ${message || "the script did not load"}`));
  });
  worker.postMessage(args);
  void (async () => {
    while (!closed) {
      const command = await mailbox.nextCommand();
      if (!closed) worker.postMessage(command);
    }
  })();
  return hostOf(
    mailbox,
    () => browser,
    () => {
      closed = true;
      worker.terminate();
      mailbox.end(new Error("ended"));
      return Promise.resolve();
    },
  );
}
